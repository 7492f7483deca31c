"""`Meter`: what the mirror uses of the day's calls and export volume, and when a first load must wait for the next day.

The feed keeps a share that a first load can't take: what its polls need until midnight in America/Chicago, but never
more than half of what the day has. All calls of the client's governor count, also retries and looks at jobs.

https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/marketo-integration-best-practices
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime

import anyio
from msgspec import Struct

from marketo_async.argument_kinds import positive
from marketo_async.client import Marketo
from marketo_async.governor import Governor
from marketo_async.governor.quota import day_of
from marketo_async.mirror.state import DayUse

log = logging.getLogger("marketo_async.mirror")

_LONGEST_NAP = 60.0  # seconds; a wall clock may be set meanwhile
_SPREAD = 30.0  # seconds after midnight, as Marketo's clock may be late


class Allowance(Struct, frozen=True, kw_only=True):
    """What a mirror may use in a day: calls, and bytes of exports.

    ``feed`` is how many calls a second the feed's polls make. Raises `InvalidRequest` for a number that is not above 0.
    """

    calls: int = 50_000
    exported: int = 500_000_000
    feed: float = 0.0

    def __post_init__(self) -> None:
        positive("calls", self.calls, whole=True)
        positive("exported", self.exported, whole=True)

    def kept(self, now: float) -> int:
        """Return how many calls a first load must leave to the feed at a moment."""
        start, end = day_of(now)
        return round(min(self.feed * (end - now), self.calls / 2 * (end - now) / (end - start)))


class Meter:
    """Counts what a governor has let through, and the bytes that exports report. Moments are epoch seconds.

    ``use`` is what earlier runs of the mirror used, by its state.
    """

    def __init__(
        self,
        governor: Governor,
        allowance: Allowance,
        *,
        use: DayUse | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.allowance = allowance
        self._governor = governor
        self._clock = clock
        self._use = use or DayUse()
        self._granted = governor.snapshot().granted
        self._turn()

    @property
    def use(self) -> DayUse:
        """What was used today."""
        self._turn()
        granted = self._governor.snapshot().granted
        self._use = DayUse(self._use.day, self._use.calls + granted - self._granted, self._use.exported)
        self._granted = granted
        return self._use

    @property
    def calls_left(self) -> int:
        """How many calls a first load may still make today: of the allowance, and of what the instance has left."""
        now = self._clock()
        left = min(self.allowance.calls - self.use.calls, self._governor.snapshot().left_today)
        return max(0, left - self.allowance.kept(now))

    @property
    def bytes_left(self) -> int:
        """How many bytes may still be exported today."""
        return max(0, self.allowance.exported - self.use.exported)

    def export(self, size: int) -> None:
        """Count the bytes of an export."""
        self._turn()
        self._use = DayUse(self._use.day, self._use.calls, self._use.exported + size)

    async def allow(self, *, calls: int = 1, exported: int = 0) -> None:
        """Wait until a first load may make some calls, and export some bytes; until the next day, if need be.

        An export that is larger than a whole day's allowance waits for a day of which nothing is used.
        """
        while self.calls_left < min(calls, self.allowance.calls // 2) or self.bytes_left < min(
            exported, self.allowance.exported
        ):
            what = "megabytes of exports" if self.calls_left >= calls else "calls"
            end = day_of(self._clock())[1]
            log.warning("the first load waits until %s: the %s of the day are used", _text(end), what)
            await self.wait_until(end + _SPREAD)

    async def wait(self, seconds: float) -> None:
        """Wait for some seconds of the wall clock."""
        await self.wait_until(self._clock() + seconds)

    async def wait_until(self, moment: float) -> None:
        """Wait for a moment of the wall clock."""
        while (left := moment - self._clock()) > 0:  # noqa: ASYNC110 - it waits for time
            await anyio.sleep(min(left, _LONGEST_NAP))

    def _turn(self) -> None:
        day = day_of(self._clock())[0]
        if day != self._use.day:
            self._use, self._granted = DayUse(day), self._governor.snapshot().granted


def allowance_of(marketo: Marketo, *, calls: int | None, exported: int | None, feed: float) -> Allowance:
    """Return the allowance of a mirror: the budgets that the user names, or the whole day of the instance."""
    return Allowance(
        calls=calls or marketo.governor.limits.daily,
        exported=exported or Allowance().exported,
        feed=feed,
    )


def _text(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()
