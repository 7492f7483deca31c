"""What proves that a write was done when its answer was lost, and what a write tells that was not done.

The table is written from Marketo's documentation and not read off the declarations: a code that is "not found" after a
deletion says nothing after an approval, and "in use" says nothing at all.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from marketo_async import Marketo, operations
from marketo_async.codes import DONE_ALREADY
from marketo_async.errors import MarketoError, OutcomeUnknown, RecordsFailed
from marketo_async.models.bulk import LeadSelection
from marketo_async.models.custom_object_types import NewObjectField
from marketo_async.models.leads import FieldChange
from marketo_async.models.records import RecordResult
from marketo_async.operation import Operation, Repeat
from marketo_async.resources import families
from marketo_async.resources.descriptors import Declared
from marketo_async.writes import ResultList
from tests.wire import Answer, MockedMarketo, done, envelope, ok, refused

# Deletions of one thing, by what Marketo answers when that is not there; and records that say where they stand.
GONE_RECORD = {"companies", "opportunities", "opportunity_roles", "sales_persons", "named_accounts", "custom_objects"}
GONE_TYPE = {"custom_object_types.delete", "custom_activity_types.delete", "users.delete", "users.delete_invitation"}
STANDING: Mapping[str, tuple[str, ...]] = {
    "leads.delete": ("1004",),
    "leads.change_program_status": ("1037",),
    "lists.remove": ("1015",),
    "named_account_lists.remove": ("1013",),
    "program_members.change_status": ("1037",),
    "program_members.delete": ("1037",),
}


def documented(operation: Operation) -> tuple[str, ...]:
    family, _, verb = operation.name.rpartition(".")
    if operation.name in STANDING:
        return STANDING[operation.name]
    if operation.name in GONE_TYPE or (verb == "delete" and family in GONE_RECORD | {"named_account_lists"}):
        return ("1013",)
    return ("702",) if re.search(r"^[^{]*\{id\}/delete(\.json)?$", operation.path) else ()


@pytest.mark.parametrize("operation", operations().values(), ids=operations())
def test_proof_is_declared_as_documented_and_only_where_a_repeat_settles(operation: Operation) -> None:
    assert operation.proof == documented(operation)
    assert not operation.proof or operation.repeat is Repeat.SETTLES


Void = Callable[[Marketo], Awaitable[object]]
FIELD = NewObjectField(name="vin", display_name="VIN", data_type="string")
VOID: dict[str, Void] = {
    "custom_object_types.approve": lambda marketo: marketo.custom_object_types.approve("car_c"),
    "custom_object_types.discard_draft": lambda marketo: marketo.custom_object_types.discard_draft("car_c"),
    "custom_object_types.delete": lambda marketo: marketo.custom_object_types.delete("car_c"),
    "custom_object_types.create_fields": lambda marketo: marketo.custom_object_types.create_fields("car_c", [FIELD]),
    "custom_object_types.delete_fields": lambda marketo: marketo.custom_object_types.delete_fields("car_c", ["vin"]),
    "emails_v2.delete": lambda marketo: marketo.emails_v2.delete("e1"),
    "emails_v2.delete_many": lambda marketo: marketo.emails_v2.delete_many(["e1", "e2"]),
    "users.delete": lambda marketo: marketo.users.delete("a@x.io"),
}
CODES = sorted(DONE_ALREADY | {"702", "1022", "1048"})


@pytest.mark.looptime
@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("name", VOID)
async def test_an_error_of_the_repeat_is_success_only_where_it_proves_it(
    name: str, code: str, mocked: MockedMarketo, patient: Marketo
) -> None:
    said = refused(code, "It was not found")
    mocked.script = [ConnectionResetError(), replace(said, status=404) if name.startswith("users.") else said]
    async with patient as marketo:
        if code in operations()[name].proof:
            assert await VOID[name](marketo) is None
            return
        with pytest.raises(OutcomeUnknown, match=code):
            await VOID[name](marketo)

    assert len(mocked.calls) == 2


@pytest.mark.looptime
async def test_a_702_that_says_something_else_proves_nothing(mocked: MockedMarketo, patient: Marketo) -> None:
    mocked.script = [ConnectionResetError(), refused("702", "Update content on dynamic email is not allowed.")]
    async with patient as marketo:
        with pytest.raises(OutcomeUnknown, match="not allowed"):
            await marketo.emails_v2.delete("e1")


Records = Callable[[Marketo], Awaitable[ResultList[Any]]]
KEY = {"externalCompanyId": "c"}
RECORDS: dict[str, Records] = {
    "leads.delete": lambda marketo: marketo.leads.delete([1]).all(),
    "leads.change_program_status": lambda marketo: marketo.leads.change_program_status(7, "Attended", [1]).all(),
    "lists.remove": lambda marketo: marketo.lists.remove(7, [1]).all(),
    "named_account_lists.remove": lambda marketo: marketo.named_account_lists.remove("l", ["g"]).all(),
    "program_members.change_status": lambda marketo: marketo.program_members.change_status(7, "Attended", [1]).all(),
    "program_members.delete": lambda marketo: marketo.program_members.delete(7, [1]).all(),
    "companies.delete": lambda marketo: marketo.companies.delete([KEY]).all(),
}


def skipped(code: str) -> Answer:
    return ok({"seq": 0, "status": "skipped", "reasons": [{"code": code, "message": "no"}]})


@pytest.mark.looptime
@pytest.mark.parametrize("code", sorted(DONE_ALREADY))
@pytest.mark.parametrize("name", RECORDS)
async def test_a_record_that_the_repeat_skips_is_settled_only_by_the_operation_s_own_proof(
    name: str, code: str, mocked: MockedMarketo, patient: Marketo
) -> None:
    mocked.script = [ConnectionResetError(), skipped(code)]
    async with patient as marketo:
        (result,) = await RECORDS[name](marketo)

    proven = code in operations()[name].proof
    assert (result.settled, result.failed, result.unknown) == (proven, not proven, not proven)
    assert [reason.code for reason in result.why] == [code]


@pytest.mark.looptime
async def test_a_record_that_is_refused_for_its_values_is_refused_whatever_was_lost(
    mocked: MockedMarketo, patient: Marketo
) -> None:
    mocked.script = [ConnectionResetError(), skipped("1003")]
    async with patient as marketo:
        (result,) = await marketo.lists.remove(7, [1])

    assert (result.status, result.failed, result.unknown) == ("skipped", True, False)


@pytest.mark.looptime
@pytest.mark.parametrize("losers", [[2], [2, 3, 999]], ids=["one", "several"])
async def test_a_lead_that_is_missing_proves_no_merge(
    losers: list[int], mocked: MockedMarketo, patient: Marketo
) -> None:
    """1004 is about one lead of the call, perhaps the winner, and says nothing about the others."""
    mocked.script = [ConnectionResetError(), refused("1004", "Lead with id 999 not found")]
    async with patient as marketo:
        results = await marketo.leads.merge(1, losers)

    assert [result.status for result in results] == ["unknown"] * len(losers)
    assert "1004" in results[0].why[0].message


# Writes that must not be sent twice, with answers that say success in a way that tells nothing.
ONCE: dict[str, Callable[[Marketo], Awaitable[object]]] = {
    "leads.submit_form": lambda marketo: marketo.leads.submit_form(7, {"email": "a@x.io"}),
    "campaigns.schedule": lambda marketo: marketo.campaigns.schedule(7),
    "bulk.leads.import_file": lambda marketo: marketo.bulk.leads.import_file(b"email\na@x.io\n", "CSV"),
    "bulk.leads.create": lambda marketo: marketo.bulk.leads.create(["email"], LeadSelection(static_list_id=1)),
}
ONCE_A_CHUNK: dict[str, Records] = {
    "campaigns.request": lambda marketo: marketo.campaigns.request(7, [1, 2]).all(),
    "leads.push": lambda marketo: marketo.leads.push([{"email": "a@x.io"}], "Program").all(),
}
UNREADABLE = {
    "no result": done(),
    "a null result": done(result=None),
    "an empty result": ok(),
    "a result of another shape": ok({"id": [], "batchId": [], "exportId": []}),
    "text for a result": envelope(success=True, result="done"),
    "no JSON": Answer(b"<html>OK</html>"),
    "empty": Answer(b""),
    "cut": Answer(b'{"requestId":"1#2","success":true,"result":[{"id":'),
    "no envelope": Answer(b"[]"),
}


@pytest.mark.looptime
@pytest.mark.parametrize("answer", UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize("name", ONCE)
async def test_a_write_that_was_answered_in_a_way_nobody_can_read_invites_no_second_try(
    name: str, answer: Answer, mocked: MockedMarketo, patient: Marketo
) -> None:
    mocked.script = [answer]
    async with patient as marketo:
        with pytest.raises(OutcomeUnknown, match=name) as caught:
            await ONCE[name](marketo)

    assert isinstance(caught.value.__cause__, MarketoError)
    assert len(mocked.calls) == 1


@pytest.mark.looptime
@pytest.mark.parametrize("answer", UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize("name", ONCE_A_CHUNK)
async def test_the_records_of_a_call_that_was_answered_so_are_unknown(
    name: str, answer: Answer, mocked: MockedMarketo, patient: Marketo
) -> None:
    mocked.script = [answer]
    async with patient as marketo:
        results = await ONCE_A_CHUNK[name](marketo)

    assert all(result.unknown for result in results)
    assert len(mocked.calls) == 1


@pytest.mark.looptime
async def test_a_write_that_may_be_repeated_is_not_once_it_was_answered(
    mocked: MockedMarketo, patient: Marketo
) -> None:
    mocked.script = [aiohttp.ServerDisconnectedError(), ok({"name": []}), ok({"name": "x", "status": "updated"})]
    async with patient as marketo:
        with pytest.raises(OutcomeUnknown):
            await marketo.leads.update_field("x", FieldChange(display_name="X"))

    assert len(mocked.calls) == 2


SINGLE: dict[str, Callable[[Marketo], Awaitable[RecordResult]]] = {
    "leads.submit_form": lambda marketo: marketo.leads.submit_form(7, {"email": "a@x.io"}),
    "leads.update_field": lambda marketo: marketo.leads.update_field("x", FieldChange(display_name="X")),
    "program_members.update_field": lambda marketo: marketo.program_members.update_field(
        "x", FieldChange(display_name="X")
    ),
}
NOT_TAKEN = {
    "reasons": {"status": "skipped", "reasons": [{"code": "1006", "message": "Field 'x' not found"}]},
    "no status": {"reasons": [{"code": "1006", "message": "Field 'x' not found"}]},
    "reason": {"status": "skipped", "reason": {"code": "1006", "message": "Field 'x' not found"}},
    "errors": {"status": "skipped", "errors": [{"code": 1006, "message": "Field 'x' not found"}]},
}


def test_the_single_writes_here_are_all_that_there_are() -> None:
    declared = {
        f"{family.name}.{name}"
        for family in families()
        for kind in family.__mro__
        for name, found in vars(kind).items()
        if isinstance(found, Declared) and found.planner.__annotations__["return"] == "Plan[RecordResult]"
    }

    assert declared == SINGLE.keys()


@pytest.mark.looptime
@pytest.mark.parametrize("record", NOT_TAKEN.values(), ids=NOT_TAKEN)
@pytest.mark.parametrize("name", SINGLE)
async def test_a_single_write_raises_where_its_record_was_not_taken(
    name: str, record: dict[str, object], mocked: MockedMarketo, patient: Marketo
) -> None:
    mocked.script = [ok(record)]
    async with patient as marketo:
        with pytest.raises(RecordsFailed, match=r"1006 Field 'x' not found") as caught:
            await SINGLE[name](marketo)

    (failed,) = caught.value.failed
    assert failed.why[0].message == "Field 'x' not found"
    assert len(mocked.calls) == 1


@pytest.mark.looptime
@pytest.mark.parametrize("name", SINGLE)
async def test_a_single_write_returns_what_became_of_its_record(
    name: str, mocked: MockedMarketo, patient: Marketo
) -> None:
    mocked.script = [ok({"id": 7, "name": "x", "status": "updated"})]
    async with patient as marketo:
        result = await SINGLE[name](marketo)

    assert (result.status, result.failed) == ("updated", False)
