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
    user must choose fallbacks that fit into the limits together, with room for the calls that a store still grants.

See ``grants`` for the calls that this process grants itself, ``gate`` for the order of waiting calls, and ``limiter``
for the rule.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Literal

from marketo_async.errors import ConfigurationError, DailyQuotaExceeded, MarketoError
from marketo_async.governor.gate import Gate
from marketo_async.governor.grants import LocalGrants
from marketo_async.governor.limiter import Use
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
        """Return the error of a day whose quota is used up."""
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
        """Return whether waiting calls keep waiting now that the store counts the daily quota as used up."""
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
