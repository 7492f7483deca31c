"""Data ingestion: taken in with 202, carried out later, on a host and with limits of its own."""

from __future__ import annotations

import pytest

from marketo_async import Marketo
from marketo_async.errors import AccessDenied, InvalidData, InvalidRequest, QuotaExceeded
from marketo_async.models.ingestion import ProgramRemoval, ProgramStatus
from marketo_async.sandbox import Fault, Sandbox
from tests.wire import CLIENT_ID, CLIENT_SECRET, Answer, MockedMarketo


async def test_persons_and_lists_are_written_a_moment_later(marketo: Marketo, sandbox: Sandbox) -> None:
    accepted = await marketo.ingestion.sync_persons(
        [{"email": "in@example.com", "firstName": "In"}], dedupe_fields=["email"], priority="high"
    )
    assert accepted
    sandbox.clock.advance(5)
    (lead,) = await marketo.leads.by_filter("email", ["in@example.com"], fields=["firstName"]).all()
    assert lead["firstName"] == "In"
    assert await marketo.ingestion.add_to_list(1001, [lead["id"]]) != accepted
    sandbox.clock.advance(5)
    assert (await marketo.lists.is_member(1001, [lead["id"]]))[0].status == "memberof"
    await marketo.ingestion.remove_from_list(1001, [lead["id"]])
    sandbox.clock.advance(5)
    assert (await marketo.lists.is_member(1001, [lead["id"]]))[0].status == "notmemberof"


async def test_it_counts_neither_in_the_window_nor_in_the_quota(marketo: Marketo, sandbox: Sandbox) -> None:
    await marketo.ingestion.sync_persons([{"email": "in@example.com"}])
    assert marketo.governor.snapshot().granted == 0
    assert sandbox.stats.counted_today == 0


async def test_program_members_come_and_go(marketo: Marketo, sandbox: Sandbox) -> None:
    (made,) = await marketo.leads.sync([{"email": "member@example.com"}])
    assert made.id is not None
    program = (await marketo.programs.browse().all())[0]
    await marketo.ingestion.sync_program_members(
        [ProgramStatus(program_id=program.id, status="Member", members=[{"leadId": made.id}])]
    )
    await marketo.ingestion.delete_program_members([ProgramRemoval(program_id=program.id, lead_ids=[made.id])])
    sandbox.clock.advance(5)
    assert await marketo.leads.program_membership(made.id).all() == []


async def test_what_can_not_be_taken_in_is_refused_before_it_is_sent(marketo: Marketo) -> None:
    with pytest.raises(InvalidRequest, match="1001 members"):
        await marketo.ingestion.sync_persons([{"email": "a"}] * 1001)
    with pytest.raises(InvalidRequest, match="updateOnly"):
        await marketo.ingestion.sync_companies([{"id": 1}], dedupe_by="idField")
    for status in ("", "not in PROGRAM"):
        with pytest.raises(InvalidRequest, match="delete_program_members"):
            await marketo.ingestion.sync_program_members([ProgramStatus(program_id=1, status=status, members=[])])
    with pytest.raises(InvalidRequest, match="leadId"):
        await marketo.ingestion.sync_program_members(
            [ProgramStatus(program_id=1, status="Attended", members=[{"email": "a"}])]
        )
    without = Marketo("http://127.0.0.1:1", client_id="a", client_secret="b")
    async with without:
        with pytest.raises(InvalidRequest, match="munchkin id"):
            await without.ingestion.add_to_list(1, [2])


async def test_its_own_errors_are_understood(mocked: MockedMarketo) -> None:
    def complaint(status: int, code: str) -> Answer:
        body = f'{{"error_code":"{code}","message":"no"}}'.encode()
        return Answer(body, status, {"X-Request-Id": "r1"})

    mocked.script = [complaint(400, "4000802"), complaint(403, "4030801"), complaint(429, "4290801"), Answer(b"", 202)]
    marketo = Marketo("123-ABC-456", client_id=CLIENT_ID, client_secret=CLIENT_SECRET)
    assert marketo.munchkin_id == "123-ABC-456"
    async with marketo:
        with pytest.raises(InvalidData) as caught:
            await marketo.ingestion.add_to_list(1, [2])
        assert (caught.value.code, caught.value.request_id) == ("4000802", "r1")
        with pytest.raises(AccessDenied):
            await marketo.ingestion.add_to_list(1, [2])
        with pytest.raises(QuotaExceeded):
            await marketo.ingestion.add_to_list(1, [2])
        assert await marketo.ingestion.add_to_list(1, [2]) is None
    assert "x-mkto-user-token" in {name.lower() for name in mocked.calls[0].headers}
    assert "authorization" not in {name.lower() for name in mocked.calls[0].headers}


async def test_a_dead_token_is_renewed_there_too(marketo: Marketo, sandbox: Sandbox) -> None:
    await marketo.ingestion.sync_persons([{"email": "a@example.com"}])
    sandbox.clock.advance(3601)
    assert await marketo.ingestion.sync_persons([{"email": "a@example.com"}])
    assert sandbox.stats.identity_calls == 2


async def test_a_lost_answer_is_asked_for_again(marketo: Marketo, sandbox: Sandbox) -> None:
    sandbox.faults.append(Fault("reset", times=1, path="/subscriptions"))
    assert await marketo.ingestion.sync_persons([{"email": "b@example.com"}])
    assert sandbox.stats.faults_injected["reset"] == 1
