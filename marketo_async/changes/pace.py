"""When a feed reads: its pace, and the nudge that wakes its lanes."""

from __future__ import annotations

import anyio
from msgspec import Struct


class Nudge:
    """Wakes every lane that waits for its next poll."""

    def __init__(self) -> None:
        self.event = anyio.Event()

    def __call__(self) -> None:
        """Wake them."""
        self.event.set()
        self.event = anyio.Event()


class FeedPace(Struct, frozen=True):
    """When a feed polls and sweeps, in seconds, and when it ends.

    ``since`` and ``started`` are epoch seconds: activities dated before ``since`` are not delivered, and a feed that
    does not ``follow`` ends with those dated before ``started``.
    """

    poll: float
    sweep: float
    follow: bool
    since: float
    started: float
