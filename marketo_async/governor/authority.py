"""Who decides whether the next call may start: this process, a store for many, or this process within its fallback.

States
    LOCAL      There is no store. This process decides, by its own ledger.
    SHARED     The store decides, through ``member``.
    LEAVING    The store can't be reached and there is a fallback. Nothing starts until the calls that it granted here
               have ended.
    ALONE      This process decides within the fallback. The others may have used the window up just before, so the
               first call starts a whole window after the store was lost.
    RETURNING  The store can be reached again. Nothing starts until the calls made alone have ended; then the store is
               told of them, and decides.

    A store that holds other limits is not out of reach: in every state those who wait get `ConfigurationError`. That
    the shares of all processes fit into the limits, also beside what a store grants to those that still reach it, is
    for whoever sets them.

Ends of calls
    A permit belongs to the event loop in which it was granted. A call under way when that loop ends has nobody left who
    could read its answer, while Marketo may still work on it: its place and its slot stay taken for as long as the
    permit's ``bound``, as those of an abandoned call do, and what is said of the permit later is ignored. The window
    stays exact: for a call without an answer that moment stands for the beginning of the answer (see ``window``), and
    Marketo can't count it later.

See ``gate`` for who goes first, and ``ledger`` for the rule.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable
from datetime import datetime
from enum import Enum
from heapq import heappop, heappush
from math import inf
from typing import TYPE_CHECKING, Literal

from marketo_async.errors import ConfigurationError, DailyQuotaExceeded, MarketoError
from marketo_async.governor.gate import Gate
from marketo_async.governor.limiter import Limiter, Use
from marketo_async.governor.limits import Limits
from marketo_async.governor.permit import Permit
from marketo_async.governor.quota import as_utc
from marketo_async.governor.window import DRIFT

if TYPE_CHECKING:  # a process that is alone does not pay for fleets
    from marketo_async.governor.stores import Store
    from marketo_async.governor.stores.client import LeasedPermit, StoreClient

log = logging.getLogger("marketo_async.governor")

_LOOK_FOR_ENDS = 0.1  # seconds, of calls that the store granted, while this process waits to be alone


class AuthorityState(Enum):
    """Who decides now; see the module for what each state means."""

    LOCAL = "local"
    SHARED = "shared"
    LEAVING = "leaving"
    ALONE = "alone"
    RETURNING = "returning"


_DECIDES_HERE = frozenset({AuthorityState.LOCAL, AuthorityState.LEAVING, AuthorityState.ALONE})


class LocalPermit(Permit):
    """A permit that this process has given itself."""

    __slots__ = ("_grants", "granted_at", "stamped")

    def __init__(self, grants: LocalGrants, granted_at: float) -> None:
        super().__init__(0.0)
        self._grants = grants
        self.granted_at = granted_at
        self.stamped = False  # in the books, which take no word of a permit whose loop has ended

    def _stamp(self) -> None:
        self._grants.answered(self)

    def _free(self, *, counted: bool) -> None:
        self._grants.released(self, counted=counted)

    def _undo(self) -> None:
        self._grants.unsent(self)

    def _leave(self, seconds: float) -> None:
        self._grants.abandoned(self, seconds)


class LocalGrants:
    """What this process has granted by itself: the ledger, the calls under way, and those that were given up.

    Readings of the clock never go back, also where the next event loop counts from another beginning.
    """

    def __init__(
        self, limits: Limits, clock: Callable[[], float], *, changed: Callable[[], None], undone: Callable[[], None]
    ) -> None:
        """Begin with nothing in use; *changed* is called when something came free, *undone* for a call not sent."""
        self.limiter = Limiter.of(limits)
        self.calls: set[LocalPermit] = set()
        """The calls under way on the loop of now."""
        self._given_up: list[tuple[float, bool]] = []  # a heap: until when, and whether the place was stamped before
        self._clock = clock
        self._changed = changed
        self._undone = undone
        self._loop: asyncio.AbstractEventLoop | None = None
        self._offset = 0.0
        self._latest = 0.0

    def open(self, loop: asyncio.AbstractEventLoop, *, forked: bool = False) -> None:
        """Begin on a loop, and leave the calls of the last one to themselves.

        In a *forked* process those calls are the parent's, and hold nothing here but their places.
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
        """Return the seconds until a call may start: 0 now, infinity if that hangs on calls under way."""
        now = self.now()
        self._lapse(now)
        wait = self.limiter.wait(now)
        return min(wait, self._given_up[0][0] - now) if wait and self._given_up else wait

    def use(self) -> Use:
        """Return what is in use."""
        if self._loop is not None and self._loop.is_closed():
            self._leave_all(forked=False)
        now = self.now()
        self._lapse(now)
        return self.limiter.use(now, self._clock())

    @property
    def idle(self) -> bool:
        """Whether no call is under way, by what is known now."""
        self._lapse(self.now())
        return not self.limiter.in_flight

    def until_idle(self) -> float:
        """Return the seconds until the first call that was given up has certainly ended: infinity without one."""
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
        """Keep what a call holds for so many *seconds*."""
        if self._is_current(permit):
            self.calls.remove(permit)
            self._give_up(permit, self.now() + seconds)
            self._changed()

    def _is_current(self, permit: LocalPermit) -> bool:
        """Tell whether a permit is of this loop, and this loop still runs: of another one nothing more is known."""
        return permit in self.calls and self._loop is not None and not self._loop.is_closed()

    def _leave_all(self, *, forked: bool) -> None:
        """Give up all calls under way, whose loop has ended."""
        for permit in self.calls:
            self._give_up(permit, self.now() if forked else permit.granted_at + permit.bound)
        self.calls.clear()

    def _give_up(self, permit: LocalPermit, until: float) -> None:
        heappush(self._given_up, (until, permit.stamped))

    def _lapse(self, now: float) -> None:
        """Free what was given up and has certainly ended, each at its own moment."""
        while self._given_up and self._given_up[0][0] <= now:
            until, stamped = heappop(self._given_up)
            if not stamped:
                self.limiter.answered(until)
            self.limiter.released(self._clock(), counted=True)


