"""`Governor`: the public face of one Marketo instance's limits: permits, reports of refusals, and current use.

A call acquires a `Permit` and holds it from before it is sent until its answer has been read. The governor has two
parts: ``gate`` queues the waiting calls, and ``authority`` decides whether the next one may start, alone or through a
store that processes share. One governor serves any number of clients of the same instance, on one event loop at a time.

Cancellation
    A cancelled waiter leaves no trace. If the grant and the cancellation meet in the same turn of the loop, the permit
    is given back unsent. The session finishes or abandons a call under way.

Cold start
    Without a store, a new process knows nothing of the calls made in the ``per`` seconds before it. If short runs
    follow each other, wait that long or give it an `SQLiteStore`.
"""

from __future__ import annotations

import asyncio
import inspect
import random
import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Self

from marketo_async.argument_kinds import one_of
from marketo_async.errors import ConfigurationError
from marketo_async.governor.authority import Authority
from marketo_async.governor.gate import Gate
from marketo_async.governor.limits import Limits, Priority
from marketo_async.governor.notify import notify
from marketo_async.governor.permit import Permit
from marketo_async.governor.snapshot import CallRecord, Snapshot

if TYPE_CHECKING:
    from marketo_async.governor.stores import Store

_LONGEST = 300.0  # seconds, Marketo's longest server time-out


class Governor:
    """Lets calls through so that they never break one instance's limits.

    ``on_quota`` says what calls do when the daily quota is used up: ``"raise"`` `DailyQuotaExceeded`, or ``"wait"`` for
    the next midnight in America/Chicago. ``on_call`` receives a record of every attempt. It must be a plain function;
    its exceptions are logged. ``clock`` returns epoch seconds and decides only the date; the window is measured by the
    event loop's monotonic clock.

    ``store`` (`SQLiteStore`, `RedisStore`) shares the limits with other processes, which must all pass the same ones;
    the store's clock then replaces the local ones. ``fallback`` limits this process while the store can't be reached:
    pass its safe share of the limits, over the same ``per``. Without it, calls then raise `StoreUnavailable`.

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
            raise ConfigurationError(
                f"Governor: fallback={fallback!r} can't be used; pass it with a store, and with per={self.limits.per!r}"
            )
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

    def __deepcopy__(self, _: object) -> Self:
        """Return the governor itself, where options that hold it are copied: a copy would not know of its calls."""
        return self

    async def acquire(
        self, priority: Priority = Priority.NORMAL, *, since: float | None = None, bound: float = _LONGEST
    ) -> Permit:
        """Wait for a place in the window, a slot and one call of the day, and take all three.

        Pass ``since``, the loop's time of the first request, when a call acquires again: it keeps its age, and goes
        before calls of its priority that came later. ``bound`` is the number of seconds from the grant for which
        Marketo may work on the call: its place and slot stay taken for that long if the event loop ends before the call
        does. Raises `DailyQuotaExceeded` if the quota is used up and ``on_quota`` is ``"raise"``, `StoreUnavailable` if
        the store can't be reached and there is no ``fallback``, `ConfigurationError` if the store holds other limits.
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
        """Return a permit if `acquire` would not wait, else ``None``; with a store always ``None``."""
        self._authority.bind()
        permit = self._authority.at_once()
        if permit is not None:
            permit.bound = bound
        return permit

    async def flush(self) -> None:
        """Send pending reports to the store, and close its connections if no call is under way."""
        authority = self._authority
        store_client = authority.store_client
        if store_client is None or self.store is None or store_client.loop is not asyncio.get_running_loop():
            return
        await store_client.flush()
        if not store_client.calls and not self._gate.waiting:
            await self.store.close()

    def snapshot(self) -> Snapshot:
        """Return the use of the limits, the rest of the quota, and how long calls have waited so far."""
        gate = self._gate
        use = self._authority.shared_use() or self._authority.grants.use()
        return Snapshot.of(use, waiting=gate.count_waiting(), granted=gate.granted, waited=gate.waited)

    def calibrate(self, used_today: int) -> None:
        """Adopt the instance's own count of today's calls, which includes other integrations; it never lowers ours."""
        self._authority.grants.limiter.quota.calibrate(self._clock(), used_today)
        if self.store is not None and (store_client := self._authority.joined()):
            store_client.calibrate(used_today)

    def throttled(self) -> None:
        """Report a 606: another integration used the window up. All waiting calls pause, and our share shrinks.

        Report it before the permit of the refused call is released, or one more call starts in between.
        """
        scatter = self._rng.random()
        store_client, grants = self._authority.joined(), self._authority.grants
        grants.limiter.throttled(grants.now(), scatter)
        if store_client is not None:
            store_client.throttled(scatter)

    def crowded(self) -> None:
        """Report a 615: another integration holds slots. All waiting calls pause, and our share of the slots shrinks.

        Report it before the permit of the refused call is released, or one more call starts in between.
        """
        store_client, grants = self._authority.joined(), self._authority.grants
        grants.limiter.crowded(grants.now())
        if store_client is not None:
            store_client.crowded()

    def spent(self) -> None:
        """Report a 607: the calls of the day are used up. Report it before the permit is released."""
        self._authority.grants.limiter.spent(self._clock())
        if self.store is not None and (store_client := self._authority.joined()):
            store_client.spent()

    def resets_at(self) -> datetime:
        """Return when the daily quota restarts, in UTC."""
        return self._authority.resets_at()

    def report(self, record: CallRecord) -> None:
        """Pass one attempt to the hook; an exception of the hook is logged, because the call itself did not fail."""
        notify(self.on_call, record)


def _is_async(hook: Callable[[CallRecord], None]) -> bool:
    """Return whether calling ``hook`` runs nothing yet, and only returns something to await or iterate."""
    call = getattr(hook, "__call__", hook)  # noqa: B004 - for objects whose class defines an async __call__
    return any(inspect.iscoroutinefunction(found) or inspect.isasyncgenfunction(found) for found in (hook, call))
