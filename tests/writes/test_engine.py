"""Writes driven against servers: order, keys, refusals, lost answers, errors, and what is left early."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import islice
from typing import Any

import pytest
from msgspec import Struct

from marketo_async import Governor, Limits, Marketo
from marketo_async.errors import (
    AccessDenied,
    CallTimeout,
    ConfigurationError,
    DailyQuotaExceeded,
    InvalidRequest,
    NotFound,
    RecordRefused,
    RecordsFailed,
    RecordTooLarge,
    RequestTooLarge,
)
from marketo_async.models.activities import NewActivity
from marketo_async.models.custom_object_types import NewObjectField
from marketo_async.sandbox import Fault, Sandbox
from marketo_async.writes import Result, ResultList, Results, WriteRow, WriteRows
from tests.conftest import Client
from tests.wire import Answer, MockedMarketo, Reply, ScriptedServer, Sent, after, done, hang_up, ok, refused
from tests.writes.instances import GENEROUS, client_of

PUSH, PROGRAM, LIST, CAMPAIGN = "/rest/v1/leads/push.json", 2001, 1001, 4002


def lead(number: int, **values: object) -> dict[str, object]:
    return {"email": f"new{number}@example.com", **values}


def inputs(sent: Sent) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(sent.body)["input"]
    return found


def updated(sent: Sent) -> Answer:
    return ok(*({"id": 1, "status": "updated"} for _ in inputs(sent)))


async def stream_of(records: list[WriteRow]) -> AsyncIterator[WriteRow]:
    for number, record in enumerate(records):
        if number % 7 == 0:
            await asyncio.sleep(0)
        yield record


async def gather_indexes(results: Results[WriteRow], yielded: list[int]) -> None:
    async for result in results:
        yielded.append(result.index)  # noqa: PERF401 - what came before an error counts


@pytest.mark.parametrize("kind", ["list", "generator", "async generator"])
async def test_repeats_never_overlap_the_last_wins_and_results_come_in_order(kind: str) -> None:
    records: list[WriteRow] = []
    for number in range(2_000):
        key = number - (1, 12, 500)[number // 10 % 3] if number % 10 == 9 and number > 500 else number
        email = f"P{key}@example.com" if number % 2 else f"p{key}@example.com"
        records.append({"email": email, "firstName": str(number)})
    kinds: dict[str, WriteRows] = {"list": records, "generator": iter(records), "async generator": stream_of(records)}
    async with (
        Sandbox(leads=0, activities=0, limits=GENEROUS, latency=(0.01, 0.008)) as sandbox,
        client_of(sandbox) as marketo,
    ):
        results = [result async for result in marketo.leads.sync(kinds[kind])]

        assert [result.index for result in results] == list(range(2_000))
        assert [result.record for result in results] == records
        assert not any(result.failed for result in results)
        assert not any(sandbox.stats.overlaps.values())
        assert sandbox.stats.calls <= 8
        last = {str(record["email"]).casefold(): record["firstName"] for record in records if isinstance(record, dict)}
        assert len(sandbox.instance.leads) == len(last)
        for email, name in last.items():
            (found,) = sandbox.instance.leads.find("email", [email])
            assert (sandbox.instance.leads.get(found) or {})["firstName"] == name


async def test_writes_of_one_client_at_once_never_overlap_in_a_key() -> None:
    async with (
        Sandbox(leads=0, activities=0, limits=GENEROUS, latency=(0.01, 0.008)) as sandbox,
        client_of(sandbox) as marketo,
    ):
        found = await asyncio.gather(
            *(marketo.leads.sync(lead(number, title=str(n)) for number in range(400)) for n in range(3)),
            marketo.leads.push((lead(number) for number in range(100)), "Spring Webinar"),
            marketo.with_options(timeout=30).leads.sync(lead(number) for number in range(50)),
        )

        assert [len(results) for results in found] == [400, 400, 400, 100, 50]
        assert not any(sandbox.stats.overlaps.values())
        assert len(sandbox.instance.leads) == 400


async def test_without_the_client_the_same_calls_make_duplicates() -> None:
    """What the guard is for: two clients know nothing of each other's calls."""
    async with (
        Sandbox(leads=0, activities=0, limits=GENEROUS, latency=0.05) as sandbox,
        client_of(sandbox) as one,
        client_of(sandbox) as other,
    ):
        await asyncio.gather(one.leads.sync([lead(1)]), other.leads.sync([lead(1)]))

        assert sandbox.stats.overlaps == {"leads by email": 1}
        assert len(sandbox.instance.leads) == 2


