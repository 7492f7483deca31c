"""`LocalGrants`: calls that a process grants without a store: its limiter, its calls under way, its abandoned calls.

Ends of calls
    A permit belongs to the event loop in which it was granted. If that loop ends while the call is under way, no task
    can read its answer, although Marketo may still work on it. Its place and its slot then stay taken for the permit's
    ``bound``, like those of an abandoned call, and later reports about the permit are ignored. The window stays exact:
    for a call without an answer, that moment counts as the beginning of the answer (see ``window``), and Marketo can't
    count the call later.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from heapq import heappop, heappush
from math import inf

from marketo_async.governor.limiter import Limiter, Use
from marketo_async.governor.limits import Limits
from marketo_async.governor.permit import Permit


class LocalPermit(Permit):
    """A permit that this process granted without a store."""

    __slots__ = ("_grants", "granted_at", "stamped")

    def __init__(self, grants: LocalGrants, granted_at: float) -> None:
        super().__init__(0.0)
        self._grants = grants
        self.granted_at = granted_at
        self.stamped = False  # in the limiter; `LocalGrants` ignores reports about a permit whose loop has ended

    def _stamp(self) -> None:
        self._grants.answered(self)

    def _free(self, *, counted: bool) -> None:
        self._grants.released(self, counted=counted)

    def _undo(self) -> None:
        self._grants.unsent(self)

    def _leave(self, seconds: float) -> None:
        self._grants.abandoned(self, seconds)


class LocalGrants:
    """What this process has granted without a store: its limiter, its calls under way, and its abandoned calls.

    Readings of the clock never go back, even if the next event loop counts from another beginning.
    """

    def __init__(
        self, limits: Limits, clock: Callable[[], float], *, changed: Callable[[], None], undone: Callable[[], None]
    ) -> None:
        """Begin with nothing in use; ``changed`` is called when something came free, ``undone`` for a call not sent."""
        self.limiter = Limiter.of(limits)
        self.calls: set[LocalPermit] = set()
        """The calls under way on the current loop."""
        self._given_up: list[tuple[float, bool]] = []  # a heap: until when, and whether the place was stamped before
        self._clock = clock
        self._changed = changed
        self._undone = undone
        self._loop: asyncio.AbstractEventLoop | None = None
        self._offset = 0.0
        self._latest = 0.0

    def open(self, loop: asyncio.AbstractEventLoop, *, forked: bool = False) -> None:
        """Begin on a loop, and abandon the calls of the previous one.

        In a ``forked`` process those calls belong to the parent; here they hold only their places.
        """
        if self._loop is not None:
            self._offset = max(0.0, self._latest - loop.time())
        self._loop = loop
        self._leave_all(forked=forked)

    def now(self) -> float:
        """Return a reading of the clock by which the window is kept."""
        if self._loop is None or self._loop.is_closed():
            return max(self._latest, time.monotonic())
        self._latest = self._loop.time() + self._offset
        return self._latest

    def wait(self) -> float:
        """Return the seconds until a call may start: 0 for now, infinity until a call ends."""
        now = self.now()
        self._lapse(now)
        wait = self.limiter.wait(now)
        return min(wait, self._given_up[0][0] - now) if wait and self._given_up else wait

    def use(self) -> Use:
        """Return the use of the limits."""
        if self._loop is not None and self._loop.is_closed():
            self._leave_all(forked=False)
        now = self.now()
        self._lapse(now)
        return self.limiter.use(now, self._clock())

    @property
    def idle(self) -> bool:
        """Whether no call is under way, as far as is known now."""
        self._lapse(self.now())
        return not self.limiter.in_flight

    def until_idle(self) -> float:
        """Return the seconds until the first abandoned call has certainly ended; infinity without one."""
        return self._given_up[0][0] - self.now() if self._given_up else inf

    def grant(self) -> LocalPermit:
        """Take a place, a slot and one call of the day."""
        self.limiter.grant(self._clock())
        permit = LocalPermit(self, self.now())
        self.calls.add(permit)
        return permit

    def answered(self, permit: LocalPermit) -> None:
        """Stamp the place of a call whose answer has begun."""
        if self._is_current(permit):
            permit.stamped = True
            self.limiter.answered(self.now())

    def released(self, permit: LocalPermit, *, counted: bool) -> None:
        """Free the slot of a call whose answer has been read."""
        if self._is_current(permit):
            self.calls.remove(permit)
            self.limiter.released(self._clock(), counted=counted)
            self._changed()

    def unsent(self, permit: LocalPermit) -> None:
        """Undo a grant."""
        if self._is_current(permit):
            self.calls.remove(permit)
            self.limiter.unsent(self._clock())
            self._undone()

    def abandoned(self, permit: LocalPermit, seconds: float) -> None:
        """Keep the place and slot of a call for ``seconds``."""
        if self._is_current(permit):
            self.calls.remove(permit)
            self._give_up(permit, self.now() + seconds)
            self._changed()

    def _is_current(self, permit: LocalPermit) -> bool:
        """Return whether a permit belongs to the current loop, and this loop still runs."""
        return permit in self.calls and self._loop is not None and not self._loop.is_closed()

    def _leave_all(self, *, forked: bool) -> None:
        """Abandon all calls under way, whose loop has ended."""
        for permit in self.calls:
            self._give_up(permit, self.now() if forked else permit.granted_at + permit.bound)
        self.calls.clear()

    def _give_up(self, permit: LocalPermit, until: float) -> None:
        heappush(self._given_up, (until, permit.stamped))

    def _lapse(self, now: float) -> None:
        """Free the abandoned calls that have certainly ended, each at its own moment."""
        while self._given_up and self._given_up[0][0] <= now:
            until, stamped = heappop(self._given_up)
            if not stamped:
                self.limiter.answered(until)
            self.limiter.released(self._clock(), counted=True)
