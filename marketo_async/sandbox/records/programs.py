"""Programs, their members and statuses, forms, smart campaigns and partitions: as few as the lead operations need."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Membership:
    """A lead's place in a program."""

    status: str
    member_since: float
    updated_at: float
    reached_success: bool = False
    acquired_by: bool = False
    is_exhausted: bool = False


@dataclass(frozen=True, slots=True)
class Status:
    """A step of a channel; members only ever move to higher steps."""

    name: str
    step: int
    success: bool = False


@dataclass(slots=True)
class Program:
    """A program with the statuses of its channel, in order."""

    id: int
    name: str
    type: str
    channel: str
    statuses: tuple[Status, ...]
    members: dict[int, Membership] = field(default_factory=dict)
    stream: str | None = None
    cadence: str | None = None

    def status(self, name: str) -> Status | None:
        """Return a status by its name, whatever the case."""
        return next((status for status in self.statuses if status.name.casefold() == name.casefold()), None)


@dataclass(slots=True)
class SmartCampaign:
    """A smart campaign with the leads that have been through it, and when."""

    id: int
    name: str
    created_at: float
    members: dict[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Form:
    """A form: the fields that it has, and the program that it lives in."""

    id: int
    name: str
    fields: frozenset[str]
    program_id: int


@dataclass(frozen=True, slots=True)
class Partition:
    """A lead partition."""

    id: int
    name: str
    description: str


PARTITIONS = (
    Partition(1, "Default", "Initial system lead partition"),
    Partition(2, "EMEA", "Europe, Middle East and Africa"),
)


def seeded_programs(lead_ids: Iterable[int], now: float) -> list[Program]:
    """Return two programs; the first has every given lead as a member."""
    webinar = Program(
        2001,
        "Spring Webinar",
        "event",
        "Webinar",
        (
            Status("Invited", 10),
            Status("Registered", 20),
            Status("No Show", 30),
            Status("Attended", 40, success=True),
        ),
    )
    nurture = Program(
        2002,
        "Welcome Nurture",
        "engagement",
        "Nurture",
        (Status("Member", 10), Status("Engaged", 20, success=True)),
        stream="Early Stage",
        cadence="norm",
    )
    for lead_id in lead_ids:
        status = webinar.statuses[lead_id % len(webinar.statuses)]
        webinar.members[lead_id] = Membership(status.name, now, now, status.success)
    return [webinar, nurture]
