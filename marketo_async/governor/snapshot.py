"""What a governor reports: each attempt at a call, and its own state at one moment."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from msgspec import Struct

from marketo_async.governor.limiter import Use
from marketo_async.governor.quota import as_utc


class CallRecord(Struct, frozen=True, kw_only=True):
    """One attempt at one call, as the ``on_call`` hook receives it. Times are in seconds; it holds no secrets."""

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

    With a store, ``window_used`` to ``resets_at`` and ``refusals`` cover all processes, as of the store's last reply.
    ``waiting``, ``granted`` and ``waited`` are always those of this process.
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
        """Combine the limits in use with the gate's counts."""
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
