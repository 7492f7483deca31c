"""Moments and durations as texts of the command line: 10m, 2h and 7d count back from now; days begin at 0:00 UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from marketo_async.errors import InvalidRequest
from marketo_async.models.moment import to_datetime

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DAYS = {"today": 0, "yesterday": 1}
_DURATION = re.compile(r"([0-9]{1,7})([smhdw])")


def duration(option: str, text: str) -> timedelta:
    """Return the duration that a text such as 30s, 10m, 2h, 7d or 1w names.

    Raises `InvalidRequest`, which names ``option``.
    """
    found = _duration(text)
    if found is None:
        raise InvalidRequest(f"{option} takes a duration such as 30s, 10m, 2h, 7d or 1w, not {text!r}")
    return found


def moment_or_ago(option: str, text: str, *, now: datetime) -> datetime:
    """Return the moment that a text names: a date, a time, or how long before ``now`` it is.

    Raises `InvalidRequest`, which names ``option``.
    """
    ago = _duration(text)
    if (days := _DAYS.get(text.strip().lower())) is not None:
        return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days)
    try:
        return to_datetime(text, name=option) if ago is None else now - ago
    except (ValueError, OverflowError):
        raise InvalidRequest(
            f"{option} takes how long ago, such as 10m, 2h, 7d or yesterday, or a date or time such as 2026-03-01 or"
            f" 2026-03-01T08:00Z, not {text!r}"
        ) from None


def moving(option: str, text: str, *, now: datetime) -> datetime | timedelta:
    """Return the moment that a text names, or the time before now that it names.

    An export keeps what the first run made of a time before now, so that a later run can resume it. Raises
    `InvalidRequest`, which names ``option``.
    """
    ago = _duration(text)
    return moment_or_ago(option, text, now=now) if ago is None else ago


def _duration(text: str) -> timedelta | None:
    found = _DURATION.fullmatch(text.strip())
    return timedelta(seconds=int(found[1]) * _SECONDS[found[2]]) if found else None
