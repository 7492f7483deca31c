"""`SettledReader`: a lane that takes activities once they are older than the lag, so that each is read and comes once.

There is no sweep: what is older than the lag is committed. A token of Marketo's may lie well after the last activity of
its page, up to the next one that the query asks for, and a late commit before it would be missed. So the cursor only
moves to a token that a settled activity follows; the last settled activity is delivered ahead of the cursor, and the
position remembers its GUID.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from marketo_async.changes.outbox import Move
from marketo_async.changes.position import LaneState
from marketo_async.changes.reader import LaneReader, dated
from marketo_async.changes.translation import ActivityRow, guid_of
from marketo_async.operation import Page
from marketo_async.paging import Progress
from marketo_async.retry import EMPTY_PAGES


class SettledReader(LaneReader):
    """One lane of a feed in "settled" mode."""

    async def read_head(self) -> bool:
        """Read the settled activities after the cursor, and return whether any came."""
        came, page = False, None
        while True:
            async with self.outbox.room() as place:
                horizon = self.calls.clock() - self.query.lag
                page = page or await self.head_page()
                settled = _leading(page.items, horizon)
                new = [row for row in settled if guid_of(row) not in self.state.ahead]
                follower = await self._follower(page) if len(settled) == len(page.items) else None
                if follower is not None and not _leading(follower.items, horizon):
                    follower = None
                move = _moved_to(page.token, ()) if follower is not None else await self._shortened(settled, new)
                if move is None:
                    return came
                if follower is None:
                    self.caught_up_at = self.calls.clock()
                if new:
                    newest = max(dated(row) for row in new)
                    move = _settled_at(move, newest)
                events, known = self.fresh(new, backlog=True)
                self.pass_on(place, events, known, move, caught_up=follower is None)
                self.forget_before(self.state.settled - self.query.lag)
            came = came or bool(new)
            if follower is None:
                return came
            page = follower

    async def _follower(self, page: Page[ActivityRow]) -> Page[ActivityRow] | None:
        """Return the next page that is not empty, or ``None`` at the end."""
        progress = Progress(EMPTY_PAGES, page.token)
        while page.more and page.token is not None:
            page = await self.page(page.token)
            if page.items:
                return page
            progress.check(page.token, count=0)
        return None

    async def _shortened(self, settled: Sequence[ActivityRow], new: Sequence[ActivityRow]) -> Move | None:
        """Return the move to the token before the last settled activity, or ``None`` if that can't be had now."""
        if not new:
            return lambda state: state
        last = (guid_of(settled[-1]),)
        if len(settled) == 1:
            return lambda state: replace(state, ahead=last)
        page = await self.page(self.state.cursor or "", len(settled) - 1)
        if [*map(guid_of, page.items)] != [*map(guid_of, settled[:-1])]:
            return None
        return _moved_to(page.token, last)


def _leading(rows: Sequence[ActivityRow], horizon: float) -> list[ActivityRow]:
    """Return the rows before the first one that is dated after the horizon."""
    found = []
    for row in rows:
        if dated(row) > horizon:
            break
        found.append(row)
    return found


def _moved_to(cursor: str | None, ahead: tuple[str, ...]) -> Move:
    return lambda state: replace(state, cursor=cursor, ahead=ahead)


def _settled_at(move: Move, newest: float) -> Move:
    def moved(state: LaneState) -> LaneState:
        after = move(state)
        return replace(after, settled=max(after.settled, newest))

    return moved
