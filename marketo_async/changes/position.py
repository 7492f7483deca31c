"""`Position`: how far a feed is, as one JSON text of at most 8 KB; and what a changed query makes of it. Pure.

Each lane has a head, which follows its stored token, and a settled watermark: every activity dated before it has been
delivered. A scan reads one part of a range again, or for the first time in a backlog.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Self

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from marketo_async.errors import ConfigurationError

VERSION = 1
MOST_BYTES = 8192


class Scan(Struct, frozen=True, array_like=True):
    """A range of dates to read, ``start <= date < end`` in epoch seconds, and the token that it has reached."""

    number: int
    start: float
    end: float
    cursor: str | None = None


class LaneState(Struct, frozen=True, omit_defaults=True):
    """How far a lane is; moments are epoch seconds.

    ``cursor`` is the head's token, ``None`` until the head has opened at the watermark. ``backlog`` holds the scans
    that still have to end before everything before ``settled`` is delivered. ``sweep`` reads again from ``settled``.
    ``ahead`` holds the GUIDs of what is delivered and comes after the cursor. ``opened`` is where the head has opened,
    until it has caught up: from there it reads again what was delivered, although sweeps move ``settled`` meanwhile.
    """

    key: str
    settled: float
    cursor: str | None = None
    backlog: tuple[Scan, ...] = ()
    sweep: Scan | None = None
    ahead: tuple[str, ...] = ()
    opened: float | None = None

    @property
    def watermark(self) -> float:
        """The moment before which everything has been delivered."""
        return min([self.settled, *(scan.start for scan in self.backlog)])

    @property
    def head_again(self) -> float:
        """The moment from which the head may read activities again."""
        return self.settled if self.opened is None else min(self.settled, self.opened)

    @property
    def read_again(self) -> float:
        """The moment from which the head or a scan may read activities again."""
        return min(self.watermark, self.head_again)

    def with_scan(self, changed: Scan) -> Self:
        """Return the state with another state of one scan of the backlog, which may be new."""
        others = [scan for scan in self.backlog if scan.number != changed.number]
        return replace(self, backlog=tuple(sorted([*others, changed], key=lambda scan: scan.start)))

    def without_scan(self, number: int) -> Self:
        """Return the state after the end of a scan of the backlog."""
        return replace(self, backlog=tuple(scan for scan in self.backlog if scan.number != number))

    def with_one_scan(self) -> Self:
        """Return the state with one scan of all that is left of the backlog, and no sweep."""
        if not self.backlog:
            return replace(self, sweep=None)
        first, last = self.backlog[0], max(scan.end for scan in self.backlog)
        return replace(self, sweep=None, backlog=(Scan(first.number, first.start, last),))

    def reopened(self) -> Self:
        """Return the state whose head has yet to open at the watermark."""
        return replace(self, cursor=None, sweep=None, ahead=())


class Position(Struct, frozen=True, omit_defaults=True):
    """How far a feed of an ``instance`` is.

    Rows dated before ``since`` are never delivered. ``settled_only`` is the mode "settled". ``spent`` are the calls of
    the feed in the day that began at ``day``.
    """

    v: int
    instance: str
    since: float
    lanes: tuple[LaneState, ...] = ()
    settled_only: bool = False
    day: float = 0.0
    spent: int = 0

    @property
    def watermark(self) -> float:
        """The moment before which every lane has delivered everything."""
        return min((lane.watermark for lane in self.lanes), default=self.since)

    @property
    def read_again(self) -> float:
        """The moment from which any lane may read activities again."""
        return min((lane.read_again for lane in self.lanes), default=self.since)

    def lane(self, key: str) -> LaneState:
        """Return the state of a lane; one that is not in the position opens at the watermark."""
        return next((lane for lane in self.lanes if lane.key == key), LaneState(key, self.watermark))

    def of_lanes(self, keys: Iterable[str]) -> Self:
        """Return the position of a query with these lanes: those that are the same keep their state."""
        return replace(self, lanes=tuple(self.lane(key) for key in keys))

    def in_mode(self, *, settled_only: bool) -> Self:
        """Return the position of a mode; in another one, heads mean something else, so they open at the watermarks."""
        if settled_only == self.settled_only:
            return self
        return replace(self, settled_only=settled_only, lanes=tuple(lane.reopened() for lane in self.lanes))

    def with_lane(self, changed: LaneState) -> Self:
        """Return the position with another state of one lane."""
        return replace(self, lanes=tuple(changed if lane.key == changed.key else lane for lane in self.lanes))

    def text(self) -> str:
        """Return the position as text of at most 8 KB.

        Where it would be longer, it leaves out what can be read again: sweeps under way, then how far scans are, then
        the heads. Raises `ConfigurationError` if there are so many lanes that even this is not enough.
        """
        shortened: tuple[Callable[[LaneState], LaneState], ...] = (
            lambda lane: lane,
            lambda lane: replace(lane, sweep=None),
            LaneState.with_one_scan,
            lambda lane: lane.with_one_scan().reopened(),
        )
        for shorter in shortened:
            text = msgspec.json.encode(replace(self, lanes=tuple(map(shorter, self.lanes))))
            if len(text) <= MOST_BYTES:
                return text.decode()
        raise ConfigurationError(
            f"the position of {len(self.lanes)} lanes is longer than {MOST_BYTES:,} bytes; pass fewer types to one feed"
        )

    @classmethod
    def read(cls, text: str, *, instance: str) -> Self:
        """Return the position that a text holds.

        Raises `ConfigurationError` for a text that is not a position, or that is one of another instance.
        """
        try:
            found = msgspec.json.decode(text, type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ConfigurationError(
                f"{text[:40]!r} is not a position of a change feed ({error}); pass the text of batch.position"
            ) from error
        if found.v != VERSION:
            raise ConfigurationError(
                f"the position has version {found.v}, this release reads {VERSION}; use the release that wrote it, or"
                " start again with since="
            )
        if found.instance != instance:
            raise ConfigurationError(
                f"the position is one of {found.instance}, and this client is of {instance}; pass the position of this"
                " instance, or leave it out to start now"
            )
        return found
