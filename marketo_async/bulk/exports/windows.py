"""Ranges of time as Marketo takes them: any range becomes windows of at most 31 days that share no second. Pure.

The caller's range is half-open: ``since`` belongs to it, ``until`` does not, so that consecutive ranges neither double
nor miss a row. Marketo's own ranges include both ends, to the second: each window ends one second before the next one.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from marketo_async.errors import InvalidRequest
from marketo_async.models.bulk import DateRange
from marketo_async.models.moment import When, to_datetime

Between = tuple[When, When]

_SECOND = timedelta(seconds=1)
_WIDEST = timedelta(days=31)


def windows(name: str, between: Between, *, now: datetime) -> list[DateRange]:
    """Cut the half-open range ``between`` into windows, in order.

    Raises `InvalidRequest` for what is no range, or an empty one, and for an end that lies ahead of ``now``: what is
    yet to come would be missing in the file, and from the next one too.
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
    """Return the first whole second that is not before ``when``, in UTC, where all days are equally long."""
    moment = to_datetime(when, name=name).astimezone(UTC)
    whole = moment.replace(microsecond=0)
    return whole if whole == moment else whole + _SECOND
