"""Dates as Marketo writes them: every spelling becomes an aware datetime. See ``request`` for how they are sent."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from marketo_async.errors import InvalidRequest

When = datetime | date | str  # a moment as a caller may give it

_COMPACT = re.compile(r"^(\d{4})(\d{2})(\d{2})T")  # user service: 20200731T20:49:54.0t+0000
_FRACTION = re.compile(r"\.(\d+)")


if TYPE_CHECKING:
    Moment = datetime
    GivenMoment = datetime | str
else:
    GivenMoment = str  # JSON carries both as text, and msgspec reads no union of the two

    class _AnyDatetime(type):
        def __instancecheck__(cls, value: object) -> bool:
            return isinstance(value, datetime)

    class Moment(metaclass=_AnyDatetime):
        """Annotates a member that `parse` decodes. Its values are plain datetimes, which any encoder can write.

        msgspec calls ``decode_hook`` only for types that it does not know, and it knows datetime.
        """


def parse(text: str) -> datetime:
    """Read any of Marketo's spellings: ``Z``, ``+0000``, ``Z+0000``, ``t+0000``, a blank, or no offset, which is UTC.

    Raises `ValueError` for text that is not a date.
    """
    plain = _COMPACT.sub(r"\1-\2-\3T", text.strip()).replace("Z+", "+").replace("t+", "+")
    plain = _FRACTION.sub(lambda found: f".{found[1][:6]:0<6}", plain)
    moment = datetime.fromisoformat(plain)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def decode_hook(kind: type, value: object) -> object:
    """Decode the one type that msgspec has no rule for: ``Moment``."""
    if kind is Moment and isinstance(value, str):
        return parse(value)
    raise ValueError(f"Expected `{kind.__name__}`, got `{type(value).__name__}`")


def to_datetime(when: datetime | date | str, *, name: str) -> datetime:
    """Return an aware datetime for an argument ``name``; a date becomes its first moment in UTC.

    Raises `InvalidRequest` for text that is not an ISO 8601 date, and for datetimes without an offset.
    """
    if isinstance(when, str):
        try:
            return parse(when)
        except ValueError as error:
            raise InvalidRequest(
                f"{name} is {when!r}, which is not an ISO 8601 date; pass one like '2026-01-31'"
            ) from error
    if not isinstance(when, date):
        raise InvalidRequest(f"{name} is {when!r}; pass a datetime, a date or ISO 8601 text")
    if not isinstance(when, datetime):
        return datetime(when.year, when.month, when.day, tzinfo=UTC)
    if when.tzinfo is None:
        raise InvalidRequest(f"{name} has no time zone; pass an aware datetime, for instance with tzinfo=UTC")
    return when
