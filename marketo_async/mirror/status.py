"""What a mirror says of itself: `MirrorStatus`, what it holds, and `MirrorProgress`, what a run has done so far."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from marketo_async.mirror.state import MirrorState


class MirrorStatus(Struct, frozen=True, kw_only=True):
    """What a mirror holds: its instance, its target, the rows of each table, and its state.

    ``settled`` is the moment (epoch seconds) before which it has everything, ``None`` where it holds nothing yet.
    """

    instance: str
    target: str
    rows: Mapping[str, int]
    settled: float | None
    state: MirrorState


class MirrorProgress(Struct, frozen=True, kw_only=True):
    """What a run has done so far.

    ``rows`` it has written, by table. ``expected`` is how many leads and activities there are, about, during a first
    load; ``done`` is how many of them are loaded. ``bytes_left`` is how many bytes the exports of today may still have.
    ``behind`` is how many seconds ago the feed had everything, ``None`` until it first has. ``held_back`` says what it
    waits for, if anything.
    """

    rows: Mapping[str, int]
    expected: int | None
    bytes_left: int | None
    behind: float | None
    held_back: str

    @property
    def done(self) -> int:
        """The number of leads and activities that it has written."""
        return sum(count for name, count in self.rows.items() if name == "leads" or name.startswith("activity_"))
