"""Cutting records into calls: every record once, no key twice in a call, repeats in order, calls full."""

from __future__ import annotations

import json
from collections.abc import Collection, Hashable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, Raw, Struct, UnsetType, field

from marketo_async.errors import RecordRefused, RecordTooLarge
from marketo_async.operation import Plan, results
from marketo_async.request import LARGEST_BODY
from marketo_async.writes import Batches, KeyOf, WriteRow
from marketo_async.writes.chunks import Chunk, Cutter
from marketo_async.writes.keys import InFlight


def batches(records: Sequence[WriteRow] = (), *, most: int = 5, key: KeyOf | None = None) -> Batches[WriteRow]:
    def plan(rows: Raw) -> Plan[Any]:
        return results(json={"action": "createOrUpdate", "input": rows})

    return Batches(records=records, plan=plan, most=most, scope="leads", key=key or KeyOf("email"))


def sent(chunk: Chunk[WriteRow]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(bytes(chunk.encoded))
    return found


def cut(cutter: Cutter[WriteRow], records: Iterable[WriteRow]) -> list[Chunk[WriteRow]]:
    """Cut records one call after the other, each answered before the next is taken."""
    chunks: list[Chunk[WriteRow]] = []

    def take() -> None:
        chunk = cutter.take()
        assert chunk is not None
        chunks.append(chunk)
        cutter.refill()

    for index, record in enumerate(records):
        cutter.add(index, record)
        while cutter.full:
            take()
    while cutter.opened or cutter.waiting:
        cutter.refill()
        take()
    return chunks


@given(keys=st.lists(st.sampled_from("abcdefghABC"), max_size=60), most=st.integers(1, 7))
def test_every_record_goes_once_no_key_twice_in_a_call_and_repeats_in_order(keys: list[str], most: int) -> None:
    records: list[WriteRow] = [{"email": key, "n": number} for number, key in enumerate(keys)]

    chunks = cut(Cutter(batches(most=most)), records)

    rows = [row for chunk in chunks for row in sent(chunk)]
    assert sorted(row["n"] for row in rows) == list(range(len(keys)))
    for chunk in chunks:
        folded = [row["email"].casefold() for row in sent(chunk)]
        assert len(set(folded)) == len(folded) <= most
        assert chunk.keys == set(folded)
        assert [item.index for item in chunk.items] == sorted(item.index for item in chunk.items)
        assert [item.record for item in chunk.items] == sent(chunk)
    for key in {key.casefold() for key in keys}:
        numbers = [row["n"] for row in rows if row["email"].casefold() == key]
        assert numbers == sorted(numbers)


@given(gaps=st.lists(st.integers(1, 40), min_size=1, max_size=30))
def test_a_repeated_key_costs_no_call(gaps: list[int]) -> None:
    """Every tenth record repeats one of those before it, no two of them the same: the fewest calls, or one more."""
    keys = [number - gaps[number % len(gaps)] if number % 10 == 9 and number > 40 else number for number in range(400)]
    records: list[WriteRow] = [{"email": str(key)} for key in keys]

    chunks = cut(Cutter(batches(most=50)), records)

    deepest = max(keys.count(key) for key in keys)
    assert 8 <= len(chunks) <= 8 + deepest - 1


def test_a_record_waits_for_its_key_in_a_call_under_way_and_younger_ones_take_its_place() -> None:
    in_flight = InFlight()
    claim = in_flight.take("leads", ["a"])
    cutter = Cutter(batches(most=2), in_flight.of("leads"))
    for index, key in enumerate(["A", "b", "a", "c", "d"]):
        cutter.add(index, {"email": key})
        if cutter.full:
            break
    cutter.add(4, {"email": "d"})

    chunk = cutter.take()
    assert chunk is not None
    assert [row["email"] for row in sent(chunk)] == ["b", "c"]
    cutter.refill()
    promised = cutter.may_fill_up
    claim.release()
    cutter.refill()
    assert (promised, cutter.may_fill_up) == (True, False)
    assert [[row["email"] for row in sent(chunk)] for chunk in cut(cutter, [])] == [["A", "d"], ["a"]]


def test_nobody_overtakes_one_who_waits_though_the_key_has_come_free() -> None:
    in_flight = InFlight()
    claim = in_flight.take("leads", ["a"])
    cutter = Cutter(batches(most=2), in_flight.of("leads"))
    cutter.add(0, {"email": "a", "n": 0})
    claim.release()
    cutter.add(1, {"email": "a", "n": 1})

    assert [[row["n"] for row in sent(chunk)] for chunk in cut(cutter, [])] == [[0], [1]]


def test_what_others_took_meanwhile_goes_back_before_all_others() -> None:
    in_flight = InFlight()
    cutter = Cutter(batches(most=3), in_flight.of("leads"))
    for index, key in enumerate("abc"):
        cutter.add(index, {"email": key})
    claim = in_flight.take("leads", ["b"])

    assert cutter.take() is None
    assert not cutter.full
    cutter.add(3, {"email": "d"})
    chunk = cutter.take()
    assert chunk is not None
    assert [row["email"] for row in sent(chunk)] == ["a", "c", "d"]
    claim.release()
    cutter.refill()
    rest = cutter.take()
    assert rest is not None
    assert [row["email"] for row in sent(rest)] == ["b"]


@pytest.mark.parametrize("size", [1, 3_000, 30_000, 400_000, 999_900])
def test_a_call_holds_as_much_as_one_call_takes(size: int) -> None:
    """Records too large for a full call are encoded one by one, and fill it as far as they fit."""
    records: list[WriteRow] = [{"email": str(number), "x": "y" * size} for number in range(40)]

    chunks = cut(Cutter(batches(most=30)), records)

    assert [row for chunk in chunks for row in sent(chunk)] == records
    room = LARGEST_BODY - len('{"action":"createOrUpdate","input":}')
    each = len(json.dumps(records[-1], separators=(",", ":"))) + 1
    assert all(len(bytes(chunk.encoded)) <= room for chunk in chunks)
    fitting = min(30, (room - 1) // each)
    assert [len(chunk.items) for chunk in chunks[:-1]] == [fitting] * (len(chunks) - 1)


def test_small_records_after_large_ones_fill_calls_again() -> None:
    large: list[WriteRow] = [{"email": f"l{number}", "x": "y" * 300_000} for number in range(7)]
    small: list[WriteRow] = [{"email": f"s{number}"} for number in range(25)]

    chunks = cut(Cutter(batches(most=10)), [*large, *small])

    assert [len(chunk.items) for chunk in chunks] == [3, 3, 10, 10, 6]


def test_a_record_above_a_megabyte_is_refused_and_the_others_go() -> None:
    cutter = Cutter(batches(most=3))
    for index, size in enumerate([1, 1_000_000, 1]):
        cutter.add(index, {"email": str(index), "x": "y" * size})

    with pytest.raises(RecordTooLarge, match=r"record 1: it has 1,000,0\d\d bytes.*shorten") as caught:
        cutter.take()

    assert caught.value.index == 1
    cutter.refill()
    chunk = cutter.take()
    assert chunk is not None
    assert [item.index for item in chunk.items] == [0, 2]
    with pytest.raises(RecordTooLarge):
        cutter.check([{"email": "a"}, {"email": "b", "x": "y" * 1_000_000}])


def test_a_record_that_is_too_large_is_refused_when_it_comes_among_large_ones() -> None:
    cutter = Cutter(batches(most=3))
    for index in range(3):
        cutter.add(index, {"email": str(index), "x": "y" * 600_000})
    assert cutter.take() is not None
    cutter.refill()
    cutter.add(3, {"email": "3", "x": "y" * 1_000_000})
    cutter.add(4, {"email": "4"})
    assert (cutter.opened, cutter.full, cutter.waiting) == (True, True, 3)

    assert cutter.take() is not None
    with pytest.raises(RecordTooLarge, match="record 3"):
        cutter.refill()
    cutter.refill()
    chunk = cutter.take()
    assert chunk is not None
    assert [item.index for item in chunk.items] == [2, 4]
    with pytest.raises(RecordTooLarge, match="record 5"):
        cutter.add(5, {"email": "5", "x": "y" * 1_000_000})
    assert (cutter.opened, cutter.waiting) == (False, 0)


@pytest.mark.parametrize("value", [object(), float("nan"), b"x", timedelta(days=1), datetime(2026, 1, 1)])  # noqa: DTZ001 - that is the point
def test_a_record_that_can_not_be_written_is_refused_by_its_index(value: object) -> None:
    cutter = Cutter(batches(most=3))
    cutter.add(0, {"email": "0", "x": 1})

    with pytest.raises(RecordRefused, match=r"record 1: x: ") as caught:
        cutter.add(1, {"email": "1", "x": value})

    assert caught.value.index == 1
    cutter.add(2, {"email": "2", "x": 2})
    chunk = cutter.take()
    assert chunk is not None
    assert [item.index for item in chunk.items] == [0, 2]


def test_text_that_is_not_text_is_refused_by_its_index_when_the_chunk_is_written() -> None:
    cutter = Cutter(batches(most=3))
    for index, value in enumerate(["a", "\ud800", "b"]):
        cutter.add(index, {"email": str(index), "x": value})

    with pytest.raises(RecordRefused, match=r"record 1: it can't be encoded as JSON") as caught:
        cutter.take()

    assert caught.value.index == 1
    cutter.refill()
    chunk = cutter.take()
    assert chunk is not None
    assert [item.index for item in chunk.items] == [0, 2]


@pytest.mark.parametrize("record", [{}, {"email": None}, {"email": ""}, {"mail": "a"}])
def test_a_record_without_its_key_is_refused(record: WriteRow) -> None:
    with pytest.raises(RecordRefused, match=r"record 7: it has no email, by which"):
        Cutter(batches()).add(7, record)


class Person(Struct):
    email_address: str | UnsetType = field(default=UNSET, name="email")
    number: int | None = None


def test_a_key_is_read_of_dicts_and_structs_whatever_the_case() -> None:
    one, two = KeyOf("email"), KeyOf("email", "number")

    assert one({"email": "A@X.io"}) == one({"EMAIL": "a@x.io"}) == one(Person("a@x.IO")) == "a@x.io"
    assert two({"email": "A", "number": 1}) == two(Person("a", 1)) == ("a", "1")
    assert one(Person()) is two(Person("a")) is KeyOf("leadId")(Person("a")) is None
    assert two.values({"email": "A", "NUMBER": 1}) == ["A", 1]


def test_keys_are_released_once_and_listeners_are_called() -> None:
    in_flight, heard = InFlight(), list[int]()
    end = in_flight.listen(lambda: heard.append(1))
    held: Collection[Hashable] = in_flight.of("s")
    first = in_flight.take("s", ["a"])
    first.release()
    second = in_flight.take("s", ["a"])
    first.release()

    assert set(held) == {"a"}
    second.release()
    assert (set(held), heard) == (set(), [1, 1])
    in_flight.take("other", ["b"])
    end()
    assert set(in_flight.of("other")) == {"b"}, "what is held outlasts those who listen"