class Authority:
    """Decides for the waiters of a gate, and is the one that knows which of its states counts."""

    def __init__(
        self,
        gate: Gate,
        limits: Limits,
        *,
        store: Store | None,
        fallback: Limits | None,
        on_quota: Literal["raise", "wait"],
        clock: Callable[[], float],
    ) -> None:
        self.state = AuthorityState.LOCAL if store is None else AuthorityState.SHARED
        self.grants = LocalGrants(
            limits, clock, changed=self.admit, undone=self._undo
        )  # with a store, what is done alone
        self.store_client: StoreClient | None = None
        self._gate = gate
        self._limits = limits
        self._store = store
        self._fallback = fallback
        self._on_quota = on_quota
        self._clock = clock
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process = os.getpid()

    def bind(self) -> asyncio.AbstractEventLoop:
        """Return the running loop, after leaving another one behind where there is one.

        Raises `ConfigurationError` where calls are under way or waiting on another loop.
        """
        loop = asyncio.get_running_loop()
        if loop is self._loop and self._process == os.getpid():
            return loop
        forked = self._process != os.getpid()  # what the parent has under way is not ours
        if self._loop is not None and not self._loop.is_closed() and self._busy() and not forked:
            raise ConfigurationError(
                "this Governor has calls under way on another event loop: use one Governor per loop, or let its clients"
                " finish first"
            )
        self._loop, self._process = loop, os.getpid()
        self._gate.open(loop, self.admit)
        self.grants.open(loop, forked=forked)
        if self._store is not None:
            self._join(self._store, loop, forked=forked)
        return loop

    def joined(self) -> StoreClient | None:
        """Return this process's part in the fleet, where there is a store."""
        self.bind()
        return self.store_client

    def shared_use(self) -> Use | None:
        """Return what is in use by the store's last word, unless this process decides by itself."""
        return None if self.store_client is None or self.state is not AuthorityState.SHARED else self.store_client.use

    def at_once(self) -> Permit | None:
        """Return a permit where one can be had without waiting or asking; raises `DailyQuotaExceeded`."""
        if self.state is not AuthorityState.LOCAL or self._gate.waiting or not self._may_start():
            return None
        permit = self.grants.grant()
        self._gate.count(permit, 0.0)
        return permit

    def admit(self) -> None:
        """Do what is due after anything has changed: grant permits in order, or ask the store for them."""
        store_client = self.store_client
        if store_client is not None:
            if self.state is AuthorityState.RETURNING:
                self._rejoin(store_client)
            store_client.plan()
        if self.state not in _DECIDES_HERE:
            return
        try:
            while self._gate.waiting and self._may_start():
                waiter = self._gate.take(oldest=self._gate.turn_of_oldest())
                if waiter is None:
                    return
                self._gate.hand(self.grants.grant(), waiter, self._time())
        except DailyQuotaExceeded:
            self._gate.fail(self.quota_error)

    def withdraw(self) -> None:
        """Note that a waiter has gone, for which the store may have been asked."""
        if self.store_client is not None:
            self.admit()  # where it was the last one, the gate has stopped looking at what else is due

    def quota_error(self) -> DailyQuotaExceeded:
        """Return the error of a day that is spent."""
        quota = self.grants.limiter.quota
        return DailyQuotaExceeded(used=quota.used(self._clock()), daily=quota.daily, resets_at=self.resets_at())

    def resets_at(self) -> datetime:
        """Return when the daily quota starts again, in UTC."""
        moment, known = self._clock(), self.shared_use()
        if known is not None and known.resets_at > moment:
            return as_utc(known.resets_at)
        return as_utc(self.grants.limiter.quota.resets_at(moment))

    def _busy(self) -> bool:
        return bool(
            self.grants.calls or self._gate.waiting or (self.store_client is not None and self.store_client.calls)
        )

    def _join(self, store: Store, loop: asyncio.AbstractEventLoop, *, forked: bool) -> None:
        from marketo_async.governor.stores.client import GateHooks, StoreClient  # noqa: PLC0415 - only with a store

        before = self.store_client
        hooks = GateHooks(
            head=self._gate.head,
            granted=self._serve,
            exhausted=self._exhausted,
            failed=self._lose_store,
            differs=self._gate.fail,
            returned=self._find_store,
        )
        # Of the calls that were made alone on the loop before, the store has to hear first.
        alone = self.state in {AuthorityState.LEAVING, AuthorityState.ALONE, AuthorityState.RETURNING} and not forked
        self.state = AuthorityState.RETURNING if alone else AuthorityState.SHARED
        self.store_client = StoreClient(store, self._limits, hooks, loop)
        self.store_client.away = alone
        if before is not None and not forked:
            self.store_client.inherit(before)

    def _may_start(self) -> bool:
        """Tell whether a call may start now by the books, and see to it that somebody looks again if not."""
        if self.state is AuthorityState.LEAVING:
            if self.store_client is not None and self.store_client.calls:
                self._gate.look_again(_LOOK_FOR_ENDS)
                return False
            self.state = AuthorityState.ALONE
        moment, quota = self._clock(), self.grants.limiter.quota
        if not quota.left(moment):
            if self._on_quota == "raise":
                raise self.quota_error()
            self._gate.look_again(quota.resets_at(moment) - moment)
            return False
        if wait := self.grants.wait():
            self._gate.look_again(wait)
            return False
        return self._gate.smooth()

    def _time(self) -> float:
        return self._loop.time() if self._loop is not None else 0.0

    def _undo(self) -> None:
        self._gate.discount()
        self.admit()

    def _serve(self, lease: LeasedPermit, oldest: bool) -> None:  # noqa: FBT001 - as the store said it
        """Hand on a lease that the store has granted; nobody may be left to take it."""
        waiter = self._gate.take(oldest=oldest)
        if waiter is None:
            lease.unsent()
        else:
            self._gate.hand(lease, waiter, self._time())

    def _exhausted(self) -> bool:
        """Tell whether those who wait go on waiting at the end of the day's quota, as the store counts it."""
        if self._on_quota == "raise":
            self._gate.fail(self.quota_error)
        return self._on_quota == "wait"

    def _lose_store(self, why: Callable[[], MarketoError]) -> None:
        """Leave a store that can't be reached for the fallback, or report to all who wait that there is none."""
        if self.store_client is None or self._fallback is None:
            self._gate.fail(why)
        elif self.state is AuthorityState.RETURNING:
            self.state = AuthorityState.ALONE
            self.admit()
        elif self.state is AuthorityState.SHARED:
            log.warning("%s; this process continues alone within the fallback", why())
            self.state = AuthorityState.LEAVING
            self.store_client.away = True
            self.grants = LocalGrants(self._fallback, self._clock, changed=self.admit, undone=self._undo)
            self.grants.open(self.store_client.loop)
            self.grants.limiter.paused_until = self.grants.now() + self._fallback.per * (1 + DRIFT)
            self.admit()

    def _find_store(self) -> None:
        """Grant nothing alone any more: the store can be reached again."""
        self.state = AuthorityState.RETURNING
        self.admit()

    def _rejoin(self, store_client: StoreClient) -> None:
        """Go back to the store once nothing is under way that it does not know of."""
        grants = self.grants
        if not grants.idle:
            self._gate.look_again(grants.until_idle())
            return
        self.state = AuthorityState.SHARED
        limiter, now = grants.limiter, grants.now()
        limiter.window.used(now)  # forgets what is past
        ages = [now - (free - limiter.window.keep) for free in limiter.window.frees]
        store_client.rejoin(ages, limiter.quota.used(self._clock()))
