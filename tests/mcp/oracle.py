"""An independent judge of requests that arrived: it reads the policy's table and the request, and shares no code with
the guard. It is written from the rules of the policy file; only the registry's paths and effects are the project's.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qs, unquote

from marketo_async.effects import AREAS, EFFECTS, Effect
from marketo_async.schema import callees

RANK = {"off": 0, "read": 1, "write": 2, "full": 3}
KINDS = {
    "list_id": {"listId", "staticListId"},
    "program_id": {"programId", "programIds"},
    "campaign_id": {"campaignId"},
    "workspace": {"workspaceName", "workSpace", "workspace", "workspaceId"},
}
OWN_ID = {"lists": "list_id", "static_lists": "list_id", "programs": "program_id"}
OWN_ID |= {"campaigns": "campaign_id", "smart_campaigns": "campaign_id"}
CONFINED = {"lists": "list_id program_id workspace", "programs": "program_id workspace", "activities": "list_id"}
CONFINED |= {"campaigns": "campaign_id program_id workspace", "exports": "list_id program_id"}
CONFINED |= dict.fromkeys(("emails", "pages", "forms", "library"), "program_id workspace")
BY_NAME = {"programName": "program_id", "cloneToProgramName": "program_id", "listName": "list_id"}
BY_NAME |= {"staticListName": "list_id", "campaignName": "campaign_id"}
FREE = {"activities.paging_token", "activities.types", "program_members.describe"}
SCHEMA = re.compile(r"\.(create_fields|update_field|field|fields|partitions|update_partitions)$")
IDS = {"id", "leadid", "marketoguid", "idfield"}
DATABASE = {"people", "activities", "accounts", "objects", "exports"}
RECORDS = {"leads.sync", "leads.push", "leads.submit_form", "program_members.sync", "ingestion.sync_persons"}
RECORDS |= {"ingestion.sync_companies", "ingestion.sync_custom_objects", "ingestion.sync_program_members"}
SYNCED = {"companies", "opportunities", "opportunity_roles", "sales_persons", "named_accounts", "named_account_lists"}
SYNCED |= {"custom_objects"}


@cache
def _paths() -> list[tuple[str, str, re.Pattern[str]]]:
    """Return the pattern of each operation's path, the most literal first."""
    known = [found.operation for found in callees().values()]
    known.sort(key=lambda one: one.path.count("{"))
    return [
        (one.name, one.method, re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+?)", re.escape(one.path))))
        for one in known
    ]


def operation_of(method: str, target: str) -> tuple[str, dict[str, str]]:
    """Return the operation of a request, and the values in its path."""
    path, _, query = target.partition("?")
    method = "GET" if "_method=GET" in query else method
    for name, known, pattern in _paths():
        if known == method and (found := pattern.fullmatch(path)):
            return name, {key: unquote(value) for key, value in found.groupdict().items()}
    raise AssertionError(f"{method} {path} is not an operation")


def sent_by(target: str, body: bytes) -> tuple[dict[str, Any], Any]:
    """Return the members of query and form, and the JSON body."""
    query = {key: values[0] for key, values in parse_qs(target.partition("?")[2]).items()}
    try:
        return query, json.loads(body)
    except ValueError:
        pass
    if body.startswith(b"--"):
        parts = re.findall(rb'name="(\w+)"\r\n\r\n(.*?)\r\n--', body, re.DOTALL)
        return query | {key.decode(): value.decode() for key, value in parts}, None
    return query | {key: values[0] for key, values in parse_qs(body.decode()).items()}, None


