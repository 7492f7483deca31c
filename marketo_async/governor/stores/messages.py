"""What a worker asks the store of its fleet, and what it hears: plain values that survive being sent twice.

Nothing here decides (``fleet``) or travels (``stores``). Every age is seconds on the worker's own clock, so that no
clock of one machine is ever compared with that of another.
"""

from __future__ import annotations

from enum import IntEnum

from msgspec import Struct, field

from marketo_async.governor.limiter import Use


class Want(Struct, frozen=True):
    """The head of a worker's queue: ``id`` names the lease to be, so that asking again can't take a second one.

    ``priority`` is that of the waiter to go first, ``waited`` for how long it has been the head; ``oldest`` is how long
    the most patient one of the whole queue has waited.
    """

    id: str
    priority: int
    waited: float
    oldest: float


class Held(Struct, frozen=True):
    """A call under way; ``age`` is how long ago its answer began, below 0 while it has not."""

    id: str
    age: float = -1.0


class Done(Struct, frozen=True):
    """A call that has ended; ``age`` is how long ago its answer began, below 0 where no answer has begun.

    ``counted`` is whether Marketo charged the day for it, ``sent`` whether it left the worker. ``left`` is above 0
    where the answer was given up: for so many seconds from now Marketo may still work on the call.
    """

    id: str
    age: float
    counted: bool = True
    sent: bool = True
    left: float = 0.0


class News(Struct, kw_only=True):
    """What a worker has heard from Marketo, and done on its own; the last word of each kind is enough."""

    throttled: float = -1.0
    """A 606 was answered; a random number in [0, 1) that scatters the pause."""
    crowded: bool = False
    """A 615 was answered."""
    spent: bool = False
    """A 607 was answered."""
    total: int = -1
    """The instance's own count of the day."""
    ages: list[float] = []
    """Of calls that were answered while the store could not be reached: how long ago each was."""
    used: int = 0
    """How many calls of the day were made meanwhile."""


class StoreRequest(Struct, frozen=True, kw_only=True):
    """One worker's turn to speak: what has ended, what goes on, and whether somebody wants a call."""

    worker: str
    calls: int
    per: float
    concurrency: int
    daily: int
    lease: float
    began: float = 0.0
    """The birth of the state that the worker knows; 0 when it knows none."""
    sequence: int = 0
    """The number of the last reply that reached the worker."""
    heard: float = 0.0
    """How long ago that was, in seconds that include those that the machine slept."""
    used_today: int = 0
    """How many calls of the day that reply counted."""
    day_ends: float = 0.0
    """When that day ends, as the reply said it; epoch seconds."""
    want: Want | None = None
    leaves: bool = False
    """Nobody waits here any more: forget the head."""
    held: list[Held] = []
    done: list[Done] = []
    news: News = field(default_factory=News)


class Ruling(IntEnum):
    """What the store says to a want."""

    NOTED = 0
    GRANTED = 1
    WAIT = 2
    SPENT = 3
    DIFFERS = 4


class StoreReply(Struct, frozen=True, kw_only=True):
    """The verdict, when to ask ``again`` (seconds), and what is in use by the whole fleet, of which limits."""

    ruling: Ruling
    again: float
    oldest: bool
    """The grant is for whoever has waited longest, whatever the priority."""
    began: float
    sequence: int
    """How many decisions the state has seen with this one."""
    heads: int
    use: Use
    calls: int
    per: float
    concurrency: int
