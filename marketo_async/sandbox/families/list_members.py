"""Static lists in the lead database: browsing them, and adding, removing and testing members."""

from __future__ import annotations

from collections.abc import Sequence

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.clock import iso
from marketo_async.sandbox.envelope import Answer, Members, per_lead
from marketo_async.sandbox.errors import ApiError, RecordError
from marketo_async.sandbox.paging import position_page
from marketo_async.sandbox.permissions import LEAD_READERS, LEAD_WRITERS
from marketo_async.sandbox.records.lead_changes import add_to_list, remove_from_list, require_lead
from marketo_async.sandbox.records.static_lists import StaticList
from marketo_async.sandbox.routing import Routes

routes = Routes()


def _row(call: Call, static_list: StaticList) -> Members:
    row: Members = {
        "id": static_list.id,
        "name": static_list.name,
        "description": static_list.description,
        "workspaceId": call.instance.users.workspace_id(static_list.workspace_name),
        "workspaceName": static_list.workspace_name,
        "createdAt": iso(static_list.created_at),
        "updatedAt": iso(static_list.updated_at),
    }
    if static_list.program_name is not None:
        row["programName"] = static_list.program_name
    return row


@routes.get(
    "/rest/v1/lists.json",
    LEAD_READERS,
    optional=("id", "name", "programName", "workspaceName", "batchSize", "nextPageToken"),
)
def lists(call: Call) -> Answer:
    """Answer the static lists that match every given filter, in the model without moreResult."""
    ids, names = call.integers("id"), call.many("name")
    programs, workspaces = call.many("programName"), call.many("workspaceName")
    found = {
        static_list.id: static_list
        for static_list in call.instance.lists
        if (not ids or static_list.id in ids)
        and (not names or static_list.name in names)
        and (not programs or static_list.program_name in programs)
        and (not workspaces or static_list.workspace_name in workspaces)
    }

    def rows(list_ids: Sequence[int]) -> list[Members]:
        return [_row(call, found[list_id]) for list_id in list_ids]

    return position_page(call, sorted(found), rows, more_result=False)


def _list(call: Call) -> StaticList:
    static_list = call.instance.lists.get(call.path_id("listId"))
    if static_list is None:
        raise ApiError("1013", "List not found")
    return static_list


@routes.get("/rest/v1/lists/{listId}.json", LEAD_READERS)
def list_by_id(call: Call) -> Answer:
    """Answer one static list."""
    return Answer([_row(call, _list(call))])


@routes.post("/rest/v1/lists/{listId}/leads.json", LEAD_WRITERS, optional=("id",), body_optional=("input",))
def add_leads(call: Call) -> Answer:
    """Add leads to a static list."""
    static_list = _list(call)

    def add(lead_id: int) -> str:
        require_lead(call.instance, lead_id)
        add_to_list(call.instance, static_list, lead_id)
        return "added"

    return per_lead(call.record_ids(), add)


@routes.delete("/rest/v1/lists/{listId}/leads.json", LEAD_WRITERS, optional=("id",), body_optional=("input",))
def remove_leads(call: Call) -> Answer:
    """Remove leads from a static list."""
    static_list = _list(call)

    def remove(lead_id: int) -> str:
        require_lead(call.instance, lead_id)
        if not remove_from_list(call.instance, static_list, lead_id):
            raise RecordError("1015", f"Lead '{lead_id}' is not in list '{static_list.id}'")
        return "removed"

    return per_lead(call.record_ids(), remove)


@routes.get("/rest/v1/lists/{listId}/leads/ismember.json", LEAD_READERS, optional=("id",), body_optional=("input",))
def are_members(call: Call) -> Answer:
    """Answer for each lead whether it is in a static list; the ids may be in a body."""
    static_list = _list(call)

    def test(lead_id: int) -> str:
        require_lead(call.instance, lead_id)
        return "memberof" if lead_id in static_list else "notmemberof"

    return per_lead(call.record_ids(), test)
