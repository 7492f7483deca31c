"""Channels and tag types of programs, which only Marketo's user interface can create."""

from __future__ import annotations

from dataclasses import dataclass

from marketo_async.sandbox.records.programs import EMAIL_STATUSES, NURTURE_STATUSES, WEBINAR_STATUSES, Status

PROGRAM_TYPES = ("default", "event", "webinar", "engagement", "email")

# Both spellings of each: from the documentation's text and from its models.
_SPELLINGS = {
    "program": "default",
    "event with webinar": "webinar",
    "nurture": "engagement",
}
_NAMES = {
    "default": "Default",
    "event": "Event",
    "webinar": "Event with Webinar",
    "engagement": "Engagement",
    "email": "Email",
}
_APPLICABLE = {"default": "program", "engagement": "nurture"}


def program_type(text: str) -> str | None:
    """Return a program type in the spelling used here, ``None`` for an unknown type."""
    lowered = text.strip().lower()
    found = _SPELLINGS.get(lowered, lowered)
    return found if found in PROGRAM_TYPES else None


def program_type_name(type: str) -> str:
    """Return a program type in the spelling of assets."""
    return _NAMES[type]


def applicable(type: str) -> str:
    """Return a program type in the spelling of channels and tags."""
    return _APPLICABLE.get(type, type)


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel: its program type, and the steps of its members."""

    id: int
    name: str
    program_type: str
    statuses: tuple[Status, ...]
    created_at: float


@dataclass(frozen=True, slots=True)
class TagType:
    """A tag type: its values, and the program types that may or must have one."""

    name: str
    values: tuple[str, ...]
    program_types: tuple[str, ...]
    required: bool = False


def seeded_channels(now: float) -> tuple[Channel, ...]:
    """Return a channel for each type of program."""
    return (
        Channel(1, "Online Advertising", "default", NURTURE_STATUSES, now),
        Channel(2, "Webinar", "event", WEBINAR_STATUSES, now),
        Channel(3, "Online Event", "webinar", WEBINAR_STATUSES, now),
        Channel(4, "Nurture", "engagement", NURTURE_STATUSES, now),
        Channel(5, "Email Send", "email", EMAIL_STATUSES, now),
    )


TAG_TYPES = (
    TagType("Business Line", ("Hardware", "Software"), ("default", "event", "engagement")),
    TagType("Region", ("AMER", "APAC", "EMEA"), PROGRAM_TYPES),
    # Only events with webinars require a tag, so that tests can create other programs simply.
    TagType("Webinar Partner", ("Contoso", "Initech"), ("webinar",), required=True),
)
