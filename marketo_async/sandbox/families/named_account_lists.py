"""Named account lists and the named accounts on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.envelope import Answer, Members
from marketo_async.sandbox.errors import ApiError, RecordError
from marketo_async.sandbox.families.object_records import PAGED, ObjectFamily, fields_asked, record_rows
from marketo_async.sandbox.paging import position_page
from marketo_async.sandbox.permissions import object_readers, object_writers
from marketo_async.sandbox.records.instance import Instance
from marketo_async.sandbox.records.object_description import GUID
from marketo_async.sandbox.records.object_store import ObjectStore
from marketo_async.sandbox.routing import Routes

ACCOUNT_READERS = object_readers("Named Account")
ACCOUNT_WRITERS = object_writers("Named Account")
MEMBERS = "/rest/v1/namedAccountList/{id}/namedAccounts"

routes = Routes()


def _check_own(_instance: Instance, record: Members) -> None:
    if record["updateable"] is False:
        raise RecordError("1018", "A list of the CRM view can only be changed in the CRM")


LISTS = ObjectFamily(
    path="/rest/v1/namedAccountLists",
    store=lambda call: call.instance.objects.named_account_lists,
    readers=object_readers("Named Account List"),
    writers=object_writers("Named Account List"),
    actions=("createOnly", "updateOnly"),
    has_fields=False,
    check_write=_check_own,
    check_delete=_check_own,
)
LISTS.serve(routes)


def _list_number(call: Call) -> int:
    guid = call.path_text("id")
    found = call.instance.objects.named_account_lists.find((GUID,), [(guid,)])
    if not found:
        raise ApiError("1013", f"Named account list '{guid}' not found")
    return found[0]


@routes.get(f"{MEMBERS}.json", ACCOUNT_READERS, optional=("fields", *PAGED))
def members(call: Call) -> Answer:
    """Answer the named accounts on a list."""
    accounts = call.instance.objects.named_accounts
    held = call.instance.objects.list_members.get(_list_number(call), set())
    fields = fields_asked(call, accounts.description)

    def rows(page: Sequence[int]) -> list[Members]:
        return record_rows(call.instance, accounts, page, fields)

    return position_page(call, sorted(number for number in held if number in accounts), rows)


@routes.post(f"{MEMBERS}.json", ACCOUNT_WRITERS, body=("input",))
def add_members(call: Call) -> Answer:
    """Add named accounts to a list."""

    def add(held: set[int], number: int) -> str:
        held.add(number)
        return "added"

    return _each(call, add)


@routes.post(f"{MEMBERS}/remove.json", ACCOUNT_WRITERS, body=("input",))
def remove_members(call: Call) -> Answer:
    """Remove named accounts from a list."""

    def remove(held: set[int], number: int) -> str:
        if number not in held:
            raise RecordError("1013", "Named account is not on the list")
        held.remove(number)
        return "removed"

    return _each(call, remove)


def _each(call: Call, act: Callable[[set[int], int], str]) -> Answer:
    objects = call.instance.objects
    number = _list_number(call)
    held = objects.list_members.setdefault(number, set())
    rows: list[Members] = []
    for seq, record in enumerate(call.records()):
        # One sample of the documentation names the GUID of an account "id".
        guid = record.get(GUID, record.get("id"))
        try:
            _check_own(call.instance, objects.named_account_lists.get(number))
            rows.append({"seq": seq, GUID: guid, "status": act(held, _account(objects.named_accounts, guid))})
        except RecordError as error:
            rows.append({"seq": seq, "status": "skipped", "reasons": error.reasons})
    return Answer(rows)


def _account(accounts: ObjectStore, guid: object) -> int:
    found = accounts.find((GUID,), [(guid,)])
    if not found:
        raise RecordError("1013", "Named account not found")
    return found[0]
