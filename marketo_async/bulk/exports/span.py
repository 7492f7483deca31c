"""`OpenRange`: the range of an export, as the caller wrote it and as the first run resolved it. Pure.

A range may have an end that moves: now, a time ago, the beginning of the instance. The state of the export keeps what
the first run made of it, so that the same call resumes the same jobs. See ``beginning`` for that of an instance.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec import Struct

from marketo_async.errors import InvalidRequest
from marketo_async.models.moment import When, to_datetime

Between = tuple[When | timedelta | None, When | timedelta | None]
"""``(since, until)``: ``None`` is the beginning of the instance, or now; a timedelta is a time before now."""

LONG = timedelta(days=3 * 31)
"""A longer range costs more jobs than the probe for the beginning costs calls."""


class OpenRange(Struct, frozen=True):
    """The half-open range from ``since`` to ``until``; ``asked`` is the text of the caller's.

    ``began`` is the beginning of the instance, if it was asked for.
    """

    asked: str
    since: datetime
    until: datetime
    began: datetime | None = None


def asked(name: str, between: Between) -> str:
    """Return a range as text; raises `InvalidRequest` if it is not a pair."""
    if not isinstance(between, tuple | list) or len(between) != 2:  # noqa: PLR2004 - a pair
        raise InvalidRequest(f"{name} is {between!r}: pass a pair of moments, (since, until)")
    since, until = between
    return f"{name} {_text(name, since, 'the beginning')}/{_text(name, until, 'now')}"


def needs_beginning(name: str, between: Between, now: datetime) -> bool:
    """Return whether the beginning of the instance decides where a range starts, or may save jobs."""
    since, until = between
    return since is None or _moment(name, until, now) - _moment(name, since, now) > LONG


def resolved(name: str, between: Between, now: datetime, began: datetime | None) -> OpenRange:
    """Return a range whose ends do not move; it starts no earlier than the instance, but keeps its last second.

    Raises `InvalidRequest` where only the beginning could say the start, and that is not known.
    """
    since, until = between
    end = _moment(name, until, now)
    if since is None and began is None:
        raise InvalidRequest(
            f"{name}: the beginning of the instance is not known, as no lead or folder shows it; pass since"
        )
    start = began if since is None else _moment(name, since, now)
    assert start is not None  # noqa: S101 - refused above
    if began is not None and start < end:
        start = max(start, min(began, end - timedelta(seconds=1)))
    return OpenRange(asked(name, between), start, end, began)


def _moment(name: str, end: When | timedelta | None, now: datetime) -> datetime:
    if end is None or isinstance(end, timedelta):
        return (now - (end or timedelta())).replace(microsecond=0)
    return to_datetime(end, name=name).astimezone(UTC)


def _text(name: str, end: When | timedelta | None, missing: str) -> str:
    if end is None:
        return missing
    if isinstance(end, timedelta):
        return f"{end.total_seconds():g} s ago"
    return to_datetime(end, name=name).astimezone(UTC).isoformat()
