"""The guard: every step of every call, judged by what arrives at the sandbox, and by what is on record."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import replace

from marketo_async.descriptions import Described
from marketo_async.effects import AREAS
from marketo_async.errors import (
    AuditUnavailable,
    CapReached,
    Denied,
    MarketoError,
    NeedsConfirmation,
    NotFound,
    RecordRefused,
    StoreUnavailable,
)
from marketo_async.governor import CallRecord
from marketo_async.mcp.audit.query import verify_file
from marketo_async.mcp.calls import digest, whole
from marketo_async.mcp.guard import GuardedSender
from marketo_async.models.leads import Description
from marketo_async.operation import Plan, one
from marketo_async.planning import plan_of
from marketo_async.resources import Leads, Lists
from marketo_async.sandbox import Fault
from marketo_async.schema import callee
from marketo_async.writes import Batches
from tests.mcp.guarded import Confirmed, Stage, called, family, staged

ALL = ", ".join(f'{area} = "full"' for area in sorted(set(AREAS.values())))
UNASKED = 'confirm = { reach = "none", publish = "none", erase = "none", admin = "none" }\n'
FREE = f"access = {{ {ALL} }}\n{UNASKED}"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(tmp_path) as opened:
        yield opened


async def test_a_call_is_on_record_before_it_is_made_and_after(stage: Stage) -> None:
    heard: list[CallRecord] = []
    guard = stage.guard('title = "List Agent"\naccess = { lists = "write" }')
    sender = GuardedSender(guard, on_call=heard.append)
    results = await family(Lists, sender).add(1001, [1, 2, 3])

    assert [result.status for result in results] == ["skipped"] * 3 or len(results) == 3
    assert stage.paths == ["POST /rest/v1/lists/1001/leads.json"]
    intent, outcome = stage.records()
    assert (intent.kind, outcome.kind, outcome.intent) == ("intent", "outcome", intent.n)
    assert intent.arguments == {"path": {"listId": 1001}, "json": {"input": {"id": [1, 2, 3]}}}
    assert (intent.effect, intent.decision, intent.rule) == ("change", "allowed", "agents.a.access.lists = write")
    assert (outcome.calls, outcome.records, outcome.request_ids) == (1, 3, [heard[0].request_id])
    assert outcome.says == (
        "List Agent asked to add 3 people to static list 1001 in 123-ABC-456; 1 call, 3 records."
        f" requestId {heard[0].request_id}."
    )


async def test_a_denied_call_is_on_record_and_never_made(stage: Stage) -> None:
    sender = stage.sender('access = { lists = "read" }')
    with pytest.raises(Denied, match=r"lists\.add: this agent may not write in lists - ask the owner") as caught:
        await family(Lists, sender).add(1001, [1])

    assert caught.value.rule == "agents.a.access.lists = read"
    assert stage.arrived == []
    (denied,) = stage.records()
    assert (denied.kind, denied.decision, denied.via, denied.tool) == ("denied", "denied", "test", "tool")
    assert denied.says.endswith("denied by agents.a.access.lists = read: this agent may not write in lists.")


@pytest.mark.parametrize("how", ["send", "pages", "writes", "describe", "stream"])
async def test_no_way_leads_around_the_guard(how: str, stage: Stage) -> None:
    sender = stage.sender("")
    with pytest.raises(Denied):
        await _by(how, sender)

    assert stage.arrived == []
    assert [record.kind for record in stage.records()] == ["denied"]


async def _by(how: str, sender: GuardedSender) -> None:
    leads = family(Leads, sender)
    match how:
        case "send":
            await leads.get(1)
        case "pages":
            await leads.by_filter("id", [1]).all()
        case "writes":
            await leads.sync([{"email": "a@b.c"}])
        case "describe":
            await sender.describe(Described(callee("leads.describe2").operation, one(Description)))
        case "stream":
            operation, planned = plan_of("bulk.leads.file", {"export_id": "e"})
            await sender.stream(operation, planned, None)  # type: ignore[arg-type]


async def test_every_page_is_a_call_of_its_own(stage: Stage) -> None:
    sender = stage.sender('access = { lists = "read" }')
    found = await family(Lists, sender).leads(1001, batch_size=20).all()

    assert len(found) == 50
    assert [record.kind for record in stage.records()].count("intent") == len(stage.arrived) == 3
    assert sum(record.records for record in stage.records() if record.kind == "outcome") == 50


async def test_every_batch_is_a_call_of_its_own(stage: Stage) -> None:
    sender = stage.sender('access = { lists = "write" }')
    await family(Lists, sender).add(1001, list(range(1, 701)))

    assert len(stage.arrived) == 3
    assert sorted(record.records for record in stage.records() if record.kind == "outcome") == [100, 300, 300]


# Caps


async def test_a_read_ends_at_its_records(stage: Stage) -> None:
    rules = 'access = { lists = "read" }\nlimits = { records_a_read = 30 }'
    pager = family(Lists, stage.sender(rules)).leads(1001, batch_size=20)
    pages = pager.pages()
    assert len((await anext(pages)).items) == 20
    with pytest.raises(CapReached, match=r"one read may have 30 records, and 20 are read - ask for fewer") as caught:
        await anext(pages)

    assert caught.value.left == 10
    resumed = family(Lists, stage.sender(rules)).leads(1001, batch_size=20, token=caught.value.token)
    assert [lead["id"] for lead in await resumed.all()] == list(range(21, 51))


async def test_a_read_within_its_records_ends_well(stage: Stage) -> None:
    sender = stage.sender('access = { lists = "read" }\nlimits = { records_a_read = 50 }')

    assert len(await family(Lists, sender).leads(1001).all()) == 50


async def test_an_answer_that_can_not_be_paged_is_cut(stage: Stage) -> None:
    sender = stage.sender('access = { activities = "read" }\nlimits = { records_a_read = 2 }')

    assert len(await called(sender, "activities.types", {})) == 2


@pytest.mark.parametrize("sent", [50, 51])
async def test_a_write_has_its_records(sent: int, stage: Stage) -> None:
    sender = stage.sender('access = { lists = "write" }\nlimits = { records_a_write = 50 }')
    adding = family(Lists, sender).add(1001, list(range(1, sent + 1)))
    if sent == 50:
        await adding
        assert len(stage.arrived) == 1
    else:
        with pytest.raises(CapReached, match="one write may have 50 records, and this one has 51"):
            await adding
        assert stage.arrived == []


async def test_a_streamed_write_has_its_records(stage: Stage) -> None:
    sender = stage.sender('access = { lists = "write" }\nlimits = { records_a_write = 5 }')
    with pytest.raises(RecordRefused, match="record 5: one write of this agent may have 5 records"):
        await family(Lists, sender).add(1001, iter(range(1, 9)))

    assert sum(record.records for record in stage.records()) == 5


async def test_a_question_about_records_has_as_many_as_a_read(stage: Stage) -> None:
    rules = 'access = { lists = "read" }\nlimits = { records_a_read = 5 }'
    assert len(await family(Lists, stage.sender(rules)).is_member(1001, [1, 2, 3, 4, 5])) == 5
    with pytest.raises(CapReached, match="one read may have 5 records, and this one has 6"):
        await family(Lists, stage.sender(rules)).is_member(1001, [1, 2, 3, 4, 5, 6])
    with pytest.raises(RecordRefused, match="record 5: one read of this agent may have 5 records"):
        await family(Lists, stage.sender(rules)).is_member(1001, iter([1, 2, 3, 4, 5, 6]))


async def test_a_budget_that_fails_after_a_call_hides_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def damage(*_: object) -> float:
        opened.budget.close()
        for path in tmp_path.glob("budget.db*"):
            path.write_bytes(b"no database, and long enough to be read as one" * 50)
        return 0.0

    rules = 'access = { lists = "write" }\nlimits = { records_a_day = 9, calls_a_day = 9 }'
    async with staged(tmp_path, latency=damage) as opened:
        with pytest.raises(NotFound):
            await called(opened.sender(rules), "lists.add", {"list_id": 424242, "lead_ids": [1]})
        assert opened.records()[-1].code == "1013"
        with pytest.raises(StoreUnavailable):
            await called(opened.sender(rules), "lists.get", {"list_id": 1001})
        assert len(opened.arrived) == 1
    assert "the budget of a can't be kept; its next call is refused" in caplog.text


async def test_the_records_of_a_day_are_for_reads_and_writes(stage: Stage) -> None:
    rules = 'access = { lists = "write" }\nlimits = { records_a_day = 60 }'
    assert len(await family(Lists, stage.sender(rules)).leads(1001).all()) == 50
    with pytest.raises(CapReached, match=r"60 records a day, 10 are left, and this call needs 11 - it starts again at"):
        await family(Lists, stage.sender(rules)).add(1001, list(range(1, 12)))
    await family(Lists, stage.sender(rules)).add(1001, list(range(1, 11)))
    with pytest.raises(CapReached, match="the agent has used its 60 records of the day"):
        await family(Lists, stage.sender(rules)).leads(1001).all()

    assert len(stage.arrived) == 2
    assert stage.guard(rules).left_today() == {"calls": None, "records": 0}


async def test_records_that_marketo_refused_do_not_count(stage: Stage) -> None:
    rules = 'access = { lists = "write" }\nlimits = { records_a_day = 10 }'
    with pytest.raises(NotFound):
        await family(Lists, stage.sender(rules)).add(424242, [1, 2, 3])

    assert stage.guard(rules).left_today()["records"] == 10
    assert stage.records()[-1].code == "1013"


async def test_the_calls_of_a_day_are_attempts(stage: Stage) -> None:
    rules = 'access = { lists = "read" }\nlimits = { calls_a_day = 3 }'
    stage.sandbox.faults.append(Fault("608", times=1))
    await family(Lists, stage.sender(rules)).get(1001)
    assert stage.records()[-1].calls == 2
    await family(Lists, stage.sender(rules)).get(1001)
    with pytest.raises(CapReached, match="3 calls a day, 0 are left, and this call needs 1"):
        await family(Lists, stage.sender(rules)).get(1001)

    assert len(stage.arrived) == 3


async def test_the_people_of_a_campaign_are_counted_for_the_day(stage: Stage) -> None:
    rules = f'access = {{ campaigns = "full" }}\n{UNASKED}limits = {{ people_a_campaign = 3, records_a_day = 100 }}'
    request = {"campaign_id": 4002, "lead_ids": [1, 2]}
    await called(stage.sender(rules), "campaigns.request", request)
    left = stage.guard(rules).left_today()
    with pytest.raises(CapReached, match="3 people of this campaign a day, 1 are left, and this call needs 2"):
        await called(stage.sender(rules), "campaigns.request", request)
    with pytest.raises(CapReached, match="how many people a scheduled campaign reaches is not known"):
        await called(stage.sender(rules), "campaigns.schedule", {"campaign_id": 1002})

    assert len(stage.arrived) == 1
    assert stage.guard(rules).left_today() == left


# Fields

FIELDS = f'access = {{ {ALL} }}\nfields = {{ read = ["id", "email"], write = ["leadScore"], mask = ["email"] }}'


async def test_an_answer_holds_the_readable_fields_alone(stage: Stage) -> None:
    sender = stage.sender(FIELDS)
    (lead,) = await family(Leads, sender).by_filter("id", [1]).all()
    again = await family(Leads, sender).get(1)

    assert lead.keys() == again.keys() == {"id", "email"}
    assert lead["email"][1:5] == "***@"
    assert "fields=id,email" in stage.arrived[0].target


async def test_attributes_and_changes_are_cut_too(stage: Stage) -> None:
    sender = stage.sender(FIELDS)
    arguments = {"since": "2020-01-01", "types": [1, 2, 12, 13]}
    activities = await called(sender, "activities.since", arguments)
    changes = await called(sender, "activities.lead_changes", {"since": "2020-01-01", "fields": ["email"]})

    assert activities
    for activity in activities:
        assert activity.primary_attribute_value is None
        assert activity.attributes == []
    assert all(change.name == "email" for found in changes for change in found.fields)


async def test_a_forbidden_record_is_refused_by_its_index(stage: Stage) -> None:
    records: list[dict[str, Any]] = [{"email": "a@b.c", "leadScore": 1}, {"email": "b@b.c", "phone": "1"}]
    with pytest.raises(Denied, match="record 1: this agent may not write the field phone") as caught:
        await family(Leads, stage.sender(FIELDS)).sync(records)
    assert caught.value.index == 1

    def stream() -> Iterator[dict[str, Any]]:
        yield from records

    with pytest.raises(RecordRefused, match="record 1: this agent may not write the field phone"):
        await family(Leads, stage.sender(FIELDS)).sync(stream())
    assert len(stage.arrived) == 1
    assert b"phone" not in stage.arrived[0].body


async def test_the_file_of_another_job_is_not_read(stage: Stage) -> None:
    with pytest.raises(Denied, match="a job that this agent did not start"):
        await called(stage.sender(FIELDS), "bulk.leads.file", {"export_id": "other"})
    assert stage.arrived == []
    selection = {"createdAt": {"startAt": "2026-01-01T00:00:00Z", "endAt": "2026-01-02T00:00:00Z"}}
    job = await called(stage.sender(FIELDS), "bulk.leads.create", {"fields": ["id"], "selection": selection})
    with pytest.raises(NotFound):
        await called(stage.sender(FIELDS), "bulk.leads.file", {"export_id": job.export_id})
    assert len(stage.arrived) == 2


async def test_a_write_includes_the_description_of_what_it_writes(stage: Stage) -> None:
    sender = stage.sender('access = { "custom_objects.sync" = "write" }')
    with suppress(MarketoError):
        await called(sender, "custom_objects.sync", {"api_name": "car_c", "records": [{"vin": "v1"}]})
    assert stage.paths[0] == "GET /rest/v1/customobjects/car_c/describe.json"
    assert stage.records()[0].rule == "it is part of custom_objects.sync"
    with pytest.raises(Denied):
        await called(sender, "custom_objects.describe", {"api_name": "car_c"})


EXPORTS = 'access = { exports = "write", people = "read" }\n'


class Held:
    """A sink in memory."""

    def __init__(self) -> None:
        self.content = b""

    @property
    def held(self) -> int:
        return len(self.content)

    def restart(self) -> None:
        self.content = b""

    def write(self, chunk: bytes) -> None:
        self.content += chunk


async def exported(stage: Stage, rules: str) -> str:
    """Let an agent export all 50 people, and return the id of the completed job."""
    job = await called(
        stage.sender(rules),
        "bulk.leads.create",
        {"fields": ["id"], "selection": {"staticListId": 1001}, "format": "CSV"},
    )
    await called(stage.sender(rules), "bulk.leads.enqueue", {"export_id": job.export_id})
    async with asyncio.timeout(10):
        while (await stage.marketo.bulk.leads.status(job.export_id)).status != "Completed":
            stage.sandbox.clock.advance(60)
    return str(job.export_id)


@pytest.mark.parametrize("most", [10, 1000])
async def test_a_file_has_no_more_rows_than_a_read(most: int, stage: Stage) -> None:
    rules = f"{EXPORTS}limits = {{ records_a_read = {most}, records_a_day = 2000 }}"
    job = await exported(stage, f"{EXPORTS}fields = {{ read = ['id'] }}")
    content = await called(stage.sender(rules), "bulk.leads.file", {"export_id": job})
    rows = content.count(b"\n") - 1
    assert rows == min(most, 50)
    assert stage.records()[-1].records == rows

    operation, planned = plan_of("bulk.leads.file", {"export_id": job})
    sink = Held()
    sink.write(b"of another run")
    if most < 50:
        with pytest.raises(CapReached, match="this agent may read 10 more rows, and the file has more"):
            await stage.sender(rules).stream(operation, planned, sink)  # type: ignore[arg-type]
    else:
        await stage.sender(rules).stream(operation, planned, sink)  # type: ignore[arg-type]
        assert sink.content == content
        assert stage.guard(rules).left_today()["records"] == 2000 - 2 * rows


async def test_a_file_without_limits_is_resumed(stage: Stage) -> None:
    job = await exported(stage, EXPORTS)
    operation, planned = plan_of("bulk.leads.file", {"export_id": job})
    whole, sink = Held(), Held()
    await stage.sender(EXPORTS).stream(operation, planned, whole)  # type: ignore[arg-type]
    sink.write(whole.content[:20])
    await stage.sender(EXPORTS).stream(operation, planned, sink)  # type: ignore[arg-type]

    assert sink.content == whole.content


async def test_a_description_is_judged_even_if_it_is_kept(stage: Stage) -> None:
    described = Described(callee("leads.describe2").operation, one(Description))
    reader = 'access = { people = "read" }'
    assert await stage.sender(reader).describe(described) == await stage.sender(reader).describe(described)
    assert len(stage.arrived) == 1
    with pytest.raises(Denied):
        await stage.sender("").describe(described)


class Person(Struct):
    id: int
    email: str = ""


async def test_a_struct_of_the_caller_is_cut_too(stage: Stage) -> None:
    sender = stage.sender('access = { people = "read" }\nfields = { read = ["id"] }')
    leads = Leads(sender, Person)
    with pytest.raises(Denied, match="may not read the field email"):
        await leads.get(1)
    operation, planned = plan_of("leads.get", {"lead_id": 1, "fields": ["id"]})
    assert isinstance(planned, Plan)
    found: Any = await sender.send(operation, replace(planned, answer=list[Person]))
    assert found == {"id": 1}


async def test_a_record_that_can_not_be_sent_is_named(stage: Stage) -> None:
    with pytest.raises(RecordRefused, match="record 1"):
        await family(Leads, stage.sender(FREE)).sync([{"email": "a@b.c"}, {"email": b"bytes"}])
    with pytest.raises(RecordRefused, match="record 0"):
        await family(Leads, stage.sender(FREE)).sync(iter([7]))
    assert stage.arrived == []


# Confirmation


async def test_what_erases_needs_a_confirmation_of_exactly_it(stage: Stage) -> None:
    rules = 'access = { lists = "full" }\nconfirm = { erase = "operator" }'
    operation, planned = plan_of("lists.remove", {"list_id": 1001, "lead_ids": [1, 2]})
    assert isinstance(planned, Batches)
    with pytest.raises(NeedsConfirmation, match="an operator of the server must confirm this call first") as caught:
        await stage.sender(rules).writes(operation, planned).all()
    needed = caught.value
    assert (needed.by, needed.records, needed.rule) == ("operator", 2, "agents.a.confirm.erase = operator")
    assert needed.digest == digest(operation, whole(planned))

    for other in ({"list_id": 1001, "lead_ids": [1, 3]}, {"list_id": 1002, "lead_ids": [1, 2]}):
        with pytest.raises(NeedsConfirmation):
            await called(stage.sender(rules, Confirmed(needed.digest)), "lists.remove", other)
    assert stage.arrived == []

    sender = stage.sender(rules, Confirmed(needed.digest, "Jo"))
    await sender.writes(operation, planned).all()
    with pytest.raises(NeedsConfirmation):
        await sender.writes(operation, planned).all()
    assert len(stage.arrived) == 1
    intent = next(record for record in stage.records() if record.kind == "intent")
    assert (intent.decision, intent.approved_by) == ("confirmed", "Jo")
    assert "confirmed by Jo" in intent.says


async def test_a_confirmed_write_may_take_several_calls(stage: Stage) -> None:
    rules = 'access = { lists = "full" }'
    arguments = {"list_id": 1001, "lead_ids": list(range(1, 401))}
    with pytest.raises(NeedsConfirmation) as caught:
        await called(stage.sender(rules), "lists.remove", arguments)
    await called(stage.sender(rules, Confirmed(caught.value.digest)), "lists.remove", arguments)

    assert len(stage.arrived) == 2


async def test_a_stream_can_not_be_confirmed(stage: Stage) -> None:
    with pytest.raises(Denied, match="pass them as a list"):
        await family(Lists, stage.sender('access = { lists = "full" }')).remove(1001, iter([1]))
    assert stage.arrived == []


async def test_after_outsiders_text_a_person_must_confirm(stage: Stage) -> None:
    now = 0.0
    rules = f'access = {{ lists = "full" }}\n{UNASKED}after_reading_outsiders = "confirm"'
    guard = stage.guard(rules, clock=lambda: now)
    remove = {"list_id": 1001, "lead_ids": [1]}
    await called(GuardedSender(guard), "lists.remove", remove)
    await family(Lists, GuardedSender(guard)).leads(1001).all()
    with pytest.raises(NeedsConfirmation) as caught:
        await called(GuardedSender(guard), "lists.remove", remove)
    assert caught.value.by == "host"
    await called(GuardedSender(guard), "lists.add", remove)
    now += 901.0
    await called(GuardedSender(guard), "lists.remove", remove)

    assert len(stage.arrived) == 4


# Closed when something fails


async def test_no_record_no_call(stage: Stage) -> None:
    sender = stage.sender(FREE)
    await family(Lists, sender).get(1001)
    stage.audit.path_at(stage.audit._clock()).unlink()
    for name, arguments in (("lists.get", {"list_id": 1001}), ("lists.add", {"list_id": 1001, "lead_ids": [1]})):
        with pytest.raises(AuditUnavailable):
            await called(sender, name, arguments)

    assert len(stage.arrived) == 1


def losing(folder: Path) -> Callable[..., float]:
    """Return a latency that removes the audit while a call is under way."""

    def lose(*_: object) -> float:
        for path in (folder / "audit").glob("*.jsonl"):
            path.unlink()
        return 0.0

    return lose


@pytest.mark.parametrize("name", ["lists.get", "lists.add"])
async def test_an_outcome_that_can_not_be_recorded_says_that_the_call_was_made(name: str, tmp_path: Path) -> None:
    arguments = {"list_id": 1001, **({"lead_ids": [1]} if name == "lists.add" else {})}
    async with staged(tmp_path, latency=losing(tmp_path)) as opened:
        with pytest.raises(AuditUnavailable, match="the call was made, but its outcome can't be recorded"):
            await called(opened.sender(FREE), name, arguments)
        assert len(opened.arrived) == 1


async def test_the_error_of_a_call_is_raised_even_if_it_can_not_be_recorded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with staged(tmp_path, latency=losing(tmp_path)) as opened:
        with pytest.raises(NotFound):
            await called(opened.sender(FREE), "lists.get", {"list_id": 424242})
    assert "the outcome of record 1 can't be recorded" in caplog.text


async def test_a_rule_that_fails_denies(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    sender = stage.sender(FREE)
    monkeypatch.setattr(sender._guard.access, "check", lambda *_: 1 / 0)
    with pytest.raises(Denied, match="the call can't be judged") as caught:
        await family(Lists, sender).get(1001)

    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert stage.arrived == []


async def test_a_call_that_is_given_up_has_its_outcome(tmp_path: Path) -> None:
    arrived = asyncio.Event()

    def slow(*_: object) -> float:
        arrived.set()
        return 0.3

    async with staged(tmp_path, latency=slow) as stage:
        calling = asyncio.create_task(called(stage.sender(FREE), "lists.get", {"list_id": 1001}))
        await arrived.wait()
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling

        assert [record.code for record in stage.records()] == ["", "cancelled"]


async def test_the_audit_of_all_of_it_is_one_chain(stage: Stage) -> None:
    sender = stage.sender(FREE)
    await asyncio.gather(*(called(sender, "lists.get", {"list_id": 1001}) for _ in range(20)))
    stage.audit.close()
    (path,) = stage.audit.folder.glob("*.jsonl")

    assert verify_file(path).records == 40
