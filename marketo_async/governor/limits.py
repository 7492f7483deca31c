"""What an instance allows, and who goes first: the governor's two settings. Not here: how they are kept."""

from __future__ import annotations

from enum import IntEnum

from msgspec import Struct

from marketo_async.argument_kinds import positive

OLDEST_EVERY = 10  # of so many grants one is for whoever has waited longest, whatever the priority


class Priority(IntEnum):
    """Who goes first when calls must wait; calls of one priority keep their order of arrival."""

    INTERACTIVE = 0
    NORMAL = 1
    BULK = 2


class Limits(Struct, frozen=True):
    """What one Marketo instance allows to everything that talks to it.

    ``calls`` in any rolling ``per`` seconds, ``concurrency`` at once, ``daily`` between two midnights in
    America/Chicago. ``reserve`` calls of the day are left to others. ``burst`` smooths: after a pause at most that
    many calls leave at once, the rest one by one at ``calls / per``; ``None`` lets the window alone decide.
    """

    calls: int = 100
    per: float = 20.0
    concurrency: int = 10
    daily: int = 50_000
    reserve: int = 0
    burst: int | None = None

    def __post_init__(self) -> None:
        for name in ("calls", "concurrency", "daily"):
            positive(f"Limits: {name}", getattr(self, name), whole=True)
        positive("Limits: per", self.per)
        if not 0 <= self.reserve < self.daily:
            raise ValueError(f"Limits: reserve is at least 0 and below daily ({self.daily}), not {self.reserve}")
        if self.burst is not None and not 1 <= self.burst <= self.calls:
            raise ValueError(f"Limits: burst is between 1 and calls ({self.calls}), not {self.burst}")