def pairs(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield every member of a tree of JSON, at any depth."""
    if isinstance(value, Mapping):
        for key, member in value.items():
            yield key, member
            yield from pairs(member)
    elif isinstance(value, list):
        for member in value:
            yield from pairs(member)


def forbids(agent: Mapping[str, Any], method: str, target: str, body: bytes, *, confirmed: bool = False) -> str:
    """Return why the policy of an agent forbids a request, empty where it allows it."""
    name, path = operation_of(method, target)
    query, json_body = sent_by(target, body)
    family = name.rpartition(".")[0]
    area = "schema" if SCHEMA.search(name) and family != "custom_object_types" else AREAS[family]
    effect = EFFECTS.get(name, Effect.READ)
    if name.endswith(".transition"):
        effect = {"discard": Effect.ERASE, "create_draft": Effect.CHANGE}.get(json_body["action"], effect)
    need = {Effect.READ: 1, Effect.CHANGE: 2}.get(effect, 3)
    if level(agent, name, family, area) < need:
        return "level"
    if (data := data_of(name, family)) is not None:
        data_family, data_area = data
        reads = name.endswith((".create", ".enqueue", ".cancel")) and family.startswith("bulk.")
        if level(agent, "", data_family, data_area) < (1 if reads else need):
            return "level of the records"
    if why := objects(agent, name, family, area, data[1] if data else "", path, query, json_body):
        return why
    if why := fields(agent, name, family, query, json_body, body):
        return why
    if name in {"emails.send_sample", "users.invite"}:
        address = (json_body or query).get("emailAddress", "")
        if address.rpartition("@")[2].strip().lower() not in agent.get("sample_domains", []):
            return "address"
    most = agent.get("limits", {}).get("records_a_write")
    if most is not None and effect is not Effect.READ and records_in(query, json_body) > most:
        return "records"
    return "" if confirmed else person(agent, effect)


def person(agent: Mapping[str, Any], effect: Effect) -> str:
    names = {Effect.REACH: "reach", Effect.PUBLISH: "publish", Effect.ERASE: "erase", Effect.ADMIN: "admin"}
    by = agent.get("confirm", {}).get(names[effect], "host") if effect in names else "none"
    return "" if by == "none" else "confirmation"


def records_in(query: Mapping[str, Any], json_body: Any) -> int:
    """Return how many records a write carries."""
    body = json_body if isinstance(json_body, Mapping) else {}
    given = body.get("input")
    members = [member for program in body.get("programs", []) for member in program.get("members", [])]
    lists = [given.get("leads") if isinstance(given, Mapping) else given, members]
    lists += [body.get(key) for key in ("persons", "customObjects", "ids")]
    return max(1, len(query.get("leadIds", "").split(",")), *(len(one) for one in lists if isinstance(one, list)))


def level(agent: Mapping[str, Any], name: str, family: str, area: str) -> int:
    given = agent.get("access", {})
    return RANK[next((given[key] for key in (name, family, area) if key in given), "off")]


def data_of(name: str, family: str) -> tuple[str, str] | None:
    if family.startswith("bulk."):
        return family[5:], {
            "bulk.leads": "people",
            "bulk.activities": "activities",
            "bulk.program_members": "programs",
        }.get(family, "objects")
    others = {"ingestion.add_to_list": "lists", "ingestion.remove_from_list": "lists", "leads.by_program": "programs"}
    others |= {"ingestion.sync_companies": "accounts", "ingestion.sync_custom_objects": "objects"}
    others |= dict.fromkeys(("ingestion.sync_program_members", "ingestion.delete_program_members"), "programs")
    others |= {"leads.change_program_status": "programs"}
    return ("", others[name]) if name in others else None


def objects(
    agent: Mapping[str, Any], name: str, family: str, area: str, data: str, path: Any, query: Any, json_body: Any
) -> str:
    only = {kind: {str(one) for one in ids} for kind, ids in agent.get("only", {}).items()}
    everything = [*path.items(), *query.items(), *pairs(json_body)]
    named: dict[str, set[str]] = {}
    for kind, value in [*ids_in(everything), *own_ids(name, family, path, query)]:
        values = value if isinstance(value, list) else str(value).split(",")
        named.setdefault(kind, set()).update(map(str, values))
    if of_another := [kind for kind, ids in named.items() if kind in only and not ids <= only[kind]]:
        return f"{of_another[0]} of another"
    if {name, family, area} & set(agent.get("also", [])) or name in FREE:
        return ""
    if any(BY_NAME.get(key) in only and value is not None for key, value in everything):
        return "by name"
    confining = {kind for one in (area, data) for kind in CONFINED.get(one, "").split() if kind in only}
    return "names nothing" if confining and not confining & named.keys() else ""


def ids_in(everything: list[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Yield the kinds and values of all members that name an object."""
    for key, value in everything:
        yield from ((kind, value) for kind, keys in KINDS.items() if key in keys)
        if key in {"folder", "root", "parent"}:
            folder = json.loads(value) if isinstance(value, str) and value.startswith("{") else value
            if isinstance(folder, Mapping) and folder.get("type") == "Program":
                yield "program_id", folder["id"]


def own_ids(name: str, family: str, path: Mapping[str, Any], query: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield what ``id`` and its like name, which depends on the family."""
    if family in OWN_ID:
        yield from ((OWN_ID[family], place["id"]) for place in (path, query) if "id" in place)
    if query.get("folderType") == "Program" and "folderId" in query:
        yield "program_id", query["folderId"]
    if family in {"folders", "tokens"} and "Program" in {query.get("type"), query.get("folderType")}:
        yield "program_id", path.get("id")
    by = query.get("filterType") if name == "programs.browse" else None
    if by in {"id", "programId", "workspace"}:
        yield "workspace" if by == "workspace" else "program_id", query["filterValues"]


def fields(agent: Mapping[str, Any], name: str, family: str, query: Any, json_body: Any, body: bytes) -> str:
    lists = agent.get("fields", {})
    read = None if "read" not in lists else {one.lower() for one in lists["read"]}
    mask = {one.lower() for one in lists.get("mask", [])}
    limited = read is not None or bool(mask)
    if (
        name in {"emails.full_content", "emails.send_sample", "landing_pages.full_content"}
        and limited
        and "leadId" in query
    ):
        return "rendered"
    if AREAS[family] not in DATABASE and family not in {"lists", "program_members"}:
        return ""
    if limited and name.endswith((".file", ".import_failures", ".import_warnings")):
        return "file of another job"
    hidden = mask if family.startswith("bulk.") else set()
    for place in (query, json_body if isinstance(json_body, Mapping) else {}):
        if why := asks(place, read, hidden):
            return why
    if "write" not in lists:
        return ""
    return writes(name, family, read, {one.lower() for one in lists["write"]}, json_body, body)


def asks(place: Mapping[str, Any], read: set[str] | None, hidden: set[str]) -> str:
    wanted = place.get("fields") or []
    names = {one.lower() for one in (wanted.split(",") if isinstance(wanted, str) else wanted)}
    if names & hidden or (read is not None and names - read):
        return "field"
    by = str(place.get("filterType") or "id").lower()
    return "filter" if read is not None and by not in read | IDS else ""


def writes(name: str, family: str, read: set[str] | None, write: set[str], json_body: Any, body: bytes) -> str:
    if name.endswith(".import_file"):
        content = re.search(rb'name="file".*?\r\n\r\n(.*?)\r\n--', body, re.DOTALL)
        header = next(csv.reader([(content[1] if content else b"?").decode().splitlines()[0]]))
        return "header" if {one.lower() for one in header} - write - IDS else ""
    deletes = name.endswith(".delete") and family in SYNCED
    if not (name in RECORDS or deletes or (name.endswith(".sync") and family in SYNCED)) or (deletes and read is None):
        return ""
    keys = (read or set()) if deletes else keys_of(name, json_body)
    may = write | IDS | (keys if read is None else keys & read)
    records = json_body.get("input") or json_body.get("persons") or json_body.get("customObjects") or []
    if name == "ingestion.sync_program_members":
        records = [member for program in json_body["programs"] for member in program["members"]]
    if name == "leads.submit_form":
        records = [one["leadFormFields"] for one in records]
    return "record" if any({key.lower() for key in one} - may for one in records) else ""


def keys_of(name: str, json_body: Any) -> set[str]:
    """Return the fields by which a write finds its people."""
    if name in {"leads.sync", "leads.push", "leads.submit_form"}:
        return {(json_body.get("lookupField") or "email").lower()}
    if name == "ingestion.sync_persons":
        return {one.lower() for one in json_body.get("dedupeFields", {"field1": "email"}).values()}
    return set()
