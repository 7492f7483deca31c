"""Dates as Marketo writes them: every kind becomes an aware datetime. Not here: how they are sent (``request``)."""

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
else:

    class _AnyDatetime(type):
        def __instancecheck__(cls, value: object) -> bool:
            return isinstance(value, datetime)

    class Moment(metaclass=_AnyDatetime):
        """Annotates a member that `parse` decodes. Its values are plain datetimes, which anything can encode again.

        msgspec asks ``decode_hook`` only about types it does not know, and datetime itself is known to it.
        """


def parse(text: str) -> datetime:
    """Read any of Marketo's spellings: ``Z``, ``+0000``, ``Z+0000``, ``t+0000``, a blank, or no offset, which is UTC.

    Raises `ValueError` for text that is no date.
    """
    plain = _COMPACT.sub(r"\1-\2-\3T", text.strip()).replace("Z+", "+").replace("t+", "+")
    plain = _FRACTION.sub(lambda found: f".{found[1][:6]:0<6}", plain)
    moment = datetime.fromisoformat(plain)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def decode_hook(kind: type, value: object) -> object:
    """Decode what msgspec has no rule for: ``Moment``."""
    if kind is Moment and isinstance(value, str):
        return parse(value)
    raise ValueError(f"Expected `{kind.__name__}`, got `{type(value).__name__}`")


def to_datetime(when: datetime | date | str, *, name: str) -> datetime:
    """Return an aware datetime for an argument *name*; a date is its first moment in UTC.

    Raises `InvalidRequest` for text that is no ISO 8601 date, and for datetimes without an offset.
    """
    if isinstance(when, str):
        try:
            return parse(when)
        except ValueError as error:
            raise InvalidRequest(f"{name} is no date in ISO 8601: {when!r}") from error
    if not isinstance(when, date):
        raise InvalidRequest(f"{name} has {when!r}, which is not a datetime, a date or text in ISO 8601")
    if not isinstance(when, datetime):
        return datetime(when.year, when.month, when.day, tzinfo=UTC)
    if when.tzinfo is None:
        raise InvalidRequest(f"{name} has no time zone: pass an aware datetime, for instance with tzinfo=UTC")
    return when
