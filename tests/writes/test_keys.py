"""Keys fold in one way everywhere, and no key is in two writes under way, whichever way they go."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Iterable
from contextlib import AbstractContextManager
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketo_async.bulk.imports import files as chunks
from marketo_async.errors import InvalidRequest
from marketo_async.sandbox.records.overlaps import Overlaps
from marketo_async.writes import InFlight, folded, together
from tests.bulk.instances import POLL, calls, instance, until

SPELLINGS = st.text("aAbBßsS ", min_size=1, max_size=3)


@given(st.lists(SPELLINGS, unique=True), st.integers(1, 9))
def test_values_that_fold_alike_share_a_list_and_none_is_lost(values: list[str], size: int) -> None:
    lists = list(together(values, size))

    assert all(1 <= len(one) <= size for one in lists)
    given_, kept = set(values), {value for one in lists for value in one}
    assert kept <= given_
    assert {value.lower() for value in kept} == {value.lower() for value in given_}
    groups: dict[Hashable, list[str]] = {}
    for value in values:
        groups.setdefault(folded(value), []).append(value)
    for key, group in groups.items():
        holding = [one for one in lists if any(folded(value) == key for value in one)]
        if len(group) <= size:
            assert len(holding) == 1
            assert set(group) <= set(holding[0])


@given(st.lists(st.integers(), unique=True), st.integers(1, 9))
def test_lists_are_as_full_as_they_can_be(values: list[int], size: int) -> None:
    assert [len(one) for one in together(values, size)] == [
        min(size, len(values) - start) for start in range(0, len(values), size)
    ]


@pytest.mark.parametrize("alike", [("A", "a"), (" a", "a "), ("STRASSE", "straße"), (1, "1")])
def test_what_may_be_one_record_folds_alike(alike: tuple[object, object]) -> None:
    assert folded(alike[0]) == folded(alike[1]) is not None


@pytest.mark.parametrize("empty", [None, "", "  "])
def test_what_is_empty_is_not_a_key(empty: object) -> None:
    assert folded(empty) is None


async def test_a_lead_comes_once_however_its_address_is_spelled() -> None:
    others = [f"new{number}@example.com" for number in range(298)]
    spellings = ["".join(letters) + "@example.com" for letters in product("aA", "bB")]
    many = [
        "".join(letters) + "@example.com" for letters in product("aA", "bB", "cC", "dD", "eE", "fF", "gG", "hH", "iI")
    ]
    async with instance([{"email": "ab@example.com"}, {"email": "abcdefghi@example.com"}]) as (sandbox, marketo):
        found = await marketo.leads.by_filter("email", [spellings[0], *others, *spellings[1:]]).all()
        assert [lead["email"] for lead in found] == ["ab@example.com"]
        assert calls(sandbox, "GET /rest/v1/leads.json") + calls(sandbox, "POST /rest/v1/leads.json") == 2
        found = await marketo.leads.by_filter("email", many).all()
        assert [lead["email"] for lead in found] == ["abcdefghi@example.com"]


async def test_a_value_with_a_comma_is_refused_and_finds_nobody_else() -> None:
    async with instance([{"email": "a@example.com", "company": "Acme"}]) as (sandbox, marketo):
        with pytest.raises(InvalidRequest, match=r"values\[1\] is 'Acme, Inc\.': Marketo splits values at commas"):
            await marketo.leads.by_filter("company", ["Initech", "Acme, Inc."]).all()
        with pytest.raises(InvalidRequest, match=r"name\[0\] is 'A, B'"):
            await marketo.lists.browse(names=["A, B"]).all()
        with pytest.raises(InvalidRequest, match=r"fields\[0\] is 'id,email'"):
            await marketo.leads.get(1, fields=["id,email"])
        assert not sandbox.stats.by_operation or set(sandbox.stats.by_operation) <= {"GET /identity/oauth/token"}


async def test_keys_are_gathered_as_they_come_free_and_given_back_once() -> None:
    registry = InFlight()
    first = registry.take("leads", ["a"])
    many = asyncio.ensure_future(registry.hold("leads", ["a", "b"]))
    other = asyncio.ensure_future(registry.hold("leads", ["b", "c"]))
    apart = await registry.hold("lists", ["a"])
    await asyncio.sleep(0)
    assert (many.done(), set(registry.of("leads"))) == (False, {"a", "b"})

    first.release()
    held = await many
    await asyncio.sleep(0)
    assert not other.done()
    held.release()
    last = await other
    assert set(registry.of("leads")) == {"b", "c"}
    last.release()
    apart.release()
    assert not registry.of("leads")


async def test_who_gives_up_waiting_gives_back_what_it_had() -> None:
    registry = InFlight()
    first = registry.take("leads", ["a"])
    waiting = asyncio.ensure_future(registry.hold("leads", ["a", "b"]))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert set(registry.of("leads")) == {"a"}
    first.release()
    (await registry.hold("leads", ["a", "b"])).release()


@pytest.mark.parametrize("second", ["load", "sync"])
async def test_no_key_is_in_a_bulk_load_and_another_write_at_once(second: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks.ImportFiles.__init__, "__kwdefaults__", {"largest": 1_000})
    rows = [{"email": f"k{number}@example.com", "leadScore": number} for number in range(60)]
    shouted = [
        {"email": f" K{number}@EXAMPLE.com" if second == "load" else f"K{number}@EXAMPLE.com"} for number in range(60)
    ]
    async with instance(0, import_seconds=0.02) as (sandbox, marketo):
        imports = sandbox.instance.imports
        arrived: list[int] = []

        def running() -> list[set[str]]:
            jobs = [one for one in imports._jobs.values() if one.finished_at is None]
            return [
                {line.split(b",")[0].strip().lower().decode() for line in one.plan.content.splitlines()[1:]}
                for one in jobs
            ]

        add, seen = imports.add, []

        def watched(plan: Any) -> Any:
            job = add(plan)
            now = running()
            seen.append(len(now))
            assert not any(a & b for number, a in enumerate(now) for b in now[number + 1 :])
            return job

        imports.add = watched  # type: ignore[method-assign]
        loading = asyncio.ensure_future(marketo.bulk.leads.load(rows, poll=POLL))
        await until(lambda: bool(imports._jobs) or loading.done())
        if second == "load":
            await marketo.bulk.leads.load(shouted, poll=POLL)
        else:
            writing = Overlaps.writing

            def compared(own: Overlaps, kind: str, keys: Iterable[Hashable]) -> AbstractContextManager[None]:
                mine = set(keys)
                assert not any(mine & others for others in running())
                arrived.append(len(mine))
                return writing(own, kind, mine)

            monkeypatch.setattr(Overlaps, "writing", compared)
            results = await marketo.leads.sync(iter(shouted)).all()
            assert not any(result.failed for result in results)
            assert sum(arrived) == 60
        report = await loading
        assert report.failures == []
    assert len(seen) > 2
