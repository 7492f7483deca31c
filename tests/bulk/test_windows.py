"""Ranges cut into windows: every second once, whatever the range, and the same judged by the sandbox."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketo_async.bulk.exports.windows import windows
from marketo_async.errors import InvalidRequest

from .instances import DAY, POLL, instance

NOW = datetime(2026, 11, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MOMENTS = st.datetimes(
    datetime(2020, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    datetime(2026, 10, 30),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=-5))]),
)


@given(first=MOMENTS, second=MOMENTS)
def test_windows_are_narrow_whole_and_share_no_second(first: datetime, second: datetime) -> None:
    since, until = sorted((first, second))
    if until - since < 2 * SECOND:
        return
    found = windows("created_at", (since, until), now=NOW)
    assert all(timedelta() <= window.end_at - window.start_at <= 31 * DAY for window in found)
    assert all(after.start_at - before.end_at == SECOND for before, after in itertools.pairwise(found))
    assert since <= found[0].start_at < since + SECOND
    assert until - SECOND <= found[-1].end_at < until


@given(moments=st.lists(MOMENTS, min_size=3, max_size=3))
def test_consecutive_ranges_share_no_second_and_miss_none(moments: list[datetime]) -> None:
    since, between, until = sorted(moments)
    if between - since < 2 * SECOND or until - between < 2 * SECOND:
        return
    before, after = (windows("x", pair, now=NOW) for pair in ((since, between), (between, until)))
    assert after[0].start_at - before[-1].end_at == SECOND


@pytest.mark.parametrize(
    ("between", "message"),
    [
        ("2026-01-01", "pair of moments"),
        ((NOW - DAY,), "pair of moments"),
        ((NOW - DAY, NOW - DAY), "is empty"),
        ((NOW - DAY, NOW - 2 * DAY), "is empty"),
        ((NOW - DAY, NOW + 2 * SECOND), "is in the future"),
        ((datetime(2026, 1, 1), NOW), "time zone"),  # noqa: DTZ001 - that is the point
        (("yesterday", NOW), "ISO 8601"),
    ],
)
def test_what_is_no_range_is_refused(between: Any, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        windows("created_at", between, now=NOW)


def test_dates_and_texts_are_moments_too() -> None:
    [one] = windows("x", (date(2026, 1, 1), "2026-01-02"), now=NOW)
    assert (one.start_at.isoformat(), one.end_at.isoformat()) == (
        "2026-01-01T00:00:00+00:00",
        "2026-01-01T23:59:59+00:00",
    )


async def test_no_row_is_missing_or_doubled_at_the_seams() -> None:
    """Leads stand on the first and the last second of every window, and at both ends of the range."""
    since = datetime.now(UTC).replace(microsecond=0) - 100 * DAY
    until = since + 93 * DAY
    seams = [since + number * 31 * DAY for number in range(4)]
    moments = [seam + step * SECOND for seam in seams for step in (-1, 0, 1)]
    leads = [
        {"email": f"{number}@example.com", "createdAt": moment.strftime("%Y-%m-%dT%H:%M:%SZ")}
        for number, moment in enumerate(moments)
    ]
    async with instance(leads) as (_, marketo):
        found = [
            row["createdAt"]
            async for row in marketo.bulk.leads.export(fields=["createdAt"], created_at=(since, until), poll=POLL)
        ]
    wanted = [lead["createdAt"] for lead, moment in zip(leads, moments, strict=True) if since <= moment < until]
    assert found == wanted