async def test_ten_calls_are_under_way_and_input_is_read_no_further_than_needed(client: Client) -> None:
    gate, read = asyncio.Event(), 0

    def records() -> Iterator[WriteRow]:
        nonlocal read
        for number in range(100_000):
            read += 1
            yield lead(number)

    async with ScriptedServer() as server, client(server.origin, governor=Governor(Limits(5_000))) as marketo:
        held: list[Sent] = []

        def hold_the_first(sent: Sent) -> Reply:
            held.append(sent)
            return after(gate, updated(sent)) if len(held) == 1 else updated(sent)

        server.default = hold_the_first
        async with aclosing(aiter(marketo.leads.sync(records()))) as results:  # type: ignore[type-var]
            first = asyncio.ensure_future(anext(results))
            await server.arrivals(11)
            while len(server.calls) < 29:  # noqa: ASYNC110 - nothing tells when no more will come
                await asyncio.sleep(0)  # nothing tells when it has stopped
            assert not first.done(), "the first result is the one that is held"
            assert read <= 9_300, "nine thousand records are as far as it reads before the first result"
            gate.set()
            assert (await first).index == 0
            assert [result.index async for result in _some(results, 9_000)] == list(range(1, 9_001))
        assert read < 20_000


async def _some(results: Any, count: int) -> AsyncIterator[Any]:
    for _ in range(count):
        yield await anext(results)


async def test_what_is_left_early_holds_its_keys_until_the_server_has_answered(client: Client) -> None:
    gate = asyncio.Event()
    async with ScriptedServer() as server, client(server.origin) as marketo:
        server.default = lambda sent: after(gate, updated(sent)) if len(server.calls) == 1 else updated(sent)
        left = asyncio.ensure_future(marketo.leads.sync([lead(1)]).all())
        await server.arrivals(1)
        left.cancel()
        with pytest.raises(asyncio.CancelledError):
            await left
        again = asyncio.ensure_future(marketo.leads.sync([lead(1), lead(2)]).all())
        other = await marketo.leads.sync([lead(3)])
        assert (len(server.calls), again.done(), other.failed) == (2, False, [])

        gate.set()
        results = await again

        assert [result.status for result in results] == ["updated", "updated"]
        assert len(server.calls) == 3


@pytest.mark.parametrize("turns", range(1, 9))
async def test_a_write_that_is_cancelled_in_any_turn_of_the_loop_frees_its_keys(turns: int, client: Client) -> None:
    async with ScriptedServer() as server, client(server.origin) as marketo:
        server.default = updated
        writing = asyncio.ensure_future(marketo.leads.sync(map(lead, range(900))).all())
        for _ in range(turns):
            await asyncio.sleep(0)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        results = await marketo.leads.sync(map(lead, range(900)))

    assert {result.status for result in results} == {"updated"}


async def test_a_write_that_is_broken_off_sends_no_more(client: Client) -> None:
    async with ScriptedServer() as server, client(server.origin) as marketo:
        server.default = updated
        async for result in marketo.leads.sync(lead(number) for number in range(100_000)):
            if result.index == 10:
                break
        await asyncio.sleep(0.01)
        calls = len(server.calls)
        assert await marketo.leads.sync([lead(5)]), "the keys of what was broken off are free"

        assert calls <= 20
        assert marketo.governor.snapshot().in_flight == 0


async def test_what_was_handed_over_is_written_once(client: Client) -> None:
    async with ScriptedServer() as server, client(server.origin) as marketo:
        server.default = updated
        results = marketo.leads.sync([lead(1)])
        assert server.calls == []
        await results
        with pytest.raises(ConfigurationError, match="again"):
            await results.all()
        assert await marketo.leads.sync([]) == []

    assert len(server.calls) == 1


