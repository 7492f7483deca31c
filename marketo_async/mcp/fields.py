"""`FieldRules`: which fields of records an agent asks for, filters by, writes and sees. Pure.

They hold for records of the lead database (people, members, accounts, custom objects), the attributes and changes of
activities, and bulk files of them; not for assets. Names are compared without case, as Marketo does.

Reading
    A call may ask for and filter by readable fields only, or the filter would reveal the others. The answer is cut
    again by name, and values of masked fields are masked: ``j***@example.com``. An address in another value is masked
    too where any field is. A bulk file can't be cut, so it may hold no masked field, and an agent whose fields are
    limited gets only the files of its own jobs.

Writing
    A record may hold writable fields, Marketo's own ids, and the field by which the call looks records up if the agent
    may read that one. What deletes by key may name readable fields too. One other member refuses the record.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO
from typing import Any, TypeVar, cast

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from marketo_async.effects import family_of
from marketo_async.mcp.masking import masked, shown_name, without_addresses
from marketo_async.mcp.policy import FieldLists
from marketo_async.models.activities import Activity, FieldValueChange, LeadChange
from marketo_async.operation import Operation, Page, Plan
from marketo_async.planning import Refused

R = TypeVar("R")

_FAMILIES = frozenset(
    (
        "leads",
        "lists",
        "program_members",
        "companies",
        "opportunities",
        "opportunity_roles",
        "sales_persons",
        "named_accounts",
        "named_account_lists",
        "custom_objects",
        "activities",
        "ingestion",
        "bulk.leads",
        "bulk.activities",
        "bulk.program_members",
        "bulk.custom_objects",
    )
)
_IDENTIFIERS = frozenset({"id", "leadid", "marketoguid", "idfield"})
# Where the records of a write are in its body: a list, or the members of each of a list.
RECORDS: Mapping[str, tuple[str, ...]] = {
    "leads.sync": ("input",),
    "leads.push": ("input",),
    "leads.submit_form": ("input", "leadFormFields"),
    "program_members.sync": ("input",),
    "companies.sync": ("input",),
    "opportunities.sync": ("input",),
    "opportunity_roles.sync": ("input",),
    "sales_persons.sync": ("input",),
    "named_accounts.sync": ("input",),
    "named_account_lists.sync": ("input",),
    "custom_objects.sync": ("input",),
    "ingestion.sync_persons": ("persons",),
    "ingestion.sync_companies": ("input",),
    "ingestion.sync_custom_objects": ("customObjects",),
    "ingestion.sync_program_members": ("programs", "members"),
    "companies.delete": ("input",),
    "opportunities.delete": ("input",),
    "opportunity_roles.delete": ("input",),
    "sales_persons.delete": ("input",),
    "named_accounts.delete": ("input",),
    "named_account_lists.delete": ("input",),
    "custom_objects.delete": ("input",),
}
_FINDS_LEADS = frozenset({"leads.sync", "leads.push", "leads.submit_form"})  # by ``lookupField``, or else by email
_ASKS_FIELDS = frozenset({"leads.get", "leads.by_filter", "leads.by_program", "lists.leads", "lists.legacy_leads"})
# They show, or send, an asset as a lead sees it, with fields of the lead.
_RENDERED = frozenset({"emails.full_content", "emails.send_sample", "landing_pages.full_content"})
_FILES = {"file": "exportId", "import_failures": "batchId", "import_warnings": "batchId"}
_DELIMITERS = {"csv": ",", "tsv": "\t", "ssv": ";"}


class FieldRules:
    """The rules of one agent's ``fields``."""

    def __init__(self, lists: FieldLists) -> None:
        self._names = lists.read
        self._read = None if lists.read is None else _folded(lists.read)
        self._write = None if lists.write is None else _folded(lists.write)
        self._mask = _folded(lists.mask)

    @property
    def cuts(self) -> bool:
        """Whether answers are cut or masked."""
        return self._read is not None or bool(self._mask)

    def may_read(self, name: str) -> bool:
        """Return whether a field may be read, perhaps masked."""
        return self._read is None or name.casefold() in self._read

    def narrowed(self, operation: Operation, plan: Plan[R]) -> Plan[R]:
        """Return the plan with the readable fields, where it asks for Marketo's default ones."""
        if self._names is None or operation.name not in _ASKS_FIELDS or plan.query.get("fields") is not None:
            return plan
        names = [name for name in self._names if name.casefold() != "membership"]  # it comes without being asked for
        return replace(plan, query={**plan.query, "fields": names}) if names else plan

    def refusal(self, operation: Operation, plan: Plan[Any]) -> str | None:
        """Return why a call asks for, filters by or files what the agent may not read or write."""
        if operation.name in _RENDERED:
            shown = self.cuts and {**plan.query, **(plan.form or {})}.get("leadId") is not None
            return (
                "it would show fields of a lead, and those of this agent are limited; leave lead_id out"
                if shown
                else None
            )
        if family_of(operation.name) not in _FAMILIES:
            return None
        body = plan.json if isinstance(plan.json, Mapping) else {}
        for asked in (plan.query, body):
            for name in _listed(asked.get("fields")):
                if not self.may_read(name):
                    return f"this agent may not read the field {shown_name(name)}; ask for others"
                if name.casefold() in self._mask and family_of(operation.name).startswith("bulk."):
                    return f"the field {shown_name(name)} is masked, and a file can't be; leave it out"
            by = asked.get("filterType")
            if by is not None and str(by).casefold() not in _IDENTIFIERS and not self.may_read(str(by)):
                return f"this agent may not read the field {shown_name(str(by))}, so it may not filter by it"
        return self._refused_file(operation, plan)

    def _refused_file(self, operation: Operation, plan: Plan[Any]) -> str | None:
        """Return why a file of records to import may not be sent: its header decides."""
        if self._write is None or not operation.name.endswith(".import_file"):
            return None
        for file in (plan.files or {}).values():
            delimiter = _DELIMITERS.get(file.name.rpartition(".")[2], ",")
            try:
                header = next(csv.reader(StringIO(file.content.decode("utf-8-sig")), delimiter=delimiter), [])
            except (UnicodeDecodeError, csv.Error):
                return "the header of the file can't be read; send it as UTF-8"
            for name in header:
                if why := self._unwritable(name.strip(), frozenset()):
                    return why
        return None

    def refused_records(self, operation: Operation, plan: Plan[Any]) -> Iterator[Refused]:
        """Yield the records of a write that hold what the agent may not write."""
        if self._write is None or operation.name not in RECORDS:
            return
        named = self.also_named(operation, plan)
        for index, record in enumerate(members_at(plan.json, RECORDS[operation.name])):
            if why := self.refusal_of(record, named):
                yield Refused(index, why)

    def refusal_of(self, record: object, named: frozenset[str] | None) -> str | None:
        """Return why a record may not be sent; it may also hold the fields of ``named``, ``None`` for all."""
        if self._write is None or named is None:
            return None
        if not isinstance(record, Mapping):
            return "it is not a record by field name"
        return next((why for name in record if (why := self._unwritable(str(name), named))), None)

    def also_named(self, operation: Operation, plan: Plan[Any]) -> frozenset[str] | None:
        """Return the fields that may identify the records of a call although they are not writable; ``None`` is all."""
        body = plan.json if isinstance(plan.json, Mapping) else {}
        if operation.name.endswith(".delete"):
            return self._read
        names: Sequence[str] = ()
        if operation.name in _FINDS_LEADS:
            names = [str(body.get("lookupField") or "email")]
        elif operation.name == "ingestion.sync_persons":
            keys = body.get("dedupeFields")
            names = [str(key) for key in keys.values()] if isinstance(keys, Mapping) else ["email"]
        return _folded([name for name in names if self.may_read(name)])

    def _unwritable(self, name: str, named: frozenset[str]) -> str | None:
        folded = name.casefold()
        allowed = folded in _IDENTIFIERS or folded in named or self._write is None or folded in self._write
        return None if allowed else f"this agent may not write the field {shown_name(name)}"

    def job_of(self, operation: Operation, plan: Plan[Any]) -> str | None:
        """Return the id of the bulk job whose file a call fetches, where it must be one of the agent's own."""
        family, _, verb = operation.name.rpartition(".")
        if not self.cuts or not family.startswith("bulk.") or verb not in _FILES:
            return None
        return str(plan.path.get(_FILES[verb]))

    def cut(self, operation: Operation, value: R) -> R:
        """Return an answer with the readable fields alone, and masked where they are masked.

        Records come back as they came; a Struct of the caller's own comes back as a ``dict``.
        """
        if not self.cuts or family_of(operation.name) not in _FAMILIES:
            return value
        return cast(R, self._cut(value))

    def _cut(self, value: object) -> object:
        match value:
            case Page():
                return replace(value, items=[self._cut(item) for item in value.items])
            case list():
                return [self._cut(item) for item in value]
            case dict():
                return {name: self._seen(name, member) for name, member in value.items() if self.may_read(str(name))}
            case Activity() | LeadChange():
                return self._cut_activity(value)
            case Struct() if not type(value).__module__.startswith("marketo_async."):
                return self._cut(msgspec.to_builtins(value))
        return value

    def _cut_activity(self, activity: Activity | LeadChange) -> Activity | LeadChange:
        attributes = [
            replace(each, value=self._seen(each.name or "", each.value))
            for each in activity.attributes
            if self.may_read(each.name or "")
        ]
        primary = activity.primary_attribute_value if self.may_read("primaryAttributeValue") else None
        found = replace(activity, attributes=attributes, primary_attribute_value=self._seen("", primary))
        if isinstance(found, LeadChange):
            return replace(found, fields=[self._cut_change(each) for each in found.fields if self.may_read(each.name)])
        return found

    def _cut_change(self, change: FieldValueChange) -> FieldValueChange:
        new, old = (self._seen(change.name, value) for value in (change.new_value, change.old_value))
        return replace(change, new_value=new, old_value=old)

    def _seen(self, name: object, value: object) -> Any:
        """Return a value as the agent sees it."""
        if not self._mask or value is None:
            return value
        if str(name).casefold() in self._mask:
            return masked(value)
        return without_addresses(value)


def members_at(body: object, path: tuple[str, ...]) -> Iterator[object]:
    """Yield the members at a path of a body, in order; a list on the way is taken member by member, at its end too."""
    if isinstance(body, Raw):
        body = msgspec.json.decode(body)
    elif isinstance(body, Struct):
        body = msgspec.to_builtins(body, enc_hook=str)
    if isinstance(body, list | tuple):
        for member in body:
            yield from members_at(member, path)
    elif not path:
        yield body
    elif isinstance(body, Mapping):
        yield from members_at(body.get(path[0]), path[1:])


def _listed(names: object) -> list[str]:
    if names is None:
        return []
    return names.split(",") if isinstance(names, str) else [str(name) for name in cast("Sequence[object]", names)]


def _folded(names: Sequence[str]) -> frozenset[str]:
    return frozenset(name.casefold() for name in names)
