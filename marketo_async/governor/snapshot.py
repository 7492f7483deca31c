"""What a governor lets be seen: each attempt at a call, and its own state at one moment. Not here: how either comes."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from msgspec import Struct

from marketo_async.governor.limiter import Use
from marketo_async.governor.quota import as_utc


class CallRecord(Struct, frozen=True, kw_only=True):
    """One attempt at one call, as the ``on_call`` hook sees it. Times in seconds; nothing secret."""

    operation: str
    method: str
    path: str
    attempt: int
    waited: float
    latency: float
    status: int | None
    code: str | None
    request_id: str | None


class Snapshot(Struct, frozen=True, kw_only=True):
    """What a governor knows at one moment.

    With a store ``window_used`` to ``resets_at`` and ``refusals`` are those of all processes, as the store told them
    last; ``waiting``, ``granted`` and ``waited`` are always this process's own.
    """

    window_used: int
    window_share: int
    in_flight: int
    slot_share: int
    waiting: int
    used_today: int
    left_today: int
    resets_at: datetime
    granted: int
    refusals: int
    waited: float

    @classmethod
    def of(cls, use: Use, *, waiting: int, granted: int, waited: float) -> Self:
        """Put what is in use beside what has happened at the gate."""
        return cls(
            window_used=use.window_used,
            window_share=use.window_share,
            in_flight=use.in_flight,
            slot_share=use.slot_share,
            waiting=waiting,
            used_today=use.used_today,
            left_today=use.left_today,
            resets_at=as_utc(use.resets_at),
            granted=granted,
            refusals=use.refusals,
            waited=waited,
        )
