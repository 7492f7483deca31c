"""`Limits`, what an instance allows, and `Priority`, which call goes first. See ``limiter`` and ``gate`` for the rules.

Marketo's limits are on
https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/marketo-integration-best-practices.
"""

from __future__ import annotations

from enum import IntEnum

from msgspec import Struct

from marketo_async.argument_kinds import positive

OLDEST_EVERY = 10  # every tenth grant goes to the waiter that has waited longest, of any priority


class Priority(IntEnum):
    """Which calls go first when calls must wait; calls of one priority keep their order of arrival."""

    INTERACTIVE = 0
    NORMAL = 1
    BULK = 2


class Limits(Struct, frozen=True):
    """What one Marketo instance allows to all its API clients together.

    The limits are ``calls`` in any rolling ``per`` seconds, ``concurrency`` at once, and ``daily`` between two
    midnights in America/Chicago. ``reserve`` calls of the day are left to other integrations. ``burst`` adds a leaky
    bucket: after a pause at most that many calls leave at once, and the rest leave one by one at ``calls / per``.
    ``None`` lets the window alone decide.
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
            raise ValueError(f"Limits: reserve is {self.reserve}; pass at least 0 and less than daily ({self.daily})")
        if self.burst is not None and not 1 <= self.burst <= self.calls:
            raise ValueError(f"Limits: burst is {self.burst}; pass a number from 1 to calls ({self.calls})")
