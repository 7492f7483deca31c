"""Splits a range of any length into windows of at most 31 days, the most that one job selects. Pure.

The caller's range is half-open: it contains ``since`` and not ``until``, so consecutive ranges repeat and miss no row.
Marketo's ranges include both ends and have whole seconds, so each window ends one second before the next begins.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from marketo_async.errors import InvalidRequest
from marketo_async.models.bulk import DateRange
from marketo_async.models.moment import When, to_datetime

_SECOND = timedelta(seconds=1)
_WIDEST = timedelta(days=31)


def windows(name: str, between: tuple[When, When], *, now: datetime) -> list[DateRange]:
    """Split the half-open range ``between`` into windows, in order.

    Raises `InvalidRequest` if it is not a range, is empty, or ends after ``now``: rows that are created later would be
    missing from this file, and from that of the next range.
    """
    if not isinstance(between, tuple | list) or len(between) != 2:  # noqa: PLR2004 - a pair
        raise InvalidRequest(f"{name} is {between!r}: pass a pair of moments, (since, until)")
    since, until = (_whole_seconds(when, name) for when in between)
    if since >= until:
        raise InvalidRequest(f"{name}: the range [{since.isoformat()}, {until.isoformat()}) is empty: pass a later end")
    if until - _SECOND > now:
        raise InvalidRequest(
            f"{name}: {until.isoformat()} is in the future, and its rows would be missing: end the range at the present"
        )
    found = []
    while since < until:
        following = min(since + _WIDEST, until)
        found.append(DateRange(start_at=since, end_at=following - _SECOND))
        since = following
    return found


def _whole_seconds(when: When, name: str) -> datetime:
    """Return ``when`` rounded up to a whole second, in UTC, where every day has 24 hours."""
    moment = to_datetime(when, name=name).astimezone(UTC)
    whole = moment.replace(microsecond=0)
    return whole if whole == moment else whole + _SECOND
