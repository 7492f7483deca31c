"""The cost model: which way is the cheapest under which limits, and what the table of a plan says."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketo_async.mirror.plan import (
    CHUNK,
    DAY,
    KEPT,
    MONTH,
    TAIL,
    ActivityRate,
    CallPace,
    InstanceFacts,
    LoadBudget,
    activity_plans,
    activity_windows,
    cheapest,
    lead_ways,
    planned,
    shards_for,
    since_of,
)

NOW = 1_800_000_000.0
YEARS = NOW - 36 * MONTH
PACE = CallPace()
BUDGET = LoadBudget(calls=50_000, exported=500_000_000)


def facts_of(
    *, newest: int | None = 1_000_000, density: float = 1.0, width: float = 250.0, rows: float = 0.0, groups: int = 4
) -> InstanceFacts:
    rates = (ActivityRate(NOW - 24 * MONTH, NOW, rows),) if rows else ()
    return InstanceFacts(
        at=NOW, newest=newest, density=density, width=width, began=YEARS, rates=rates, type_groups=groups, calls=25
    )


@pytest.mark.parametrize(
    ("density", "width", "way"),
    [(1.0, 250.0, "ids"), (0.3, 700.0, "ids"), (0.1, 250.0, "bulk"), (0.1, 20_000.0, "ids")],
)
def test_leads_are_loaded_by_what_the_day_has_most_of(density: float, width: float, way: str) -> None:
    facts = facts_of(newest=round(1_000_000 / density), density=density, width=width)
    assert cheapest(lead_ways(facts, PACE), BUDGET).way == way


def test_the_figures_of_a_million_leads() -> None:
    ids, bulk = lead_ways(facts_of(), PACE)
    assert ids.calls == 3_334 + TAIL
    assert ids.exported == 0
    assert 10 * 60 < ids.seconds < 12 * 60
    assert bulk.exported == 250_000_000
    assert bulk.calls == 36 * 5 + 1


def test_without_a_newest_id_exports_are_left() -> None:
    assert [way.way for way in lead_ways(facts_of(newest=None), PACE)] == ["bulk"]


@given(
    rows=st.floats(0, 50_000_000),
    exported=st.integers(0, 10**9),
    days=st.floats(0.01, 1_000),
)
def test_activity_windows_cover_the_range_newest_first_within_the_volume(
    rows: float, exported: int, days: float
) -> None:
    facts = facts_of(rows=rows)
    since = NOW - days * DAY
    windows = activity_windows(facts, head=NOW, since=since, exported=exported)
    assert windows[0].until == NOW
    assert windows[-1].since == since
    assert all(newer.since == older.until for newer, older in pairwise(windows))
    assert all(0 < window.until - window.since <= MONTH for window in windows)
    assert windows[0].way == "paging"  # the newest can be used at once
    by_bulk = sum(round(one.rows * facts.activity_width) for one in windows if one.way == "bulk")
    assert by_bulk <= exported


def test_history_is_paged_once_the_volume_is_the_bottleneck() -> None:
    facts = facts_of(rows=24_000_000)  # a million a month, 250 MB each
    windows = activity_windows(facts, head=NOW, since=NOW - 10 * MONTH, exported=500_000_000)
    assert [window.way for window in windows] == ["paging", "bulk", "bulk", *["paging"] * 7]
    paging, bulk = activity_plans(windows, facts, PACE)
    assert (paging.way, bulk.way) == ("paging", "bulk")
    assert bulk.exported == pytest.approx(500_000_000, rel=0.01)
    assert paging.calls == pytest.approx(8_000_000 / CHUNK, rel=0.05)


def test_activities_begin_with_the_instance_or_marketos_memory() -> None:
    facts = facts_of()
    assert since_of(facts, None) == NOW - KEPT
    assert since_of(facts, NOW - DAY) == NOW - DAY
    assert since_of(InstanceFacts(at=NOW, began=NOW - DAY), None) == NOW - DAY


@given(rows=st.floats(0, 10**9), groups=st.integers(1, 20))
def test_shards_are_worth_their_openings(rows: float, groups: int) -> None:
    shards = shards_for(rows, groups)
    assert 1 <= shards <= 8
    assert shards == 1 or 2 * groups * shards * CHUNK <= rows


@pytest.mark.parametrize(
    ("calls", "seconds"), [(0, 0.0), (1, 1.0), (100, 10.0), (101, 22.0), (1_000, 199.0), (50_000, 10_489.0)]
)
def test_calls_take_windows_and_slots(calls: int, seconds: float) -> None:
    assert PACE.seconds(calls) == pytest.approx(seconds)


def test_slow_calls_are_bound_by_the_slots() -> None:
    assert CallPace(latency=10.0).seconds(1_000) == pytest.approx(1_000.0)


def test_the_plan_as_text_names_every_table_and_what_is_not_known() -> None:
    facts = facts_of(rows=100_000)
    plan = planned(["leads", "activities", "lists", "list_members", "program_members"], facts, PACE, BUDGET)
    text = plan.text()
    lines = text.splitlines()
    assert lines[0].split() == ["table", "way", "rows", "calls", "MB", "minutes", "days"]
    assert [line.split()[0] for line in lines[1:-2]] == [
        "(probes)",
        "leads",
        *["activities"] * 2,
        "lists",
        "list_members",
        "program_members",
    ]
    assert "total" in lines[-2]
    assert "at least" in lines[-1]
    assert plan.calls == 25 + sum(table.calls for table in plan.tables)
    assert plan.days == 1


def test_more_than_a_day_is_counted_in_days() -> None:
    plan = planned(["leads"], facts_of(newest=30_000_000, density=1.0), PACE, LoadBudget(calls=20_000, exported=0))
    assert plan.tables[0].way == "ids"
    assert plan.days == 6


def test_a_plan_of_known_tables_alone_has_no_footnote() -> None:
    assert "at least" not in planned(["leads"], facts_of(), PACE, BUDGET).text()
