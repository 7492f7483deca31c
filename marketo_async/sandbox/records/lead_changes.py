"""All changes of leads, with the activities that a change writes.

Creating, changing, deleting and merging leads, and moving them in and out of lists and programs. The
operations decide which change a record makes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from marketo_async.sandbox.clock import iso
from marketo_async.sandbox.errors import ApiError, RecordError
from marketo_async.sandbox.records import activity_types
from marketo_async.sandbox.records.activity_log import Attribute
from marketo_async.sandbox.records.instance import Instance
from marketo_async.sandbox.records.lead_fields import checked
from marketo_async.sandbox.records.lead_store import Lead
from marketo_async.sandbox.records.programs import Membership, Program, Status
from marketo_async.sandbox.records.static_lists import StaticList

API = "Web service API"

_COOKIE = re.compile(r"id:\d{3}-\w{3}-\d{3}&token:_mch-\S+")
_KEPT_BY_MERGE = frozenset({"id", "createdAt", "updatedAt", "cookies", "leadPartitionId"})


def writable(instance: Instance, record: Mapping[str, object], *, company: bool) -> Lead:
    """Return the values of a record to store, or raise 1006, 1021, 1001 or 1003 for it."""
    values: Lead = {}
    for name, value in record.items():
        field = instance.lead_fields.find(name)
        if field is None or not field.on_rest:
            raise RecordError("1006", f"Field '{name}' not found")
        if field.company and not company:
            raise RecordError("1021", f"Company field '{name}' cannot be set on a lead")
        if not field.read_only:
            values[name] = checked(field, value)
    return values


def require_lead(instance: Instance, lead_id: int) -> Lead:
    """Return a lead, or raise 1004 for its record."""
    lead = instance.leads.get(lead_id)
    if lead is None:
        raise RecordError("1004", f"Lead '{lead_id}' not found")
    return lead


def create_lead(instance: Instance, values: Mapping[str, object], *, partition_id: int = 1, source: str = API) -> int:
    """Create a lead, with a New Lead activity."""
    now = instance.clock.time()
    lead_id = instance.leads.insert(
        {**values, "leadPartitionId": partition_id, "createdAt": iso(now), "updatedAt": iso(now)}
    )
    instance.activities.add(
        lead_id,
        activity_types.NEW_LEAD,
        (lead_id, str(values.get("email") or lead_id)),
        (Attribute("Source Type", source), Attribute("Created Date", iso(now)[:10])),
    )
    return lead_id


def change_lead(instance: Instance, lead_id: int, values: Mapping[str, object], *, source: str = API) -> None:
    """Set fields of a lead, with a Change Data Value activity for each that really changes."""
    lead = require_lead(instance, lead_id)
    changes = {name: value for name, value in values.items() if lead.get(name) != value}
    for name, value in changes.items():
        field = instance.lead_fields.get(name)
        shown = field.display_name if instance.quirks.changed_field == "display" else name
        instance.activities.add(
            lead_id,
            activity_types.CHANGE_DATA_VALUE,
            (field.id, shown),
            (
                Attribute("New Value", _written(value)),
                Attribute("Old Value", _written(lead.get(name))),
                Attribute("Source", source),
            ),
        )
    instance.leads.update(lead_id, {**changes, "updatedAt": iso(instance.clock.time())})


def delete_lead(instance: Instance, lead_id: int) -> None:
    """Delete a lead for good, with a Delete Lead activity."""
    require_lead(instance, lead_id)
    lead = instance.leads.remove(lead_id)
    now = instance.clock.time()
    for static_list in instance.lists:
        static_list.remove(lead_id, now)
    for program in instance.programs.values():
        program.members.pop(lead_id, None)
    for campaign in instance.campaigns.values():
        campaign.members.pop(lead_id, None)
    instance.activities.add(
        lead_id,
        activity_types.DELETE_LEAD,
        (lead_id, str(lead.get("email") or lead_id)),
        (Attribute("Remove from CRM", value=False),),
    )


def merge_leads(instance: Instance, winner_id: int, loser_ids: Iterable[int]) -> None:
    """Merge losers into a winner, which keeps its own values that are not empty."""
    loser_ids = list(dict.fromkeys(loser_ids))
    winner = instance.leads.get(winner_id)
    losers = {loser_id: instance.leads.get(loser_id) for loser_id in loser_ids}
    if winner is None or None in losers.values():
        raise ApiError("1004", "Lead not found")
    now = instance.clock.time()
    gained: Lead = {}
    cookies = [str(winner["cookies"])] if winner.get("cookies") else []
    for loser_id, loser in losers.items():
        for name, value in (loser or {}).items():
            empty = winner.get(name) in (None, "") and gained.get(name) in (None, "")
            if name not in _KEPT_BY_MERGE and value not in (None, "") and empty:
                gained[name] = value
        if loser and loser.get("cookies"):
            cookies.append(str(loser["cookies"]))
        _hand_over_memberships(instance, loser_id, winner_id, now)
        instance.activities.reassign(loser_id, winner_id)
        delete_lead(instance, loser_id)
    change_lead(instance, winner_id, gained, source="Merge")
    if cookies:
        instance.leads.update(winner_id, {"cookies": ",".join(cookies)})
    instance.activities.add(
        winner_id,
        activity_types.MERGE_LEADS,
        (winner_id, str(winner.get("email") or winner_id)),
        (Attribute("Merge IDs", loser_ids if instance.quirks.merge_ids == "list" else ",".join(map(str, loser_ids))),),
    )


def _hand_over_memberships(instance: Instance, loser_id: int, winner_id: int, now: float) -> None:
    for static_list in instance.lists.of(loser_id):
        static_list.add(winner_id, now)
    for program in instance.programs.values():
        if loser_id in program.members:
            program.members.setdefault(winner_id, program.members[loser_id])
    for campaign in instance.campaigns.values():
        if loser_id in campaign.members:
            campaign.members.setdefault(winner_id, campaign.members[loser_id])


def check_cookie(cookie: str) -> None:
    """Raise 1012 for a value that cannot be a Munchkin cookie."""
    if not _COOKIE.fullmatch(cookie):
        raise RecordError("1012", f"Invalid cookie value '{cookie}'")


def associate_cookie(instance: Instance, lead_id: int, cookie: str) -> None:
    """Bind a cookie to a lead and remove it from the lead that had it."""
    lead = require_lead(instance, lead_id)
    for owner_id in instance.leads.find("cookies", [cookie]):
        owner = instance.leads.get(owner_id) or {}
        kept = [item for item in str(owner.get("cookies")).split(",") if item.casefold() != cookie.casefold()]
        instance.leads.update(owner_id, {"cookies": ",".join(kept) or None})
    own = [str(lead["cookies"])] if lead.get("cookies") else []
    instance.leads.update(lead_id, {"cookies": ",".join([*own, cookie])})


def add_to_list(instance: Instance, static_list: StaticList, lead_id: int) -> None:
    """Add a lead to a static list; the activity is written only if it was not a member."""
    if static_list.add(lead_id, instance.clock.time()):
        _list_activity(instance, static_list, lead_id, activity_types.ADD_TO_LIST)


def remove_from_list(instance: Instance, static_list: StaticList, lead_id: int) -> bool:
    """Remove a lead from a static list and return whether it was a member."""
    removed = static_list.remove(lead_id, instance.clock.time())
    if removed:
        _list_activity(instance, static_list, lead_id, activity_types.REMOVE_FROM_LIST)
    return removed


def _list_activity(instance: Instance, static_list: StaticList, lead_id: int, activity_type_id: int) -> None:
    instance.activities.add(lead_id, activity_type_id, (static_list.id, static_list.name), (Attribute("Source", API),))


def move_in_program(instance: Instance, program: Program, lead_id: int, status: Status) -> bool:
    """Move a lead forward to a status and make it a member if it is not; return whether it moved."""
    now = instance.clock.time()
    membership = program.members.get(lead_id)
    held = program.status(membership.status) if membership else None
    if held is not None and held.step >= status.step:
        return False
    if membership is None:
        program.members[lead_id] = Membership(status.name, now, now, status.success)
    else:
        membership.status, membership.updated_at = status.name, now
        membership.reached_success = membership.reached_success or status.success
    if status.success and program.members[lead_id].reached_success_at is None:
        program.members[lead_id].reached_success_at = now
    instance.activities.add(
        lead_id,
        activity_types.CHANGE_STATUS_IN_PROGRESSION,
        (program.id, program.name),
        (
            Attribute("New Status", status.name),
            Attribute("Old Status", held.name if held else "Not in Program"),
            Attribute("Success", value=status.success),
        ),
    )
    return True


def _written(value: object) -> str | None:
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)
