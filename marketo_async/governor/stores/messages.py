"""The messages between a worker and its store: plain values, idempotent, so that a request can be sent twice.

Every age is in seconds on the worker's own clock, so that clocks of two machines are never compared. See
``shared_limiter`` for the decision.
"""

from __future__ import annotations

from enum import IntEnum

from msgspec import Struct, field

from marketo_async.governor.limiter import Use


class LeaseRequest(Struct, frozen=True):
    """The head of a worker's queue: ``id`` names the lease, so that a repeated request can't take a second one.

    ``priority`` is the priority of the head, ``waited`` the seconds for which it has been the head, and ``oldest`` the
    seconds for which the oldest waiter of the whole queue has waited.
    """

    id: str
    priority: int
    waited: float
    oldest: float


class HeldCall(Struct, frozen=True):
    """A call under way; ``age`` is the seconds since its answer began, negative while it has not."""

    id: str
    age: float = -1.0


class EndedCall(Struct, frozen=True):
    """A call that has ended; ``age`` is the seconds since its answer began, negative if no answer has begun.

    ``counted`` says whether Marketo counted it for the day, ``sent`` whether it left the worker. ``left`` is above 0
    for an abandoned call: Marketo may still work on it for so many seconds from now.
    """

    id: str
    age: float
    counted: bool = True
    sent: bool = True
    left: float = 0.0


class WorkerReport(Struct, kw_only=True):
    """What a worker learned from Marketo, and did without the store; the latest report of each kind is enough."""

    throttled: float = -1.0
    """Marketo answered 606; a random number in [0, 1) that spreads the pause, negative for none."""
    crowded: bool = False
    """Marketo answered 615."""
    spent: bool = False
    """Marketo answered 607."""
    total: int = -1
    """The instance's own count of the day, negative if unknown."""
    ages: list[float] = []
    """The seconds since each answer that arrived while the store could not be reached."""
    used: int = 0
    """The number of calls of the day that were made while the store could not be reached."""


class StoreRequest(Struct, frozen=True, kw_only=True):
    """One request of a worker: its ended calls, its calls under way, and the head of its queue."""

    worker: str
    calls: int
    per: float
    concurrency: int
    daily: int
    lease: float
    began: float = 0.0
    """The birth of the state that the worker knows, its fencing token; 0 if it knows none."""
    sequence: int = 0
    """The number of the last reply that reached the worker."""
    heard: float = 0.0
    """The seconds since that reply, including those for which the machine slept."""
    used_today: int = 0
    """The number of calls of the day in that reply."""
    day_ends: float = 0.0
    """The end of that day in that reply; epoch seconds."""
    wanted: LeaseRequest | None = None
    leaves: bool = False
    """The worker's queue is empty: forget its head."""
    held: list[HeldCall] = []
    ended: list[EndedCall] = []
    report: WorkerReport = field(default_factory=WorkerReport)


class Ruling(IntEnum):
    """The store's answer to a `LeaseRequest`."""

    NOTED = 0
    GRANTED = 1
    WAIT = 2
    SPENT = 3
    DIFFERS = 4


class StoreReply(Struct, frozen=True, kw_only=True):
    """The ruling, the seconds after which to ask ``again``, and the use of all workers together with the limits."""

    ruling: Ruling
    again: float
    oldest: bool
    """The grant is for the waiter that has waited longest, of any priority."""
    began: float
    sequence: int
    """The number of this decision."""
    heads: int
    use: Use
    calls: int
    per: float
    concurrency: int
