from __future__ import annotations

import pytest

from marketo_async.changes.lanes import ACTIVITIES, CHANGES, DELETIONS, LaneQuery, lanes_of
from marketo_async.models.activities import Activity
from marketo_async.models.moment import parse


def named(types: object, fields: tuple[str, ...] = ("title",), **lags: object) -> dict[str, float]:
    return {lane.name: lane.lag for lane in lanes_of(types, fields, **{"lag": 60.0, "lags": {}, **lags})}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("types", "lanes"),
    [
        ([2], ["activities 2"]),
        ([1, 2], ["activities 1", "activities 2"]),  # busy types do not share a lane with rare ones
        ([6, 7, 10], ["activities 6,7", "activities 10"]),
        ([12, 13], ["lead changes"]),
        ([37], ["deleted leads"]),
        ([1, 13, 37], ["activities 1", "lead changes", "deleted leads"]),
        (
            [*range(21, 33), 1],
            ["activities 1", "activities 21,22,23,24,25,26,27,28,29,30", "activities 31,32"],
        ),
    ],
)
def test_types_become_few_queries(types: list[int], lanes: list[str]) -> None:
    assert [*named(types)] == lanes


def test_types_with_a_lag_of_their_own_have_a_lane_of_their_own() -> None:
    assert named([6, 7, 2, 22], lags={6: 14_400.0, 22: 30.0}) == {
        "activities 22": 30.0,
        "activities 7": 60.0,
        "activities 2": 60.0,
        "activities 6": 14_400.0,
    }
    assert named([12, 13, 37], lags={13: 90.0, 37: 5.0}) == {"lead changes": 90.0, "deleted leads": 5.0}


def test_a_lane_has_a_key_by_its_query_alone() -> None:
    def keys(types: list[int], fields: list[str], lag: float = 60.0) -> list[str]:
        return [lane.key for lane in lanes_of(types, fields, lag=lag, lags={})]

    assert keys([1, 2], []) == keys([2, 1], [], lag=90.0)
    assert keys([13], ["a", "b"]) == keys([13], ["b", "a"])
    assert len({*keys([1], []), *keys([2], []), *keys([13], ["a"]), *keys([13], ["b"]), *keys([12, 13], ["a"])}) == 5
    assert all(len(key) == 12 for key in keys([1, 2, 13, 37], ["a"]))


def test_a_query_asks_for_one_page_at_a_cursor() -> None:
    (lane,) = lanes_of([24, 25], [], lag=1.0, lags={})

    plan = lane.plan("cursor", 7)
    assert plan.query == {"activityTypeIds": (24, 25), "batchSize": 7, "nextPageToken": "cursor"}
    assert lane.operation is ACTIVITIES
    assert not lane.deletions


def test_the_listing_of_changes_has_new_leads_even_if_they_are_not_wanted() -> None:
    (lane,) = lanes_of([13], ["title"], lag=1.0, lags={})
    rows = [
        Activity(lead_id=1, activity_date=parse("2026-11-01T00:00:00Z"), activity_type_id=kind) for kind in (12, 13)
    ]

    assert lane.operation is CHANGES
    assert [row.activity_type_id for row in lane.wanted(rows)] == [13]
    both = LaneQuery("lead changes", CHANGES, {}, 1.0)
    assert both.wanted(rows) == rows


def test_the_lane_of_deletions_is_known() -> None:
    (lane,) = lanes_of([37], [], lag=1.0, lags={})

    assert lane.deletions
    assert lane.operation is DELETIONS
