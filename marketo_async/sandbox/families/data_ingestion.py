"""Data ingestion: writes that are accepted at once and applied a moment later.

The handlers check the requests. See ``ingestion`` for tokens and limits, and ``records.ingested`` for how writes are
applied.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.envelope import Answer, Members
from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.parameters import as_integer, as_object, as_objects, as_text, missing
from marketo_async.sandbox.permissions import LEAD_WRITERS, object_writers
from marketo_async.sandbox.records import ingested
from marketo_async.sandbox.records.inbox import Apply
from marketo_async.sandbox.records.object_sync import as_action
from marketo_async.sandbox.routing import Routes

routes = Routes()

MOST_OBJECTS = 1_000

_BASE = "/subscriptions/{munchkinId}"
_NOT_IN_PROGRAM = "not in program"

# The documentation has one of these spellings, the description the other; records may have either.
_STATUS = ("status", "statusName")
_MEMBERS = ("members", "input")
_LEAD_ID = ("leadId", "id")


@routes.post(
    f"{_BASE}/persons", LEAD_WRITERS, body=("persons",), body_optional=("priority", "partitionName", "dedupeFields")
)
def sync_persons(call: Call) -> Answer:
    """Accept persons to create or update."""
    _check_priority(call)
    persons = call.records("persons", MOST_OBJECTS)
    dedupe = call.member("dedupeFields")
    fields = {"field1": "email"} if dedupe is None else as_object("dedupeFields", dedupe)
    if not fields.get("field1") or not fields.keys() <= {"field1", "field2"}:
        raise ApiError("1003", "'dedupeFields' names one field or two: field1 and field2")
    names = [as_text(name, field) for name, field in sorted(fields.items()) if field is not None]
    write = partial(ingested.upsert_persons, call.instance, persons, names, call.body_text("partitionName"))
    return _accept(call, len(persons), _at_once(write))


@routes.post(
    f"{_BASE}/customobjects/{{customObjectAPIName}}",
    object_writers("Custom Object"),
    body=("customObjects",),
    body_optional=("priority", "dedupeBy"),
)
def sync_custom_objects(call: Call) -> Answer:
    """Accept custom objects to create or update; those of a missing person wait for a while."""
    _check_priority(call)
    dedupe_by = call.body_text("dedupeBy") or "dedupeFields"
    if dedupe_by not in ("dedupeFields", "marketoGUID"):
        raise ApiError("1003", f"Invalid dedupeBy '{dedupe_by}'")
    waiting = call.records("customObjects", MOST_OBJECTS)
    instance, name, by_guid = call.instance, call.path_text("customObjectAPIName"), dedupe_by == "marketoGUID"

    def write() -> bool:
        nonlocal waiting
        waiting = ingested.sync_custom_objects(instance, name, waiting, by_guid=by_guid)
        return not waiting

    return _accept(call, len(waiting), write)


@routes.post(f"{_BASE}/companies", object_writers("Company"), body=("input",), body_optional=("action", "dedupeBy"))
def sync_companies(call: Call) -> Answer:
    """Accept companies to create or update."""
    action, companies = as_action(call.body_text("action")), call.records("input", MOST_OBJECTS)
    dedupe_by = {"dedupefields": "dedupeFields", "idfield": "idField"}.get(
        (call.body_text("dedupeBy") or "dedupeFields").casefold()
    )
    if dedupe_by is None or (dedupe_by == "idField" and action != "updateOnly"):
        raise ApiError("1003", "'dedupeBy' is dedupeFields, or with updateOnly idField")
    needed, forbidden = ("id", "externalcompanyid") if dedupe_by == "idField" else ("externalcompanyid", "id")
    for company in companies:
        names = {name.casefold() for name, value in company.items() if value not in (None, "")}
        if needed not in names or forbidden in names:
            raise ApiError("1003", f"With {dedupe_by} each company has {needed} and no {forbidden}")
    write = partial(ingested.sync_companies, call.instance, companies, action, dedupe_by)
    return _accept(call, len(companies), _at_once(write))


@routes.post(f"{_BASE}/programmembers", LEAD_WRITERS, body=("programs",))
def sync_program_members(call: Call) -> Answer:
    """Accept leads to make members of programs, or to move to other statuses."""
    moves: list[Callable[[], None]] = []
    total = 0
    for program in as_objects("programs", call.member("programs")):
        program_id, members = _positive(program, "programId"), _leads(program, _MEMBERS)
        status = as_text("status", _either(program, _STATUS)).strip()
        if not status or status.casefold() == _NOT_IN_PROGRAM:
            raise ApiError("1003", f"Invalid status '{status}'")
        moves.append(partial(ingested.move_members, call.instance, program_id, status, members))
        total += len(members)
    return _accept(call, total, _in_turn(moves))


@routes.post(f"{_BASE}/programmembers/delete", LEAD_WRITERS, body=("programs",))
def delete_program_members(call: Call) -> Answer:
    """Accept members to remove from programs."""
    removals: list[Callable[[], None]] = []
    total = 0
    for program in as_objects("programs", call.member("programs")):
        program_id, lead_ids = _positive(program, "programId"), _lead_ids(program, _MEMBERS)
        removals.append(partial(ingested.remove_members, call.instance, program_id, lead_ids))
        total += len(lead_ids)
    return _accept(call, total, _in_turn(removals))


@routes.post(f"{_BASE}/lists", LEAD_WRITERS, body=("input", "listId"))
def add_to_list(call: Call) -> Answer:
    """Accept leads to add to a static list."""
    return _change_list(call, remove=False)


@routes.post(f"{_BASE}/lists/remove", LEAD_WRITERS, body=("input", "listId"))
def remove_from_list(call: Call) -> Answer:
    """Accept leads to remove from a static list."""
    return _change_list(call, remove=True)


def _change_list(call: Call, *, remove: bool) -> Answer:
    list_id, lead_ids = _positive(call.body, "listId"), _lead_ids(call.body, ("input",))
    write = partial(ingested.change_list, call.instance, list_id, lead_ids, remove=remove)
    return _accept(call, len(lead_ids), _at_once(write))


def _accept(call: Call, objects: int, write: Apply) -> Answer:
    if objects > MOST_OBJECTS:
        raise ApiError("1003", f"A request has at most {MOST_OBJECTS} objects")
    call.instance.inbox.accept(objects, write)
    return Answer()


def _at_once(write: Callable[[], None]) -> Apply:
    return _in_turn([write])


def _in_turn(writes: list[Callable[[], None]]) -> Apply:
    def apply() -> bool:
        for write in writes:
            write()
        return True

    return apply


def _check_priority(call: Call) -> None:
    priority = call.body_text("priority")
    if priority not in (None, "normal", "high"):
        raise ApiError("1003", f"Invalid priority '{priority}'")


def _positive(record: Members, name: str) -> int:
    number = as_integer(name, record.get(name))
    if number <= 0:
        raise ApiError("1003", f"'{name}' must be positive")
    return number


def _leads(record: Members, spellings: tuple[str, ...]) -> list[tuple[int, Members]]:
    """Return the ids of leads, each with the other members of its record."""
    return [
        (
            as_integer("leadId", _either(lead, _LEAD_ID)),
            {name: value for name, value in lead.items() if name not in _LEAD_ID},
        )
        for lead in as_objects(spellings[0], _either(record, spellings))
    ]


def _lead_ids(record: Members, spellings: tuple[str, ...]) -> list[int]:
    return [lead_id for lead_id, _ in _leads(record, spellings)]


def _either(record: Members, spellings: tuple[str, ...]) -> object:
    for name in spellings:
        if record.get(name) is not None:
            return record[name]
    raise missing(spellings[0])
