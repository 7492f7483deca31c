"""`Backlog`: reads the ranges that lie far behind, several scans at once.

One scan reads one page per round trip, whatever the limits allow. So a free worker splits the scan that has the most
left to read, as estimated from what it has read so far.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import anyio
from msgspec import Struct
from msgspec.structs import replace

from marketo_async.changes.outbox import Move
from marketo_async.changes.position import LaneState, Scan
from marketo_async.changes.reader import LaneReader, dated, reaches
from marketo_async.paging import Progress
from marketo_async.retry import EMPTY_PAGES

WORKERS = 8
_PAGE = 300  # activities
_MARGIN = 2.0  # seconds; what the first half has read is not read again by the second
_WORTH_A_SPLIT = 24  # pages; a split costs a token and, on average, half a page


class ScanRun(Struct, eq=False):
    """A scan that is being read: the newest date that it has reached, and the rows so far."""

    reader: LaneReader
    scan: Scan
    reached: float
    rows: int = 0

    @property
    def pages_left(self) -> float:
        """About how many pages it still has to read, by the rows per second of dates so far."""
        covered = self.reached - self.scan.start
        return self.rows / covered * (self.scan.end - self.reached) / _PAGE if covered > 0 else 0.0


class Backlog:
    """The scans that the lanes of a feed begin with."""

    def __init__(self, readers: Iterable[LaneReader]) -> None:
        self._waiting = deque(ScanRun(reader, scan, scan.start) for reader in readers for scan in reader.state.backlog)
        self._running: list[ScanRun] = []
        self._changed = anyio.Event()

    def __len__(self) -> int:
        return len(self._waiting) + len(self._running)

    async def drain(self) -> None:
        """Read every scan to its end."""
        async with anyio.create_task_group() as workers:
            for _ in range(WORKERS):
                workers.start_soon(self._work)

    async def _work(self) -> None:
        while self._waiting or self._running:
            run = self._waiting.popleft() if self._waiting else self._split()
            if run is None:
                await self._changed.wait()
                continue
            self._running.append(run)
            try:
                await self._read(run)
            finally:
                self._running.remove(run)
                self._announce()

    async def _read(self, run: ScanRun) -> None:
        reader = run.reader
        progress = Progress(EMPTY_PAGES)
        while True:
            page, reopened = await reader.scan_page(run.scan, reached=run.reached, backlog=True)
            if reopened:
                progress = Progress(EMPTY_PAGES)
            async with reader.outbox.room() as place:
                scan = run.scan  # a split may have given it another end meanwhile
                ends = not page.more or reaches(page.items, scan.end)
                events, known = reader.fresh(page.items, before=scan.end, scan=scan)
                run.rows += len(page.items)
                run.reached = max([run.reached, *map(dated, page.items)])
                run.scan = scan = replace(scan, cursor=page.token)
                last = ends and len(reader.state.backlog) == 1
                # What is dated a lag before the newest date was committed, and so delivered.
                left = replace(scan, start=max(scan.start, run.reached - reader.query.lag))
                move = _without(scan.number) if ends else _with(left)
                reader.pass_on(place, events, known, move, caught_up=last and reader.caught_up_at is not None)
                if last:
                    reader.end_scans()
            self._announce()
            if ends:
                return
            progress.check(page.token, count=len(page.items))

    def _split(self) -> ScanRun | None:
        """Cut the scan that has the most left in two, and return the second half."""
        run = max(self._running, key=lambda run: run.pages_left)
        scan, reader = run.scan, run.reader
        middle = float(int(run.reached + (scan.end - run.reached) / 2))
        if run.pages_left < _WORTH_A_SPLIT or middle - run.reached < reader.query.lag + _MARGIN:
            return None
        number = 1 + max(known.number for known in reader.state.backlog)
        second = Scan(number, middle, scan.end)
        run.scan = first = replace(scan, end=middle)
        reader.move(lambda state: state.with_scan(first).with_scan(second))
        return ScanRun(reader, second, middle)

    def _announce(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()


def _with(scan: Scan) -> Move:
    return lambda state: state.with_scan(scan)


def _without(number: int) -> Move:
    return lambda state: state.without_scan(number)


def behind(state: LaneState, *, lag: float, since: float, now: float, most: float) -> LaneState:
    """Return a lane's state with a scan of all that it has missed, if its watermark is more than ``most`` seconds back.

    What is older than the lag is committed, so one reading is enough; the head and the sweeps begin after it.
    """
    if now - (state.settled + lag) <= most:
        return state
    number = 1 + max((scan.number for scan in state.backlog), default=0)
    end = float(int(now - lag))
    missed = Scan(number, max(state.settled, since), end)
    return LaneState(state.key, end, backlog=(*state.backlog, missed))
