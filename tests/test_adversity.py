"""Whole runs against an instance and a network that misbehave: what arrives, what is doubled, what stays behind."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from marketo_async import Governor, Limits, Marketo, RetryPolicy
from marketo_async.errors import MarketoError
from marketo_async.sandbox import Fault, InstanceLimits, Sandbox, SandboxClock
from tests.conftest import Client
from tests.wire import ORIGIN, Act, Answer, MockedMarketo, Reply, ScriptedServer, Sent, cut, ok, reset, written

SPEED = 5.0  # the instance's clock, so that its tokens die and its window turns while a test runs
SECONDS = 1.0  # one window in real time
LIMITS = InstanceLimits(calls=400, per=SECONDS * SPEED, concurrency=10, daily=1_000_000, token_life=2.0)
REFUSALS = ("608", "713")  # which promise that the call did not act
BREAKAGES = ("604", "html", "reset", "truncate", "html200", "bad_json")  # which may strike when it has
KINDS = REFUSALS + BREAKAGES
A_FIFTH = 1 - 0.8 ** (1 / len(KINDS))  # each kind strikes by itself
QUICK = RetryPolicy(attempts=12, base=0.001, cap=0.01)
PUSH = "/rest/v1/leads/push.json"


def chaos() -> list[Fault]:
    """Return faults that together strike a fifth of the calls, where that can be half of them after the call acted."""
    return [
        *(Fault(kind, probability=A_FIFTH) for kind in REFUSALS),
        *(Fault(kind, probability=A_FIFTH / 2, when="before") for kind in BREAKAGES),
        *(Fault(kind, probability=A_FIFTH / 2, when="after") for kind in BREAKAGES),
    ]


def troubled(*, leads: int = 10, activities: int = 0) -> Sandbox:
    return Sandbox(leads=leads, activities=activities, limits=LIMITS, faults=chaos(), clock=SandboxClock(speed=SPEED))


def client_of(sandbox: Sandbox) -> Marketo:
    return Marketo(
        sandbox.base_url,
        client_id=sandbox.client_id,
        client_secret=sandbox.client_secret,
        governor=Governor(Limits(calls=400, per=SECONDS, concurrency=10)),
        retry=QUICK,
    )


def assert_that_nothing_is_left(sandbox: Sandbox, marketo: Marketo) -> None:
    seen = marketo.governor.snapshot()
    assert (seen.in_flight, seen.waiting, sandbox.stats.in_flight) == (0, 0, 0)
    assert sandbox.stats.refused == Counter(), "no call was refused because of our own"


async def test_every_record_is_delivered_once_while_a_fifth_of_the_calls_fail_and_tokens_die() -> None:
    async with troubled(leads=6_000, activities=15_000) as sandbox, client_of(sandbox) as marketo:
        types = sorted({activity.activity_type_id for activity in sandbox.instance.activities})
        guids = sorted(activity.marketo_guid for activity in sandbox.instance.activities)
        since, until = datetime.now(UTC) - timedelta(days=3), datetime.now(UTC) + timedelta(days=1)

        members, found, sharded = await asyncio.gather(
            marketo.lists.leads(1001, fields=["id"], batch_size=50).all(),
            marketo.leads.by_filter("id", range(1, 6_001), fields=["id"], batch_size=50).all(),
            marketo.activities.between(since, until, types=types, shards=6, batch_size=100).all(),
        )

        assert [lead["id"] for lead in members] == list(range(1, 6_001))
        assert [lead["id"] for lead in found] == list(range(1, 6_001))
        assert sorted(str(activity.marketo_guid) for activity in sharded) == guids
        assert set(sandbox.stats.faults_injected) == set(KINDS), "every kind of fault has struck"
        assert sandbox.stats.errors["602"] > 0, "tokens died on the way"
        assert_that_nothing_is_left(sandbox, marketo)


async def test_every_lead_is_written_once_while_a_fifth_of_the_calls_fail() -> None:
    async with troubled() as sandbox, client_of(sandbox) as marketo:
        emails = [f"new{number}@example.com" for number in range(3_000)]
        batches = [emails[start : start + 50] for start in range(0, len(emails), 50)]

        answers = await asyncio.gather(
            *(marketo.leads.sync([{"email": email} for email in batch]) for batch in batches)
        )

        assert [len(results) for results in answers] == [50] * 60
        assert not any(result.failed for results in answers for result in results)
        for email, result in zip(emails, (result for results in answers for result in results), strict=True):
            assert sandbox.instance.leads.find("email", [email]) == [result.id]
        assert_that_nothing_is_left(sandbox, marketo)


async def test_a_push_happens_once_or_its_outcome_is_told_as_unknown() -> None:
    """The calls that must not repeat: success means once, an unknown outcome at most once, any other error never."""
    async with troubled() as sandbox, client_of(sandbox) as marketo:
        emails = [f"pushed{number}@example.com" for number in range(300)]

        outcomes = [
            result
            for (result,) in await asyncio.gather(
                *(marketo.leads.push([{"email": email}], "Spring Webinar") for email in emails)
            )
        ]

        pushed = Counter(
            activity.lead_id for activity in sandbox.instance.activities if activity.primary_attribute_value_id == 2001
        )
        times = [
            sum(pushed[lead_id] > 0 for lead_id in sandbox.instance.leads.find("email", [email])) for email in emails
        ]
        unknown = [count for count, outcome in zip(times, outcomes, strict=True) if outcome.unknown]
        assert sandbox.stats.by_operation[f"POST {PUSH}"] >= 300
        assert {count for count, outcome in zip(times, outcomes, strict=True) if not outcome.failed} == {1}
        assert all(outcome.unknown for outcome in outcomes if outcome.failed)
        assert set(unknown) == {0, 1}, "some of them happened and some did not, which is why they are unknown"
        assert_that_nothing_is_left(sandbox, marketo)


async def test_deleting_and_moving_settle_while_a_fifth_of_the_calls_fail() -> None:
    async with troubled(leads=2_000) as sandbox, client_of(sandbox) as marketo:
        removed, deleted = await asyncio.gather(
            asyncio.gather(*(marketo.lists.remove(1001, range(start, start + 20)) for start in range(1, 1_001, 20))),
            asyncio.gather(*(marketo.leads.delete(range(start, start + 20)) for start in range(1_001, 2_001, 20))),
        )

        assert not any(result.failed for results in [*removed, *deleted] for result in results)
        assert await marketo.lists.leads(1001).all() == []
        assert sandbox.instance.leads.ids() == list(range(1, 1_001))
        assert_that_nothing_is_left(sandbox, marketo)


async def test_a_drain_survives_a_restart_of_the_instance() -> None:
    async with Sandbox(leads=2_000, activities=0, limits=LIMITS) as sandbox, client_of(sandbox) as marketo:
        seen = []
        async for page in marketo.lists.leads(1001, fields=["id"], batch_size=100).pages():
            seen += [lead["id"] for lead in page.items]
            if len(seen) in {500, 1_000}:
                await sandbox.stop()
                await sandbox.start()

        assert seen == list(range(1, 2_001))


class Cutter:
    """Serves a listing of pages, and cuts most answers at a random byte, gently or with a reset."""

    def __init__(self, pages: int, seed: int) -> None:
        self.pages = pages
        self.rng = random.Random(seed)
        self.cuts = 0

    def __call__(self, sent: Sent) -> Reply:
        page = int(sent.query.get("nextPageToken", "0"))
        records = [{"id": page * 10 + number, "name": "x" * self.rng.randrange(40)} for number in range(10)]
        more = {"nextPageToken": str(page + 1), "moreResult": True} if page + 1 < self.pages else {"moreResult": False}
        answer = ok(*records, **more)
        whole = written(answer)
        if self.rng.random() < 0.4:
            return answer
        self.cuts += 1
        at = self.rng.randrange(len(whole))
        return cut(answer, at) if self.rng.random() < 0.5 else cut_off(whole[:at])


def cut_off(part: bytes) -> Act:
    """Return an act that writes a part of an answer and resets the connection."""

    async def act(sent: Sent, writer: asyncio.StreamWriter) -> None:
        writer.write(part)
        await reset(sent, writer)

    return act


@pytest.mark.parametrize("seed", range(5))
async def test_a_listing_is_whole_though_its_answers_are_cut_at_random_bytes(seed: int, client: Client) -> None:
    async with (
        ScriptedServer() as server,
        client(server.origin, retry=QUICK, governor=Governor(Limits(5_000))) as marketo,
    ):
        server.default = cutter = Cutter(pages=30, seed=seed)

        lists = await marketo.lists.browse().all()

        assert [found.id for found in lists] == list(range(300))
        assert cutter.cuts > 10
        assert len(server.calls) == cutter.cuts + 30, "each answer that was cut was asked for once more"
        assert marketo.governor.snapshot().in_flight == 0


@pytest.mark.parametrize("seed", range(3))
async def test_an_answer_of_a_write_cut_at_a_random_byte_is_never_sent_again(seed: int, client: Client) -> None:
    async with ScriptedServer() as server, client(server.origin, governor=Governor(Limits(5_000))) as marketo:
        whole = written(ok({"id": 1, "status": "created"}))
        rng = random.Random(seed)
        for sends in range(1, 31):
            server.script = [whole[: rng.randrange(len(whole))]]
            (result,) = await marketo.leads.push([{"email": "a@x.io"}], "Program")
            assert result.unknown
            assert len(server.calls) == sends


@pytest.mark.looptime
@pytest.mark.parametrize("seed", range(5))
async def test_callers_cancelled_at_random_moments_leave_nothing_behind(seed: int, mocked: MockedMarketo) -> None:
    rng = random.Random(seed)
    mocked.script = [ok({"id": 1})]
    mocked.latency = 1.0
    governor = Governor(Limits(calls=50, per=5.0, concurrency=7))
    async with Marketo(ORIGIN, client_id="i", client_secret="s", governor=governor) as marketo:
        calls = [asyncio.create_task(marketo.leads.get(number)) for number in range(120)]
        loop = asyncio.get_running_loop()
        for call in rng.sample(calls, 60):
            loop.call_later(rng.uniform(0, 15), call.cancel)
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        await asyncio.sleep(1.5)
        seen = governor.snapshot()

    assert (seen.in_flight, seen.waiting) == (0, 0)
    assert seen.granted == len(mocked.calls) == seen.used_today
    assert sum(outcome == {"id": 1} for outcome in outcomes) >= 60
    assert all(outcome == {"id": 1} or isinstance(outcome, asyncio.CancelledError) for outcome in outcomes)


async def test_answers_of_any_json_are_values_or_errors_of_ours(client: Client) -> None:
    """Seeded random JSON in every member of the envelope: whatever comes, callers see only this package's errors."""
    rng = random.Random(7)
    values: list[object] = [None, True, 0, -1, 1e300, "", "601", "x", [], [None], [[]], {}, {"code": 601}, [{"id": []}]]
    members = ["success", "requestId", "result", "errors", "warnings", "nextPageToken", "moreResult"]
    policy = RetryPolicy(attempts=1, throttles=1)
    seen: Counter[str] = Counter()
    async with (
        ScriptedServer() as server,
        client(server.origin, retry=policy, governor=Governor(Limits(5_000))) as marketo,
    ):
        for _ in range(300):
            body = {member: rng.choice(values) for member in rng.sample(members, rng.randrange(len(members)))}
            server.script = [Answer(json.dumps(body).encode(), rng.choice([200, 200, 200, 400, 404, 429, 500, 503]))]
            for call in (marketo.leads.get(1), marketo.lists.get(1), marketo.leads.associate(1, "c")):
                try:
                    await call
                except MarketoError as error:
                    seen[type(error).__name__] += 1
                else:
                    seen["value"] += 1
        assert marketo.governor.snapshot().in_flight == 0

    assert seen.total() == 900
    assert seen.keys() >= {"value", "UnexpectedShape", "OutcomeUnknown", "NotFound", "Throttled"}
