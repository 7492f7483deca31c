"""Decides whether the next call may start: by this process, by a shared store, or by this process within its fallback.

States
    LOCAL      There is no store. This process decides, by its own limiter.
    SHARED     The store decides; this process asks it through a `StoreClient`.
    LEAVING    The store can't be reached and there is a fallback. Nothing starts until the calls that the store granted
               to this process have ended.
    ALONE      This process decides within the fallback. Other processes may just have used the window up, so the first
               call starts a whole window after the store was lost.
    RETURNING  The store can be reached again. Nothing starts until the calls made alone have ended. Then this process
               reports them to the store, and the store decides.

    A store that holds other limits is not unreachable: in every state waiting calls raise `ConfigurationError`. The
    user must choose fallbacks that fit into the limits together, beside the calls that a store still grants to others.

Ends of calls
    A permit belongs to the event loop in which it was granted. If that loop ends while the call is under way, no task
    can read its answer, although Marketo may still work on it. Its place and its slot then stay taken for the permit's
    ``bound``, like those of an abandoned call, and later reports about the permit are ignored. The window stays exact:
    for a call without an answer, that moment counts as the beginning of the answer (see ``window``), and Marketo can't
    count the call later.

See ``gate`` for the order of waiting calls, and ``limiter`` for the rule.
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

if TYPE_CHECKING:  # a process without a store does not import one
    from marketo_async.governor.stores import Store
    from marketo_async.governor.stores.client import LeasedPermit, StoreClient

log = logging.getLogger("marketo_async.governor")

_LOOK_FOR_ENDS = 0.1  # seconds between checks in LEAVING for the ends of calls that the store granted


class AuthorityState(Enum):
    """Which side decides now; see the module for what each state means."""

    LOCAL = "local"
    SHARED = "shared"
    LEAVING = "leaving"
    ALONE = "alone"
    RETURNING = "returning"


_DECIDES_HERE = frozenset({AuthorityState.LOCAL, AuthorityState.LEAVING, AuthorityState.ALONE})


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
        """Return what is in use."""
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


class Authority:
    """Decides for the waiters of a gate, and owns the state."""

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
        )  # with a store, only the calls made alone
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
        """Return the running loop, after leaving the previous one.

        Raises `ConfigurationError` if calls are under way or waiting on another loop.
        """
        loop = asyncio.get_running_loop()
        if loop is self._loop and self._process == os.getpid():
            return loop
        forked = self._process != os.getpid()  # the parent's calls are not ours
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
        """Return this process's client of the store, if there is a store."""
        self.bind()
        return self.store_client

    def shared_use(self) -> Use | None:
        """Return the use that the store reported last, unless this process decides alone."""
        return None if self.store_client is None or self.state is not AuthorityState.SHARED else self.store_client.use

    def at_once(self) -> Permit | None:
        """Return a permit if this process can grant it without waiting; raises `DailyQuotaExceeded`."""
        if self.state is not AuthorityState.LOCAL or self._gate.waiting or not self._may_start():
            return None
        permit = self.grants.grant()
        self._gate.count(permit, 0.0)
        return permit

    def admit(self) -> None:
        """React to a change: grant permits in order, or ask the store for them."""
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
        """Note that a waiter has left; the store may have received a request for it."""
        if self.store_client is not None:
            self.admit()  # if it was the last waiter, the gate stopped the timer

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
        client = self.store_client
        return bool(self.grants.calls or self._gate.waiting or (client is not None and client.calls))

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
        # The calls made alone on the previous loop must be reported to the store first.
        alone = self.state in {AuthorityState.LEAVING, AuthorityState.ALONE, AuthorityState.RETURNING} and not forked
        self.state = AuthorityState.RETURNING if alone else AuthorityState.SHARED
        self.store_client = StoreClient(store, self._limits, hooks, loop)
        self.store_client.away = alone
        if before is not None and not forked:
            self.store_client.inherit(before)

    def _may_start(self) -> bool:
        """Return whether this process lets a call start now; if not, schedule the next check."""
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
        """Give a lease that the store granted to the next waiter, or give it back if there is none."""
        waiter = self._gate.take(oldest=oldest)
        if waiter is None:
            lease.unsent()
        else:
            self._gate.hand(lease, waiter, self._time())

    def _exhausted(self) -> bool:
        """Return whether waiting calls keep waiting now that the day is spent, by the store's count."""
        if self._on_quota == "raise":
            self._gate.fail(self.quota_error)
        return self._on_quota == "wait"

    def _lose_store(self, why: Callable[[], MarketoError]) -> None:
        """Leave a store that can't be reached for the fallback; without one, fail all waiters."""
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
        """Stop granting alone: the store can be reached again."""
        self.state = AuthorityState.RETURNING
        self.admit()

    def _rejoin(self, store_client: StoreClient) -> None:
        """Return to the store once no call is under way that it does not know of."""
        grants = self.grants
        if not grants.idle:
            self._gate.look_again(grants.until_idle())
            return
        self.state = AuthorityState.SHARED
        limiter, now = grants.limiter, grants.now()
        limiter.window.used(now)  # drops expired places
        ages = [now - (free - limiter.window.keep) for free in limiter.window.frees]
        store_client.rejoin(ages, limiter.quota.used(self._clock()))
