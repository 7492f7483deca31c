"""`Governor`: one Marketo instance's limits, seen from outside: permits, reports of refusals, and what is in use.

A call asks for a `Permit` and holds it from before it is sent until its answer has been read. Two parts work for the
governor: ``gate`` knows who waits and in which order, ``authority`` decides whether the next one may start, by itself
or by a store that many processes share. One governor serves any number of clients of the same instance on one event
loop at a time.

Cancellation
    A waiter that is cancelled leaves no trace, also when the grant and the cancellation meet in the same turn of the
    loop: the permit is then given back unsent. A call under way is the session's to finish or to abandon.

Cold start
    Without a store, a new process knows nothing of the calls that were made in the ``per`` seconds before it; where
    runs are short and follow each other, wait that long or give it an `SQLiteStore`.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import random
import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from marketo_async.argument_kinds import one_of
from marketo_async.errors import ConfigurationError
from marketo_async.governor.authority import Authority
from marketo_async.governor.gate import Gate
from marketo_async.governor.limits import Limits, Priority
from marketo_async.governor.permit import Permit
from marketo_async.governor.snapshot import CallRecord, Snapshot

if TYPE_CHECKING:
    from marketo_async.governor.stores import Store

log = logging.getLogger("marketo_async.governor")

_LONGEST = 300.0  # seconds, the longest server time-out of Marketo's


class Governor:
    """Lets calls through so that one instance's limits are never broken by them.

    ``on_quota`` says what becomes of calls when the day's quota is spent: ``"raise"`` `DailyQuotaExceeded`, or
    ``"wait"`` for the next midnight in America/Chicago. ``on_call`` receives a record of every attempt; it is a plain
    function, and what it raises is logged. ``clock`` gives epoch seconds and decides only what day it is; the window is
    measured by the event loop's monotonic clock.

    ``store`` shares the limits with other processes (`SQLiteStore`, `RedisStore`), which must all name the same ones;
    then the store's clocks count. ``fallback`` is what this process may do by itself while the store can't be reached:
    its safe share of the limits, over the same ``per``; without one, calls then raise `StoreUnavailable`.

    Raises `ConfigurationError` for a ``fallback`` without a store or over another ``per``, and for an ``async def``
    hook.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        on_quota: Literal["raise", "wait"] = "raise",
        on_call: Callable[[CallRecord], None] | None = None,
        store: Store | None = None,
        fallback: Limits | None = None,
        clock: Callable[[], float] = time.time,
        rng: random.Random | None = None,
    ) -> None:
        self.limits = limits or Limits()
        if fallback is not None and (store is None or fallback.per != self.limits.per):
            raise ConfigurationError("Governor: a fallback goes with a store, and has the `per` of the limits")
        if on_call is not None and _is_async(on_call):
            raise ConfigurationError(
                f"Governor: on_call={on_call!r} is async, and nothing would await it; pass a plain function, which may"
                " start a task or fill a queue"
            )
        self.store = store
        self.fallback = fallback
        one_of("on_quota", on_quota, ("raise", "wait"))
        self.on_quota = on_quota
        self.on_call = on_call
        self._clock = clock
        self._rng = rng or random.Random()  # noqa: S311 - scatters pauses, hides nothing
        self._gate = Gate(self.limits)
        self._authority = Authority(
            self._gate, self.limits, store=store, fallback=fallback, on_quota=on_quota, clock=clock
        )

    async def acquire(
        self, priority: Priority = Priority.NORMAL, *, since: float | None = None, bound: float = _LONGEST
    ) -> Permit:
        """Wait for a place in the window, a slot and one call of the day, and take all three.

        *since* is the reading of the loop's clock at which a call asked first, for one that asks again: it keeps its
        age, and goes before calls of its priority that came later. *bound* is for how many seconds from then on Marketo
        may work on the call: its place and slot stay taken for as long, should the event loop end with the call under
        way. Raises `DailyQuotaExceeded` when the day is spent and ``on_quota`` is ``"raise"``, `StoreUnavailable` when
        the store can't be reached and there is no ``fallback``, `ConfigurationError` when the store holds other limits.
        """
        permit = self.at_once(bound)
        if permit is not None:
            return permit
        gate, authority = self._gate, self._authority
        loop = authority.bind()
        future: asyncio.Future[Permit] = loop.create_future()
        asked = loop.time()
        waiter = gate.enter(future, priority, asked if since is None else since, asked, bound)
        authority.admit()
        try:
            return await future
        except asyncio.CancelledError:
            gate.leave(waiter)
            if not future.cancelled() and future.done() and future.exception() is None:
                future.result().unsent()
            else:
                authority.withdraw()
            raise

    def at_once(self, bound: float = _LONGEST) -> Permit | None:
        """Return a permit where `acquire` would not have to wait, ``None`` elsewhere and always with a store."""
        self._authority.bind()
        permit = self._authority.at_once()
        if permit is not None:
            permit.bound = bound
        return permit

    async def settle(self) -> None:
        """Report to the store what it has not heard, and close its connections where nothing is under way."""
        authority = self._authority
        store_client = authority.store_client
        if store_client is None or self.store is None or store_client.loop is not asyncio.get_running_loop():
            return
        await store_client.flush()
        if not store_client.calls and not self._gate.waiting:
            await self.store.close()

    def snapshot(self) -> Snapshot:
        """Return what is in use, what is left, and what it has cost so far."""
        gate = self._gate
        use = self._authority.shared_use() or self._authority.grants.use()
        return Snapshot.of(use, waiting=gate.count_waiting(), granted=gate.granted, waited=gate.waited)

    def calibrate(self, used_today: int) -> None:
        """Adopt the instance's own count of today's calls, which includes everybody's; it never lowers ours."""
        self._authority.grants.limiter.quota.calibrate(self._clock(), used_today)
        if self.store is not None and (store_client := self._authority.joined()):
            store_client.calibrate(used_today)

    def throttled(self) -> None:
        """Report a 606: somebody else used the window up. Every waiting call pauses, and our share shrinks.

        Report it before the permit of the refused call is released, or one more call starts in between.
        """
        scatter = self._rng.random()
        store_client, grants = self._authority.joined(), self._authority.grants
        grants.limiter.throttled(grants.now(), scatter)
        if store_client is not None:
            store_client.throttled(scatter)

    def crowded(self) -> None:
        """Report a 615: somebody else holds slots. Our share of them shrinks.

        Report it before the permit of the refused call is released, or one more call starts in between.
        """
        store_client, grants = self._authority.joined(), self._authority.grants
        grants.limiter.crowded(grants.now())
        if store_client is not None:
            store_client.crowded()

    def spent(self) -> None:
        """Report a 607: whoever used them, the calls of the day are gone. Report it before the permit is released."""
        self._authority.grants.limiter.spent(self._clock())
        if self.store is not None and (store_client := self._authority.joined()):
            store_client.spent()

    def resets_at(self) -> datetime:
        """Return when the daily quota starts again, in UTC."""
        return self._authority.resets_at()

    def report(self, record: CallRecord) -> None:
        """Hand one attempt to the hook. What the hook raises is logged, because the call itself did not fail.

        Only a request to end the program (`KeyboardInterrupt`, `SystemExit`) passes.
        """
        if self.on_call is None:
            return
        try:
            returned: object = self.on_call(record)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:
            log.exception("the on_call hook failed for %s", record.operation)
            return
        if inspect.isawaitable(returned):
            if inspect.iscoroutine(returned):
                returned.close()
            log.error(
                "the on_call hook is async, and nothing awaits it: pass a plain function (for %s)", record.operation
            )


def _is_async(hook: Callable[[CallRecord], None]) -> bool:
    """Return whether calling *hook* runs nothing, but returns something to await or to iterate."""
    call = getattr(hook, "__call__", hook)  # noqa: B004 - for objects whose class defines an async __call__
    return any(inspect.iscoroutinefunction(found) or inspect.isasyncgenfunction(found) for found in (hook, call))
