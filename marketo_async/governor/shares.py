"""Calls that have a share of an instance's limits: each needs a permit of the share and one of the instance.

A share is a `Governor` with smaller limits, so its window is the same exact one. A call that waits for its share holds
no permit of the instance and delays no other call. So a share can only delay its calls, and nothing deadlocks.
"""

from __future__ import annotations

from marketo_async.governor.governor import Governor
from marketo_async.governor.limits import Priority
from marketo_async.governor.permit import Permit


class PermitPair(Permit):
    """Two permits of one call, of a share and of the instance: they end together."""

    __slots__ = ("_both",)

    def __init__(self, share: Permit, instance: Permit) -> None:
        super().__init__(share.waited + instance.waited)
        self._both = (share, instance)

    @property
    def lapsed(self) -> bool:
        """Whether one of the two is void."""
        return any(permit.lapsed for permit in self._both)

    def _stamp(self) -> None:
        for permit in self._both:
            permit.answered()

    def _free(self, *, counted: bool) -> None:
        for permit in self._both:
            permit.release(counted=counted)

    def _undo(self) -> None:
        for permit in self._both:
            permit.unsent()

    def _leave(self, seconds: float) -> None:
        for permit in self._both:
            permit.abandon(seconds)


def both_at_once(share: Governor | None, governor: Governor, bound: float) -> Permit | None:
    """Return a permit of the instance, and of the share if there is one, where neither takes waiting."""
    if share is None:
        return governor.at_once(bound)
    own = share.at_once(bound)
    if own is None:
        return None
    permit = governor.at_once(bound)
    if permit is None:
        own.unsent()
        return None
    return PermitPair(own, permit)


async def acquire_both(
    share: Governor | None, governor: Governor, priority: Priority, *, since: float | None, bound: float
) -> Permit:
    """Wait for a permit of the share, if there is one, and then of the instance. See `Governor.acquire`."""
    if share is None:
        return await governor.acquire(priority, since=since, bound=bound)
    own = await share.acquire(priority, since=since, bound=bound)
    try:
        return PermitPair(own, await governor.acquire(priority, since=since, bound=bound))
    except BaseException:
        own.unsent()
        raise
