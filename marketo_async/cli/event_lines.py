"""The events of a feed as lines: JSON, Debezium's envelope as JSON, or a text for people. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any

import msgspec
import typer

from marketo_async.changes import (
    ActivityLogged,
    ChangeEvent,
    Gap,
    LeadChanged,
    LeadCreated,
    LeadDeleted,
    LeadsMerged,
    ListJoined,
    ListLeft,
    ProgramStatusChanged,
)

_ENCODER = msgspec.json.Encoder()
_LONGEST = 300  # letters of what an event says
_TIME = "%Y-%m-%d %H:%M:%SZ"


class LineFormat(StrEnum):
    """The formats of a line."""

    JSONL = "jsonl"
    DEBEZIUM = "debezium"
    TEXT = "text"


Encode = Callable[[Iterable[ChangeEvent]], bytes]


def encoder(format: LineFormat, *, coloured: bool = False, charset: str = "utf-8") -> Encode:
    """Return the function that makes lines of events, one each; ``coloured`` and ``charset`` are those of a text."""
    if format is LineFormat.JSONL:
        return _ENCODER.encode_lines
    if format is LineFormat.DEBEZIUM:
        return lambda events: _ENCODER.encode_lines([event.envelope() for event in events])
    return lambda events: "".join(f"{text_of(event, coloured=coloured)}\n" for event in events).encode(
        charset, "backslashreplace"
    )


def text_of(event: ChangeEvent, *, coloured: bool = False) -> str:
    """Return an event as one line for people: when, which lead, what, and the rest of what it says."""
    what, colour, said = _told(event)
    said = _plain(said)
    if len(said) > _LONGEST:
        said = f"{said[: _LONGEST - 3]}..."
    who = "" if isinstance(event, Gap) else f"lead {event.lead_id}"
    when = event.until if isinstance(event, Gap) else event.date
    late = " (late)" if not isinstance(event, Gap) and event.late else ""
    what = f"{_plain(what):<20}"
    return f"{when:{_TIME}}  {who:<13} {typer.style(what, fg=colour) if coloured else what} {said}{late}".rstrip()


def _told(event: ChangeEvent) -> tuple[str, str, str]:
    """Return what happened, the colour for it, and the rest."""
    match event:
        case LeadCreated():
            return "created", "green", _listed(event.attributes)
        case LeadChanged():
            changes = (f"{name}: {_value(change.old)} → {_value(change.new)}" for name, change in event.changes.items())
            return "changed", "yellow", ", ".join(changes)
        case LeadDeleted():
            return "deleted", "red", event.name or ""
        case LeadsMerged():
            return "merged", "magenta", f"with {', '.join(map(str, event.losers)) or 'unnamed leads'}"
        case ListJoined():
            return "joined a list", "cyan", _asset(event.list_name, event.list_id)
        case ListLeft():
            return "left a list", "cyan", _asset(event.list_name, event.list_id)
        case ProgramStatusChanged():
            moved = f"{_value(event.old_status)} → {_value(event.new_status)}"
            return "program status", "blue", f"{_asset(event.program_name, event.program_id)}: {moved}"
        case ActivityLogged():
            return event.type_name, "white", _asset(event.primary, event.primary_id)
        case Gap():
            return "gap", "red", f"{event.lane} since {event.since:{_TIME}}: {event.reason}"


def _asset(name: str | None, number: int | None) -> str:
    return " ".join(part for part in (name, None if number is None else f"({number})") if part)


def _listed(attributes: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}: {_value(value)}" for name, value in attributes.items())


def _value(value: object) -> str:
    return "-" if value is None else str(value)


def _plain(text: str) -> str:
    """Return the text without control characters: a lead's values must neither break the line nor steer a terminal."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
