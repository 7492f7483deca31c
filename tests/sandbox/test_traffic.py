"""Live events, late commits, and what the listings tell of both: the log of the truth is the judge."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest

from marketo_async.sandbox import InstanceLimits, Quirks, Sandbox, SandboxClock, Traffic
from marketo_async.sandbox.records.activity_types import CHANGE_DATA_VALUE, DELETE_LEAD, MERGE_LEADS, NEW_LEAD
from marketo_async.sandbox.traffic import MIX

from .api import Api, Body, Connect

NOW = 1_900_000_000.0
DAY = 86_400.0
TYPES = "1,2,6,7,10,12,13,24,25,32"  # as many as a call takes


class Follower:
    """Reads on from where it stands, as a program that follows the token alone does."""

    def __init__(self, api: Api, token: str, types: str = TYPES) -> None:
        self.api = api
        self.token = token
        self.types = types
        self.seen: Counter[str] = Counter()

    async def poll(self) -> None:
        while True:
            page: Body = await self.api.get(
                "/rest/v1/activities.json", nextPageToken=self.token, activityTypeIds=self.types
            )
            self.token = page["nextPageToken"]
            self.seen.update(row["marketoGUID"] for row in page.get("result", []))
            if not page["moreResult"]:
                return


async def followed(connect: Connect, quirks: Quirks) -> tuple[Traffic, Follower]:
    """Let events happen for twenty minutes while somebody polls, and wait until all of them are committed."""
    clock, traffic = SandboxClock(speed=0, start=NOW), Traffic(rate=0, seed=3)
    limits = InstanceLimits(token_life=30 * DAY)
    api = await connect(leads=40, activities=0, clock=clock, quirks=quirks, traffic=traffic, limits=limits)
    traffic.join(api.sandbox.instance)
    follower = Follower(api, await api.since("2030-03-17T17:00:00Z"))
    for _ in range(20):
        for _ in range(25):
            traffic.happen()
            clock.advance(2.4)
        await follower.poll()
    clock.advance(3_600)
    await follower.poll()
    return traffic, follower


def truth(traffic: Traffic, api: Api) -> set[str]:
    committed = {
        activity.marketo_guid: activity.activity_type_id for activity, _ in api.sandbox.instance.activities.commits()
    }
    asked = {int(kind) for kind in TYPES.split(",")}
    return {guid for event in traffic.log for guid in event.guids if committed[guid] in asked}


@pytest.mark.parametrize("quirks", [Quirks(), Quirks(late_share=0.3, token_order="commit")])
async def test_a_token_misses_nothing_where_commits_are_in_its_order(connect: Connect, quirks: Quirks) -> None:
    traffic, follower = await followed(connect, quirks)

    assert set(follower.seen) == truth(traffic, follower.api)
    assert set(follower.seen.values()) == {1}


async def test_a_token_by_date_misses_what_is_committed_late(connect: Connect) -> None:
    traffic, follower = await followed(connect, Quirks(late_share=0.3))
    expected = truth(traffic, follower.api)
    missed = expected - set(follower.seen)

    assert 0 < len(missed) < len(expected) / 2
    late = {
        activity.marketo_guid
        for activity, seen in follower.api.sandbox.instance.activities.commits()
        if seen > NOW and seen % 1 > 0
    }
    assert missed <= late
    assert set(follower.seen.values()) == {1}
    # Whoever asks again from the beginning gets all of it.
    again = Follower(follower.api, await follower.api.since("2030-03-17T17:00:00Z"))
    await again.poll()
    assert set(again.seen) == expected


async def test_what_is_not_committed_is_in_no_export_either(connect: Connect) -> None:
    clock = SandboxClock(speed=0, start=NOW)
    api = await connect(leads=3, activities=0, clock=clock, quirks=Quirks(late_share=1.0, late_by=(60, 60)))
    await api.post("/rest/v1/leads/delete.json", {"input": [{"id": 1}]})
    await api.post("/rest/v1/leads.json", {"input": [{"email": "new@example.com"}]})

    assert list(api.sandbox.instance.activities.visible()) == []
    clock.advance(59)
    assert list(api.sandbox.instance.activities.visible()) == []
    clock.advance(1)
    assert [activity.activity_type_id for activity in api.sandbox.instance.activities.visible()] == [
        DELETE_LEAD,
        NEW_LEAD,
    ]


async def test_deletions_are_pruned(connect: Connect) -> None:
    clock = SandboxClock(speed=0, start=NOW)
    api = await connect(leads=3, activities=0, clock=clock, limits=InstanceLimits(token_life=30 * DAY))
    await api.post("/rest/v1/leads/delete.json", {"input": [{"id": 1}]})
    path, since = "/rest/v1/activities/deletedleads.json", await api.since("2030-03-17T00:00:00Z")

    clock.advance(14 * DAY - 1)
    assert [row["leadId"] for row in (await api.get(path, nextPageToken=since))["result"]] == [1]
    clock.advance(2)
    assert (await api.get(path, nextPageToken=since))["result"] == []


@pytest.mark.parametrize(
    ("quirks", "merged", "changed"),
    [(Quirks(), "2,3", "firstName"), (Quirks(merge_ids="list", changed_field="display"), [2, 3], "First Name")],
)
async def test_the_spellings_of_merges_and_changes(
    connect: Connect, quirks: Quirks, merged: object, changed: str
) -> None:
    api = await connect(leads=3, activities=0, clock=SandboxClock(speed=0, start=NOW), quirks=quirks)
    assert (await api.post("/rest/v1/leads/1/merge.json", leadIds="2,3"))["success"]
    await api.post(
        "/rest/v1/leads.json", {"lookupField": "id", "action": "updateOnly", "input": [{"id": 1, "firstName": "X"}]}
    )
    rows: list[Body] = await api.drain(
        "/rest/v1/activities.json",
        nextPageToken=await api.since("2030-03-17T00:00:00Z"),
        activityTypeIds=f"{MERGE_LEADS},{CHANGE_DATA_VALUE}",
    )

    [merge] = [row for row in rows if row["activityTypeId"] == MERGE_LEADS]
    assert {"name": "Merge IDs", "value": merged} in merge["attributes"]
    assert rows[-1]["primaryAttributeValue"] == changed
    [change] = await api.drain(
        "/rest/v1/activities/leadchanges.json",
        nextPageToken=await api.since("2030-03-17T00:00:00Z"),
        fields="firstName",
    )
    assert [field["name"] for field in change["fields"]] == ["firstName"]


def test_the_same_seed_makes_the_same_events() -> None:
    logs = []
    for seed in (5, 5, 6):
        traffic = Traffic(rate=0, seed=seed)
        box = Sandbox(leads=30, activities=0, clock=SandboxClock(speed=0, start=NOW), traffic=traffic)
        traffic.join(box.instance)
        for _ in range(200):
            traffic.happen()
        logs.append(traffic.log)
    assert logs[0] == logs[1] != logs[2]


def test_events_are_what_they_say() -> None:
    traffic = Traffic(rate=0, seed=1)
    box = Sandbox(leads=60, activities=0, clock=SandboxClock(speed=0, start=NOW), traffic=traffic)
    traffic.join(box.instance)
    instance = box.instance
    for kind in sorted(MIX) * 5:
        before = set(instance.leads.ids())
        event = traffic.happen(kind)
        after = set(instance.leads.ids())
        if event.kind == "create":
            assert after - before == set(event.leads)
        elif event.kind == "delete":
            assert before - after == set(event.leads)
        elif event.kind == "merge":
            assert before - after == {event.leads[1]}
            assert event.leads[0] in after
        else:
            assert before == after
            assert event.leads[0] in after
        # A lead whose place in a program lies ahead already does not move.
        assert event.guids or event.kind == "program"


def test_traffic_survives_an_instance_that_runs_out_of_leads() -> None:
    traffic = Traffic(rate=0, mix={"delete": 1, "merge": 1}, seed=1)
    box = Sandbox(leads=5, activities=0, traffic=traffic)
    traffic.join(box.instance)
    for _ in range(50):
        traffic.happen()
    for lead_id in box.instance.leads.ids():
        box.instance.leads.remove(lead_id)
    for _ in range(10):
        traffic.happen("visit")
    assert len(box.instance.leads) >= 1


async def test_events_come_at_their_rate_while_the_sandbox_listens() -> None:
    clock, traffic = SandboxClock(speed=100), Traffic(rate=20)
    began = clock.time()
    async with Sandbox(leads=20, activities=0, clock=clock, traffic=traffic):
        while len(traffic.log) < 100:  # noqa: ASYNC110 - what happens is announced nowhere
            await asyncio.sleep(0)
    ended = len(traffic.log)
    await asyncio.sleep(0)
    assert len(traffic.log) == ended
    assert ended <= (traffic.log[-1].at - began) * 20  # it never runs ahead of its rate


@pytest.mark.parametrize(
    "arguments",
    [
        {"rate": -1},
        {"rate": float("nan")},
        {"rate": float("inf")},
        {"mix": {"visit": 0}},
        {"mix": {"visit": -1}},
        {"mix": {"walk": 1}},
    ],
)
def test_traffic_that_cannot_be(arguments: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"rate|mix"):
        Traffic(**arguments)  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="has no sandbox yet"):
        Traffic().happen()


def test_commits_are_drawn_as_the_quirks_say() -> None:
    rng = random.Random(1)
    clock = SandboxClock(speed=0, start=NOW)
    box = Sandbox(leads=10, activities=0, clock=clock, quirks=Quirks(late_share=0.25, late_by=(10, 20)))
    for _ in range(2_000):
        box.instance.activities.add(rng.randrange(1, 11), 1)
    delays = [seen - NOW for _, seen in box.instance.activities.commits()]
    late = [delay for delay in delays if delay]
    assert 400 < len(late) < 600
    assert min(late) >= 10
    assert max(late) <= 20
