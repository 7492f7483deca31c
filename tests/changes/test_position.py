from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketo_async.changes.position import MOST_BYTES, LaneState, Position, Scan
from marketo_async.errors import ConfigurationError

NAME = "123-abc-456"
scans = st.builds(
    Scan,
    number=st.integers(1, 50),
    start=st.floats(0, 2e9),
    end=st.floats(2e9, 3e9),
    cursor=st.none() | st.text("abcXYZ=:0", max_size=300),
)
lanes = st.lists(
    st.builds(
        LaneState,
        key=st.uuids().map(lambda number: number.hex[:12]),
        settled=st.floats(0, 2e9),
        cursor=st.none() | st.text("abcXYZ=:0", max_size=300),
        backlog=st.lists(scans, max_size=9).map(lambda found: tuple(sorted(found, key=lambda scan: scan.start))),
        sweep=st.none() | scans,
        ahead=st.sampled_from([(), ("b7c1d6f0-6d0d-4d07-8d12-a11ecafe0001",)]),
    ),
    max_size=60,
    unique_by=lambda lane: lane.key,
)
positions = st.builds(
    Position,
    v=st.just(1),
    instance=st.just(NAME),
    since=st.just(0.0),
    lanes=lanes.map(tuple),
    settled_only=st.booleans(),
    day=st.just(1e9),
    spent=st.integers(0, 50_000),
)


@given(positions)
def test_a_position_is_at_most_8_kb_and_never_claims_more_than_it_knows(position: Position) -> None:
    text = position.text()
    found = Position.read(text, instance=NAME)

    assert len(text.encode()) <= MOST_BYTES
    assert found.text() == text
    assert (found.since, found.day, found.spent) == (position.since, position.day, position.spent)
    assert len(found.lanes) == len(position.lanes)
    for was, kept in zip(position.lanes, found.lanes, strict=True):
        assert (kept.key, kept.settled, kept.watermark) == (was.key, was.settled, was.watermark)
        assert kept.cursor in (was.cursor, None)
        assert kept.sweep in (was.sweep, None)
        assert max((scan.end for scan in kept.backlog), default=0) == max((scan.end for scan in was.backlog), default=0)


def test_a_short_position_is_kept_whole() -> None:
    lane = LaneState("key", 5.0, "cursor", (Scan(1, 1.0, 4.0, "c"),), Scan(0, 3.0, 9.0, "s"), ("guid",))
    position = Position(1, NAME, 0.0, (lane,), settled_only=True)

    assert Position.read(position.text(), instance=NAME) == position


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is not a position"),
        ("yesterday", "'yesterday' is not a position"),
        ("[1]", "is not a position"),
        ('{"v":1}', "is not a position"),
        (json.dumps({"v": 2, "instance": NAME, "since": 0}), "has version 2, this release reads 1"),
        (json.dumps({"v": 1, "instance": "999-ZZZ-999", "since": 0}), "one of 999-ZZZ-999, and this client is of 123"),
    ],
)
def test_what_is_not_a_position_of_this_instance_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Position.read(text, instance=NAME)


def test_too_many_lanes_for_a_position_are_refused() -> None:
    many = tuple(LaneState(f"{number:012x}", 1.7e9) for number in range(500))

    with pytest.raises(ConfigurationError, match="500 lanes is longer than 8,192 bytes; pass fewer types"):
        Position(1, NAME, 0.0, many).text()


def test_a_changed_query_keeps_the_lanes_that_are_the_same_and_opens_the_others_at_the_watermark() -> None:
    a = LaneState("a", 50.0, "token-a")
    b = LaneState("b", 60.0, "token-b", (Scan(1, 20.0, 30.0), Scan(2, 30.0, 60.0)))

    changed = Position(1, NAME, 0.0, (a, b)).of_lanes(["c", "a"])

    assert changed.lanes == (LaneState("c", 20.0), a)
    assert Position(1, NAME, 7.0).lane("x") == LaneState("x", 7.0)


def test_heads_mean_something_else_in_another_mode_so_they_open_at_their_watermarks() -> None:
    scans = (Scan(1, 20.0, 50.0, "c"),)
    live = Position(1, NAME, 0.0, (LaneState("a", 50.0, "token", scans, Scan(0, 50.0, 99.0)),))

    assert live.in_mode(settled_only=False) is live
    settled = live.in_mode(settled_only=True)
    assert settled.settled_only
    assert settled.lanes == (LaneState("a", 50.0, None, scans),)


def test_the_watermark_is_the_oldest_of_all_scans_and_lanes() -> None:
    lane = LaneState("a", 50.0).with_scan(Scan(2, 30.0, 50.0)).with_scan(Scan(1, 10.0, 30.0))

    assert [scan.number for scan in lane.backlog] == [1, 2]
    assert lane.watermark == 10.0
    assert lane.without_scan(1).watermark == 30.0
    assert lane.without_scan(1).without_scan(2).watermark == 50.0
    assert lane.with_scan(Scan(2, 30.0, 40.0, "x")).backlog[1] == Scan(2, 30.0, 40.0, "x")
