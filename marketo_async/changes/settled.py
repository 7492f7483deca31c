"""`SettledReader`: a lane that takes activities once they are older than the lag, so that each is read and comes once.

It needs no sweep: an activity that is older than the lag is committed. A token of Marketo's may lie well after the last
activity of its page, up to the next one that the query asks for, and a late commit before it would be missed. So the
cursor only moves to a token that a settled activity follows. The last settled activity is delivered ahead of the
cursor, and the position remembers its GUID.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec.structs import replace

from marketo_async.changes.outbox import Move
from marketo_async.changes.position import LaneState, Scan
from marketo_async.changes.reader import OPENINGS, LaneReader, dated
from marketo_async.changes.translation import ActivityRow, guid_of
from marketo_async.errors import ApiError
from marketo_async.operation import Page
from marketo_async.paging import Progress
from marketo_async.retry import EMPTY_PAGES

_SECOND = 1.0  # Marketo's dates are cut to seconds: an activity may be almost one second younger than its date


class SettledReader(LaneReader):
    """One lane of a feed in "settled" mode."""

    _noted = -math.inf
    _at_the_end = False

    async def read_head(self) -> bool:
        """Read the settled activities after the cursor, and return whether any came."""
        self.note_what_is_gone(self.state.watermark)
        for _ in range(OPENINGS):
            try:
                return await self._read_settled()
            except ApiError as error:  # of a page beside the head's, or of a head that has opened too often
                if not self.refused(error):
                    raise
        return await self._read_settled()

    async def _read_settled(self) -> bool:
        came = False
        page, _ = await self.head_page()
        while True:
            now = self.calls.clock() if self.pace.follow else self.pace.started
            horizon = now - self.query.lag
            settled = _leading(page.items, horizon)
            follower = await self._follower(page) if len(settled) == len(page.items) else None
            if follower is not None and not _leading(follower.items, horizon):
                follower = None
            ahead = self.state.ahead
            new = [row for row in settled if guid_of(row) not in ahead]
            came = came or any(guid_of(row) not in ahead for row in page.items)
            taken: list[ActivityRow] = new
            move: Move = _unmoved
            if follower is not None:
                passed = {*map(guid_of, page.items)}
                move = _moved_to(page.token, tuple(guid for guid in ahead if guid not in passed))
            elif new:
                taken, move = await self._up_to_the_last(settled, new)
            ends = follower is None and len(taken) == len(new)
            async with self.outbox.room() as place:
                if ends:
                    self.note_caught_up()
                newest = max([self.newest, *map(dated, taken)])
                # By commit, an activity that is not read yet may be dated a lag before those that are.
                move = _settled_at(move, (horizon if ends else newest) - self.query.lag)
                self._at_the_end = ends
                events, known = self.fresh(taken)
                self.newest = newest
                self.pass_on(place, events, known, move, caught_up=ends, always=ends and self._is_worth_noting())
                self._seen.forget_before(self.state.settled - self.query.lag)
            if ends or not (follower or taken):
                return came
            page = follower or (await self.head_page())[0]

    def _remember(self, guid: str, date: float, now: float, scan: Scan | None) -> float:
        if scan is not None:
            return super()._remember(guid, date, now, scan)
        # A head that opens again reads what was committed a lag before the newest date, or later. At the end of the
        # listing that may be what was delivered just now; in a backlog, rows committed long after their date are rare.
        kept = now if self._at_the_end else max(date, self.newest)
        self._seen.add(guid, kept)
        self._seen.add_of_scan(guid)
        return kept

    async def _follower(self, page: Page[ActivityRow]) -> Page[ActivityRow] | None:
        """Return the next page that is not empty, or ``None`` at the end."""
        progress = Progress(EMPTY_PAGES, page.token)
        while page.more and page.token is not None:
            page = await self.page(page.token)
            if page.items:
                return page
            if page.more:
                progress.check(page.token, count=0)
        return None

    async def _up_to_the_last(
        self, settled: Sequence[ActivityRow], new: list[ActivityRow]
    ) -> tuple[list[ActivityRow], Move]:
        """Return the new activities that can be delivered now, and the move to the token before the last of them.

        The page before the last settled activity is requested for its token; it may be shorter than asked for.
        """
        before = 0
        move: Move = _unmoved
        if len(settled) > 1:
            page = await self.page(self.state.cursor or "", len(settled) - 1)
            before = len(page.items)
            if [*map(guid_of, page.items)] != [*map(guid_of, settled[:before])]:
                return [], _unmoved
            if before:
                move = _moved_to(page.token, ())
        last = settled[before]
        delivered = {*map(guid_of, settled[: before + 1])}
        return [row for row in new if guid_of(row) in delivered], _ahead(move, guid_of(last))

    def _is_worth_noting(self) -> bool:
        """Return whether the position has not been handed out for a while, so that a batch without events does it."""
        now = self.calls.clock()
        if now < self._noted + self.pace.sweep:
            return False
        self._noted = now
        return True


def _leading(rows: Sequence[ActivityRow], horizon: float) -> list[ActivityRow]:
    """Return the rows before the first one that is dated after the horizon."""
    found = []
    for row in rows:
        if dated(row) + _SECOND > horizon:
            break
        found.append(row)
    return found


def _unmoved(state: LaneState) -> LaneState:
    return state


def _moved_to(cursor: str | None, ahead: tuple[str, ...]) -> Move:
    return lambda state: replace(state, cursor=cursor, ahead=ahead)


def _ahead(move: Move, guid: str) -> Move:
    return lambda state: replace(move(state), ahead=(guid,))


def _settled_at(move: Move, moment: float) -> Move:
    def moved(state: LaneState) -> LaneState:
        after = move(state)
        # Without sweeps, the head alone moves the watermark, so it reads nothing again that comes before it.
        return replace(after, settled=max(after.settled, moment), opened=None)

    return moved
