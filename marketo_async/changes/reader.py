"""`LaneReader`: reads one lane of a feed. Its head follows the stored token; scans read ranges of dates.

What a lane promises
    Every activity that is committed at most ``lag`` after its date is delivered, whether Marketo's tokens order by date
    or by commit, across any number of restarts. The head alone misses late commits if tokens order by date. So a sweep
    reads again from the settled watermark up to its own start, and once it is acknowledged the watermark moves to its
    start minus the lag. Proof: take an activity dated d. If d is before the new watermark, it was committed before the
    sweep began, and so the sweep read it. If not, it is left to the next sweep, which begins at that watermark. The
    watermark is kept in the position, not computed from the time of a restart.

    A scan ends after the first page with an activity dated at its end or later. By date, none dated earlier follows. By
    commit, all that follow are committed after that activity, and so after the end: the scan or head that begins there
    reads them.

See ``settled`` for the mode without sweeps, ``backlog`` for scans that run side by side, ``position`` for what is kept.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence

from msgspec.structs import replace

from marketo_async.changes.calls import FeedCalls
from marketo_async.changes.events import ChangeEvent, Gap
from marketo_async.changes.lanes import LaneQuery
from marketo_async.changes.openings import Openings
from marketo_async.changes.outbox import Delivery, Move, Outbox, WindowPlace
from marketo_async.changes.pace import FeedPace, Nudge
from marketo_async.changes.position import LaneState, Scan
from marketo_async.changes.seen import Seen
from marketo_async.changes.translation import ActivityRow, Translator, guid_of
from marketo_async.errors import ApiError
from marketo_async.governor.quota import as_utc
from marketo_async.operation import Page
from marketo_async.paging import Progress
from marketo_async.retry import EMPTY_PAGES

log = logging.getLogger("marketo_async.changes")

_REFUSED = frozenset({"1001", "1003", "1013"})  # Marketo's codes for a token that it does not take
_SLOWER = (1, 2, 5)  # the pace of a lane that stays empty: every 60, 120, 300 s
OPENINGS = 3  # in a row; if the last token is refused as well, it is not the token that is wrong
_BETWEEN_NUDGES = 1.0  # seconds between two polls of a lane, however often it is nudged
DELETIONS_KEPT = 14 * 86_400.0  # seconds
_UNTIL_READ = 600.0  # seconds in which more deletions may go before the first page is read


class LaneReader:
    """One lane of a feed: what it has read, and how it reads on.

    ``state`` is how far it has read; the position in the outbox is how far the consumer has acknowledged.
    """

    def __init__(
        self,
        query: LaneQuery,
        state: LaneState,
        *,
        calls: FeedCalls,
        openings: Openings,
        outbox: Outbox,
        translator: Translator,
        pace: FeedPace,
        seen: Seen,
        nudge: Nudge,
    ) -> None:
        self.query = query
        self.state = state
        self.calls = calls
        self.openings = openings
        self.outbox = outbox
        self.pace = pace
        self.newest = -math.inf
        self.late_rows = 0
        self.late_by = 0.0
        self.caught_up_at: float | None = None
        self.next_poll = calls.clock()
        self._translator = translator
        self._seen = seen
        self._nudge = nudge
        self._gaps: list[ChangeEvent] = []
        self._gone_until = -math.inf
        self.note_what_is_gone(state.watermark)

    async def follow(self) -> None:
        """Read the head, again and again while the feed follows."""
        empty, woken = 0, False
        while True:
            nudged, began = self._nudge.event, self.calls.clock()
            came = await self.read_head()
            if not self.pace.follow:
                return
            empty = 0 if came or woken else min(empty + 1, len(_SLOWER) - 1)
            now = self.calls.clock()
            seconds = max(self.pace.poll * _SLOWER[empty], self.calls.spending.stretched(self.pace.poll, now))
            self.next_poll = now + seconds
            await self.calls.wait(seconds, until=nudged)
            woken = nudged.is_set()
            if woken:
                await self.calls.wait_until(began + _BETWEEN_NUDGES)

    async def read_head(self) -> bool:
        """Read from the head's token until Marketo has no more, and return whether activities came."""
        came = False
        progress = Progress(EMPTY_PAGES, self.state.cursor)
        while True:
            page, reopened = await self.head_page()
            if reopened:
                progress = Progress(EMPTY_PAGES)
            async with self.outbox.room() as place:
                ends = not page.more or (not self.pace.follow and reaches(page.items, self.pace.started))
                events, known = self.fresh(page.items)
                if ends:
                    self.note_caught_up()
                move = _caught_up_at(page.token) if ends else _moved_to(page.token)
                self.pass_on(place, events, known, move, caught_up=ends and not self.state.backlog)
                self.newest = max([self.newest, *map(dated, page.items)])
            came = came or bool(page.items)
            if ends:
                return came
            progress.check(page.token, count=len(page.items))

    async def sweep(self) -> None:
        """Read again from the watermark, every ``sweep`` seconds while the feed follows, else once if it is due."""
        while True:
            if self.state.sweep is None:
                due = self.state.settled + self.query.lag + self.pace.sweep
                if not self.pace.follow and due > self.calls.clock():
                    return
                await self.calls.wait_until(due)
                self.note_what_is_gone(self.state.watermark)
                start = max(self.state.settled, self.pace.since)
                scan = Scan(0, start, max(start, math.floor(self.calls.clock())))
                self.move(_swept_to(scan))
            await self._read_sweep()
            if not self.pace.follow:
                return
            stretched = self.calls.spending.stretched(self.pace.sweep, self.calls.clock())
            await self.calls.wait(stretched - self.pace.sweep)

    async def head_page(self) -> tuple[Page[ActivityRow], bool]:
        """Return the page at the head's token, and whether the head had to open: it has no token, or a refused one."""
        openings = 0
        while True:
            if self.state.cursor is None:
                openings += 1
                start = max(self.state.settled, self.pace.since)
                self.move(_opening_at(start))
                self.move(_moved_to(await self.openings.at(start, backlog=False, refused=openings > 1)))
            try:
                return await self.page(self.state.cursor or ""), openings > 0
            except ApiError as error:
                if openings == OPENINGS or not self.refused(error):
                    raise

    async def scan_page(
        self, scan: Scan, *, reached: float | None = None, backlog: bool = False
    ) -> tuple[Page[ActivityRow], bool]:
        """Return the next page of a scan, and whether the scan had to open; it opens at what it has ``reached``."""
        cursor, openings = scan.cursor, 0
        while True:
            if cursor is None:
                openings += 1
                start = scan.start if reached is None else reached
                cursor = await self.openings.at(start, backlog=backlog, refused=openings > 1)
            try:
                return await self.page(cursor, backlog=backlog), openings > 0
            except ApiError as error:
                if openings == OPENINGS or error.code not in _REFUSED:
                    raise
                log.warning("the token of a scan of %s is refused; it opens again: %s", self.query.name, error)
                cursor = None

    async def page(self, cursor: str, size: int | None = None, *, backlog: bool = False) -> Page[ActivityRow]:
        """Return the page at a token."""
        return await self.calls.send(self.query.operation, self.query.plan(cursor, size), backlog=backlog)

    def refused(self, error: ApiError) -> bool:
        """Return whether Marketo refuses the head's token; if so, the head opens again at the watermark."""
        if error.code not in _REFUSED:
            return False
        log.warning("the token of %s is refused; it opens again at its watermark: %s", self.query.name, error)
        self.move(_moved_to(None))
        self.note_what_is_gone(self.state.settled)
        return True

    def fresh(
        self, rows: Sequence[ActivityRow], *, before: float = math.inf, scan: Scan | None = None
    ) -> tuple[list[ChangeEvent], list[tuple[str, float]]]:
        """Return the events of the rows that are wanted, dated ``before`` a moment, and not delivered yet.

        Also returns their GUIDs, with the times by which a store forgets them. The rows of a ``scan`` of the backlog
        are not late.
        """
        now = self.calls.clock()
        seen_at = as_utc(now)
        events: list[ChangeEvent] = []
        known = []
        for row in self.query.wanted(rows):
            date, guid = dated(row), guid_of(row)
            if not self.pace.since <= date < before or guid in self._seen:
                continue
            known.append((guid, self._remember(guid, date, now, scan)))
            late = scan is None and date < self.newest
            if late:
                self.late_rows += 1
                self.late_by = max(self.late_by, self.newest - date)
            events.append(self._translator.event(row, seen_at=seen_at, late=late))
        return events, known

    def _remember(self, guid: str, date: float, now: float, scan: Scan | None) -> float:
        """Remember an activity for as long as it may be read again; return the time by which a store keeps it.

        A store keeps the rows of a scan until the watermark has passed: in another process, a scan whose token is
        refused begins again.
        """
        if scan is None:
            if any(date < known.end for known in self.state.backlog):  # committed late, so the scan may come to it
                self._seen.hold(guid)
            else:
                self._seen.add(guid, now)
            return now
        if date < scan.start:
            self._seen.hold(guid)
        else:
            self._seen.add_of_scan(guid)
        return now

    def pass_on(
        self,
        place: WindowPlace,
        events: Sequence[ChangeEvent],
        known: Sequence[tuple[str, float]],
        move: Move,
        *,
        caught_up: bool,
        always: bool = False,
    ) -> None:
        """Move the lane; hand the events to the consumer, or even none ``always``."""
        events, self._gaps = [*self._gaps, *events], []
        if not events and not always:
            self.move(move)
            return
        self.state = move(self.state)
        moves = [(self.query.key, move)]
        self.outbox.deliver(place, Delivery(self.query.name, events, moves, caught_up, known))

    def move(self, move: Move) -> None:
        """Move the lane without events."""
        self.state = move(self.state)
        self.outbox.move(self.query.key, move)

    def note_caught_up(self) -> None:
        """Note that the head has read all that Marketo has."""
        self.caught_up_at = self.calls.clock()

    def forget(self) -> None:
        """Forget the GUIDs of activities that are not read again, once the head has caught up in this process."""
        if self.caught_up_at is not None:
            self._seen.forget_before(min(self.state.head_again, self.caught_up_at))

    def end_scans(self) -> None:
        """Note that the last scan of the backlog has ended."""
        self._seen.end_scans(self.calls.clock())

    def note_what_is_gone(self, since: float) -> None:
        """Note a gap if deletions from ``since`` on are still to be read that Marketo no longer has."""
        now = self.calls.clock()
        since, kept = max(since, self.pace.since, self._gone_until), now - DELETIONS_KEPT
        if self.query.deletions and since < kept:
            self._gone_until = kept + _UNTIL_READ
            self._gaps.append(
                Gap(
                    lane=self.query.name,
                    since=as_utc(since),
                    until=as_utc(self._gone_until),
                    reason="Marketo keeps deletions for 14 days",
                    seen_at=as_utc(now),
                    instance=self._translator.instance,
                )
            )

    async def _read_sweep(self) -> None:
        progress = Progress(EMPTY_PAGES)
        while (scan := self.state.sweep) is not None:
            page, reopened = await self.scan_page(scan)
            if reopened:
                progress = Progress(EMPTY_PAGES)
            async with self.outbox.room() as place:
                ends = not page.more or reaches(page.items, scan.end)
                events, known = self.fresh(page.items, before=scan.end)
                settled = max(self.state.settled, scan.end - self.query.lag)
                move = _swept(settled) if ends else _swept_to(replace(scan, cursor=page.token))
                # The end of a sweep is always a batch: its position is worth keeping, even if nothing came.
                self.pass_on(place, events, known, move, caught_up=ends and not self.state.backlog, always=ends)
            if ends:
                self.forget()
                return
            progress.check(page.token, count=len(page.items))


def dated(row: ActivityRow) -> float:
    """Return the date of an activity in epoch seconds."""
    return row.activity_date.timestamp()


def reaches(rows: Sequence[ActivityRow], end: float) -> bool:
    """Return whether any row is dated at ``end`` or later."""
    return any(dated(row) >= end for row in rows)


def _moved_to(cursor: str | None) -> Move:
    return lambda state: replace(state, cursor=cursor)


def _opening_at(start: float) -> Move:
    def opening(state: LaneState) -> LaneState:
        return replace(state, opened=start if state.opened is None else min(state.opened, start))

    return opening


def _caught_up_at(cursor: str | None) -> Move:
    return lambda state: replace(state, cursor=cursor, opened=None)


def _swept_to(scan: Scan) -> Move:
    return lambda state: replace(state, sweep=scan)


def _swept(settled: float) -> Move:
    return lambda state: replace(state, sweep=None, settled=settled)