REFUSED: dict[str, tuple[dict[str, object], str]] = {
    "no key": ({"firstName": "A"}, "no email"),
    "an id": (lead(-1, id=5), "updateOnly"),
    "too large": (lead(-1, x="y" * 1_000_000), "shorten"),
    "unwritable": (lead(-1, x=object()), "x: object can't be sent"),
    "no record": ("a@x.io", "a dict"),  # type: ignore[dict-item]
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_list_with_a_record_that_can_not_be_sent_is_refused_whole(name: str, client: Client) -> None:
    bad, words = REFUSED[name]
    async with ScriptedServer() as server, client(server.origin) as marketo:
        server.default = updated
        with pytest.raises(RecordRefused, match=words) as caught:
            await marketo.leads.sync([*(lead(number) for number in range(1_000)), bad, *map(lead, range(9))])

    assert (caught.value.index, server.calls) == (1_000, [])
    assert (
        isinstance(caught.value, RequestTooLarge) is isinstance(caught.value, RecordTooLarge) is (name == "too large")
    )


@pytest.mark.parametrize("name", REFUSED)
async def test_a_stream_is_written_up_to_the_record_that_can_not_be_sent(name: str, client: Client) -> None:
    bad, words = REFUSED[name]
    async with ScriptedServer() as server, client(server.origin) as marketo:
        server.default = updated
        with pytest.raises(RecordRefused, match=words) as caught:
            await marketo.leads.sync(
                iter([*(lead(number) for number in range(1_000)), bad, *map(lead, range(5_000, 7_000))])
            )

    sent = [row["email"] for call in server.calls for row in inputs(call)]
    assert caught.value.index == 1_000
    assert [result.index for result in caught.value.results][:1_000] == list(range(1_000))
    assert {lead(number)["email"] for number in range(1_000)} <= set(sent)
    assert len(sent) == len(caught.value.results) < 1_300, "every record read has a result, and no more are read"


async def test_an_input_that_fails_is_raised_after_the_results_before_it(client: Client) -> None:
    def failing() -> Iterator[WriteRow]:
        yield from map(lead, range(400))
        raise OSError("the disk is gone")

    async def failing_later() -> AsyncIterator[WriteRow]:
        for record in failing():
            yield record

    async with ScriptedServer() as server, client(server.origin) as marketo:
        server.default = updated
        for given in (failing(), failing_later()):
            yielded: list[int] = []
            with pytest.raises(OSError, match="disk"):
                await gather_indexes(marketo.leads.sync(given), yielded)
            assert yielded == list(range(400))


def test_an_input_that_is_not_a_collection_is_refused_at_once(client: Client) -> None:
    marketo = client("http://127.0.0.1:1")
    calls: list[Callable[[], object]] = [
        lambda: marketo.leads.sync(lead(1)),  # type: ignore[arg-type]
        lambda: marketo.leads.sync("a@x.io"),  # type: ignore[arg-type]
        lambda: marketo.leads.delete(1),  # type: ignore[arg-type]
        lambda: marketo.leads.push(NewActivity, "Program"),  # type: ignore[arg-type]
        lambda: marketo.leads.sync([], lookup_field="id"),
        lambda: marketo.companies.sync([], dedupe_by="idField"),
    ]
    for call in calls:
        with pytest.raises(InvalidRequest):
            call()


async def test_a_lost_answer_leaves_exactly_its_records_unknown_and_the_rest_continues() -> None:
    faults = [Fault("reset", times=2, path=PUSH)]
    async with (
        Sandbox(leads=0, activities=0, limits=GENEROUS, faults=faults) as sandbox,
        client_of(sandbox, concurrency=1) as marketo,
    ):
        results = await marketo.leads.push(map(lead, range(1_200)), "Spring Webinar")

        assert [result.index for result in results if result.unknown] == list(range(600))
        assert results.failed == results[:600]
        assert all(result.status == "created" for result in results[600:])
        assert sandbox.stats.by_operation[f"POST {PUSH}"] == 4
        with pytest.raises(RecordsFailed, match=r"600 of 1200 records: record 0 unknown .*and 595 more") as caught:
            results.raise_for_failures()
        assert len(caught.value.failed) == 600


def dated(answer: Answer, when: datetime) -> Answer:
    return Answer(answer.body, headers={"Date": format_datetime(when, usegmt=True)})


EXISTS = {"status": "skipped", "reasons": [{"code": "1005", "message": "Lead already exists"}]}
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


async def test_create_only_after_a_lost_answer_separates_own_records_from_others_and_unknown_ones(
    client: Client,
) -> None:
    """Marketo's clock is hours from ours: only its own dates count."""
    ages = {"mine": 0, "theirs": 3600, "doubtful": 3, "twice": 0, "undated": None, "gone": 0}
    found = [
        {"id": n, "email": name.upper(), "createdAt": None if age is None else _iso(NOW - timedelta(seconds=age))}
        for n, (name, age) in enumerate(ages.items())
        if name != "gone"
    ]
    found.append({"id": 9, "email": "twice", "createdAt": _iso(NOW)})
    answers: list[Reply] = [
        hang_up,
        dated(ok(*[EXISTS] * 6, {"status": "created", "id": 77}), NOW),
        dated(ok(*found), NOW),
    ]
    async with ScriptedServer(*answers) as server, client(server.origin) as marketo:
        results = await marketo.leads.sync([{"email": name} for name in (*ages, "new")], action="createOnly")

    assert [(result.status, result.settled, result.failed) for result in results] == [
        ("created", True, False),
        ("skipped", False, True),
        ("unknown", False, True),
        ("unknown", False, True),
        ("unknown", False, True),
        ("unknown", False, True),
        ("created", False, False),
    ]
    assert [result.id for result in results][:2] == [0, 1]
    look = server.calls[2]
    assert look.query == {"filterType": "email", "filterValues": ",".join(ages), "fields": "createdAt,email"}


def _iso(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


async def test_create_only_of_compound_keys_looks_up_by_all_of_them(client: Client) -> None:
    role = {"externalOpportunityId": "o1", "leadId": 1, "role": "Buyer"}
    exists = {"seq": 0, "status": "skipped", "reasons": [{"code": "1017", "message": "exists"}]}
    there = {**role, "marketoGUID": "g", "createdAt": _iso(NOW)}
    answers: list[Reply] = [hang_up, dated(ok(exists), NOW), dated(ok(there), NOW)]
    async with ScriptedServer(*answers) as server, client(server.origin) as marketo:
        (result,) = await marketo.opportunity_roles.sync([role], action="createOnly")

    assert (result.status, result.settled, result.marketo_guid) == ("created", True, "g")
    assert json.loads(server.calls[2].body) == {"filterType": "dedupeFields", "input": [role]}


async def test_what_exists_stays_unknown_where_the_look_up_fails(client: Client) -> None:
    answers: list[Reply] = [hang_up, dated(ok(EXISTS), NOW), refused("603")]
    async with ScriptedServer(*answers) as server, client(server.origin) as marketo:
        (result,) = await marketo.leads.sync([lead(1)], action="createOnly")

    assert (result.unknown, len(server.calls)) == (True, 3)


async def test_create_only_on_an_instance_that_lost_answers() -> None:
    path = "/rest/v1/leads.json"
    async with (
        Sandbox(leads=5, activities=0, limits=GENEROUS, faults=[Fault("reset", times=1, path=path)]) as sandbox,
        client_of(sandbox) as marketo,
    ):
        for number in sandbox.instance.leads.ids():
            sandbox.instance.leads.update(number, {"createdAt": "2020-01-01T00:00:00Z"})
        results = await marketo.leads.sync([{"email": "lead1@example.com"}, lead(1)], action="createOnly")

        statuses = [(result.status, result.failed) for result in results]
        assert statuses == [("skipped", True), ("created", False)]
        assert len(sandbox.instance.leads) == 6


async def test_update_only_after_a_lost_answer_claims_nothing(client: Client) -> None:
    missing = {"status": "skipped", "reasons": [{"code": "1004", "message": "Lead not found"}]}
    async with ScriptedServer(hang_up, ok(missing)) as server, client(server.origin) as marketo:
        (result,) = await marketo.leads.sync([lead(1)], action="updateOnly")

    assert (result.settled, result.failed) == (False, True)


async def test_an_answer_that_does_not_fit_the_records_leaves_them_unknown(client: Client) -> None:
    async with ScriptedServer(ok({"id": 1, "status": "created"})) as server, client(server.origin) as marketo:
        results = await marketo.leads.sync([lead(1), lead(2)])

    assert [result.status for result in results] == ["unknown", "unknown"]
    assert "1 results for 2 records" in results[0].why[0].message


async def test_an_error_of_a_call_is_raised_after_what_the_others_answered(client: Client) -> None:
    async with ScriptedServer() as server, client(server.origin, governor=Governor(Limits(5_000))) as marketo:

        def deny_one(sent: Sent) -> Reply:
            return refused("603", "Access denied") if inputs(sent)[0] == lead(600) else updated(sent)

        server.default = deny_one
        yielded: list[int] = []
        with pytest.raises(AccessDenied, match="Read-Write Lead") as caught:
            await gather_indexes(marketo.leads.sync(map(lead, range(100_000))), yielded)
        with pytest.raises(AccessDenied) as again:
            await marketo.leads.sync(map(lead, range(600, 700)))

    sent = sorted(int(row["email"][3:].partition("@")[0]) for call in server.calls[:-1] for row in inputs(call))
    assert caught.value.index == 600
    assert yielded == sorted(yielded)
    assert set(yielded) == set(sent) - set(range(600, 900)), "every answered record has a result"
    assert len(sent) < 10_000, "and then nothing more is sent"
    assert (again.value.index, again.value.results) == (0, [])


async def test_the_first_of_several_calls_that_failed_is_named(client: Client) -> None:
    gate = asyncio.Event()
    async with ScriptedServer() as server, client(server.origin, governor=Governor(Limits(5_000))) as marketo:
        server.default = lambda sent: after(gate, refused("603")) if inputs(sent)[0] == lead(0) else refused("603")
        writing = asyncio.ensure_future(marketo.leads.sync(map(lead, range(900))).all())
        await server.arrivals(3)
        await asyncio.sleep(0.01)
        gate.set()
        with pytest.raises(AccessDenied) as caught:
            await writing

    assert (caught.value.index, caught.value.results) == (0, [])


async def test_a_call_that_is_too_large_beside_its_records_is_refused_unsent(client: Client) -> None:
    tokens = {f"{{{{my.token{number}}}}}": "x" * 11_000 for number in range(100)}
    async with ScriptedServer() as server, client(server.origin) as marketo:
        with pytest.raises(RecordTooLarge):
            await marketo.campaigns.request(7, [1], tokens=tokens)

    assert server.calls == []


async def test_a_spent_quota_is_raised_with_what_is_known_by_then() -> None:
    async with Sandbox(leads=0, activities=0) as sandbox:
        governor = Governor(Limits(daily=3, concurrency=2))
        async with Marketo(
            sandbox.base_url, client_id=sandbox.client_id, client_secret=sandbox.client_secret, governor=governor
        ) as marketo:
            with pytest.raises(DailyQuotaExceeded) as caught:
                await marketo.leads.sync(map(lead, range(3_000)))

    assert [result.index for result in caught.value.results] == list(range(900))
    assert caught.value.index == 900
    assert len(sandbox.instance.leads) == 900


async def test_every_chunked_write_takes_more_than_one_call_takes() -> None:
    async with (
        Sandbox(leads=700, activities=0, limits=GENEROUS) as sandbox,
        client_of(sandbox) as marketo,
    ):
        ids = range(1, 651)
        writes: dict[str, tuple[ResultList[Any], int, str]] = {
            "removed": (await marketo.lists.remove(LIST, ids), 3, "removed"),
            "not members": (await marketo.lists.is_member(LIST, ids), 3, "notmemberof"),
            "added": (await marketo.lists.add(LIST, ids), 3, "added"),
            "members": (await marketo.lists.is_member(LIST, ids), 3, "memberof"),
            "moved": (await marketo.leads.update_partitions(dict.fromkeys(ids, "EMEA")), 3, "updated"),
            "requested": (await marketo.campaigns.request(CAMPAIGN, ids), 7, "requested"),
            "status": (await marketo.program_members.change_status(PROGRAM, "Attended", ids), 3, ""),
            "older": (await marketo.leads.change_program_status(PROGRAM, "Attended", ids), 3, ""),
            "member fields": (
                await marketo.program_members.sync(PROGRAM, ({"leadId": n, "webinarUrl": "u"} for n in ids)),
                3,
                "updated",
            ),
            "members gone": (await marketo.program_members.delete(PROGRAM, ids), 3, "deleted"),
            "companies": (await marketo.companies.sync({"externalCompanyId": str(n)} for n in ids), 3, "created"),
            "companies gone": (
                await marketo.companies.delete({"externalCompanyId": str(n)} for n in ids),
                3,
                "deleted",
            ),
            "merged": (await marketo.leads.merge(700, range(651, 700)), 2, "merged"),
            "deleted": (await marketo.leads.delete(ids), 3, "deleted"),
        }
        calls = sum(sandbox.stats.by_operation.values())

        for name, (results, _, status) in writes.items():
            assert {result.status for result in results} == {status} or not status, name
            assert [result.index for result in results] == list(range(len(results))), name
        assert calls == sum(expected for _, expected, _ in writes.values())
        assert sandbox.instance.leads.ids() == [700]


async def test_leads_are_merged_one_call_after_the_other() -> None:
    async with (
        Sandbox(leads=100, activities=0, limits=GENEROUS, latency=0.005) as sandbox,
        client_of(sandbox) as marketo,
    ):
        merged = await marketo.leads.merge(1, range(2, 101), merge_in_crm=False)

        assert len(merged) == 99
        assert (sandbox.stats.calls, sandbox.stats.max_in_flight) == (4, 1)
        assert sandbox.instance.leads.ids() == [1]


async def test_custom_objects_are_keyed_as_their_type_says_which_is_asked_once() -> None:
    async with (
        Sandbox(leads=1, activities=0, limits=GENEROUS) as sandbox,
        client_of(sandbox) as marketo,
    ):
        types = marketo.custom_object_types
        await types.sync("house_c", "House")
        fields = [
            NewObjectField(name=name, display_name=name, data_type="string", is_dedupe_field=name != "colour")
            for name in ("street", "door", "colour")
        ]
        await types.create_fields("house_c", fields)
        await types.approve("house_c")
        before = sandbox.stats.calls
        houses = [{"STREET": f"s{n % 200}", "door": "1", "colour": str(n)} for n in range(400)]
        made = await marketo.custom_objects.sync("house_c", houses)
        again = await marketo.custom_objects.sync("house_c", houses[:3], check=True)
        with pytest.raises(RecordRefused, match="no street or no door"):
            await marketo.custom_objects.sync("house_c", [{"street": "s"}])
        gone = await marketo.custom_objects.delete("house_c", ({"street": f"s{n}", "door": "1"} for n in range(200)))

        assert [result.status for result in made] == ["created"] * 200 + ["updated"] * 200
        assert [result.status for result in again] == ["updated"] * 3
        assert [result.status for result in gone] == ["deleted"] * 200
        assert sandbox.stats.calls - before == 1 + 2 + 1 + 1, "and no key twice in a call, which would be 1036"
        with pytest.raises(NotFound):
            await marketo.custom_objects.sync("nothing_c", [{"a": 1}])


class Person(Struct):
    email: str
    city: str | None = None


async def test_structs_are_written_as_they_are_and_stand_in_the_results(client: Client) -> None:
    people = [Person("a@x.io", "Oslo"), Person("A@x.io")]
    async with ScriptedServer() as server, client(server.origin) as marketo:
        server.default = updated
        results: ResultList[WriteRow] = await marketo.leads.sync(people)

    assert [result.record for result in results] == people
    assert [inputs(sent) for sent in server.calls] == [
        [{"email": "a@x.io", "city": "Oslo"}],
        [{"email": "A@x.io", "city": None}],
    ]


async def test_custom_activities_are_dated_and_one_without_a_zone_is_refused_by_its_index(client: Client) -> None:
    def activity(when: datetime | str) -> NewActivity:
        return NewActivity(lead_id=1, activity_date=when, activity_type_id=9, primary_attribute_value="x")

    async with ScriptedServer() as server, client(server.origin) as marketo:
        server.default = updated
        results = await marketo.activities.add([activity("2024-01-02"), activity(NOW)] * 200)
        with pytest.raises(RecordRefused, match=r"record 1: .*time zone"):
            await marketo.activities.add([activity(NOW), activity(datetime(2024, 1, 2))])  # noqa: DTZ001

    assert len(results) == 400
    assert [len(inputs(sent)) for sent in server.calls] == [300, 100]
    assert inputs(server.calls[0])[0]["activityDate"] == "2024-01-02T00:00:00Z"


@pytest.mark.looptime
async def test_a_chunk_waits_for_the_governor_like_any_call(mocked: MockedMarketo) -> None:
    mocked.script = [ok(*({"id": 1, "status": "updated"} for _ in range(300)))]
    mocked.latency = 1.0
    async with Marketo(
        "http://127.0.0.1:1", client_id="i", client_secret="s", governor=Governor(Limits(calls=4, per=20.0))
    ) as marketo:
        results = await marketo.leads.sync(islice(map(lead, range(10_000)), 2_400))

    assert len(results) == 2_400
    assert [round(sent.at - mocked.calls[0].at) for sent in mocked.calls] == [0, 0, 0, 0, 21, 21, 21, 21]


async def test_a_result_describes_its_outcome() -> None:
    settled = Result(index=0, record=1, status="skipped", settled=True)
    lost = Result(index=1, record=2, status="unknown")

    assert (settled.failed, settled.unknown, lost.failed, lost.unknown) == (False, False, True, True)
    ResultList([settled]).raise_for_failures()
    with pytest.raises(RecordsFailed, match="1 of 2 records: record 1 unknown"):
        ResultList([settled, lost]).raise_for_failures()


async def test_an_answer_without_a_date_is_no_clock(client: Client) -> None:
    odd = Answer(ok(EXISTS).body, headers={"Date": "yesterday"})
    async with ScriptedServer(hang_up, odd, done()) as server, client(server.origin) as marketo:
        (result,) = await marketo.leads.sync([lead(1)], action="createOnly")

    assert result.unknown
    assert len(server.calls) == 2


@pytest.mark.parametrize("kind", ["list", "stream"])
async def test_a_time_out_covers_the_wait_for_the_keys_of_another_write(kind: str, client: Client) -> None:
    gate = asyncio.Event()
    async with ScriptedServer() as server, client(server.origin) as marketo:
        server.default = lambda sent: after(gate, updated(sent)) if len(server.calls) == 1 else updated(sent)
        first = asyncio.ensure_future(marketo.leads.sync([lead(1)]).all())
        await server.arrivals(1)
        short = marketo.with_options(timeout=0.05).leads
        with pytest.raises(CallTimeout, match="same keys under way") as caught:
            await short.sync([lead(1)] if kind == "list" else stream_of([lead(1)])).all()
        assert caught.value.sent is False
        assert len(server.calls) == 1

        gate.set()
        assert [result.status for result in await first] == ["updated"]
        assert [result.status for result in await short.sync([lead(1)]).all()] == ["updated"]


@pytest.mark.looptime
async def test_a_time_out_is_not_extended_by_writes_of_other_keys(mocked: MockedMarketo, patient: Marketo) -> None:
    mocked.script = [ok({"id": 1, "status": "updated"})]
    async with patient as marketo:
        mocked.latency = 30.0
        first = asyncio.ensure_future(marketo.leads.sync([lead(1)]).all())
        await asyncio.sleep(1)
        mocked.latency = 0.5

        async def others() -> None:
            for number in range(2, 20):
                await marketo.leads.sync([lead(number)]).all()

        busy = asyncio.ensure_future(others())
        begun = asyncio.get_running_loop().time()
        with pytest.raises(CallTimeout, match="same keys under way"):
            await marketo.with_options(timeout=4.0).leads.sync([lead(1)]).all()
        assert asyncio.get_running_loop().time() - begun == pytest.approx(4.0, abs=0.01)
        await asyncio.gather(first, busy)
