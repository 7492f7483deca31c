"""The whole rule in one place: window, slots and daily quota, granted together or not at all. No I/O, no clock.

``now`` is always a monotonic reading and ``moment`` epoch seconds: the window measures lengths, the quota needs dates.
See ``gate`` for the order of waiting calls and how they are woken.
"""

from __future__ import annotations

from math import inf
from typing import Self

from msgspec import Struct

from marketo_async.governor.aimd import Share
from marketo_async.governor.limits import Limits
from marketo_async.governor.quota import Quota
from marketo_async.governor.window import Window

_PAUSE = 0.05  # of the window: how long all calls wait after a refusal; after a 606, before the caller's jitter
_CLAIM, _SLOTS_CLAIM = 0.35, 0.1  # of the window and the slots; see ``aimd``


class Use(Struct, frozen=True, kw_only=True):
    """The use of one instance's limits at one moment, and the shares; ``resets_at`` is epoch seconds."""

    window_used: int
    window_share: int
    in_flight: int
    slot_share: int
    used_today: int
    left_today: int
    resets_at: float
    refusals: int


class Limiter(Struct):
    """The use of one instance's limits, and the decision about the next call."""

    window: Window
    quota: Quota
    places: Share
    slots: Share
    in_flight: int = 0
    paused_until: float = -inf
    refusals: int = 0

    @classmethod
    def of(cls, limits: Limits) -> Self:
        """Return a limiter in which nothing is in use."""
        return cls(
            window=Window(limits.per),
            quota=Quota(limits.daily - limits.reserve),
            places=Share(limits.calls, interval=limits.per),
            slots=Share(limits.concurrency, interval=limits.per / 4),
        )

    def wait(self, now: float) -> float:
        """Return the seconds until window and slots let a call start: 0 for now, infinity until a call ends."""
        if now < self.paused_until:
            return self.paused_until - now
        if self.in_flight >= self.slots.available(now):
            return self.slots.next_growth(now)
        wait = self.window.wait(now, self.places.available(now))
        return wait and min(wait, self.places.next_growth(now))

    def use(self, now: float, moment: float) -> Use:
        """Return the use of the limits."""
        return Use(
            window_used=self.window.used(now),
            window_share=self.places.available(now),
            in_flight=self.in_flight,
            slot_share=self.slots.available(now),
            used_today=self.quota.used(moment),
            left_today=self.quota.left(moment),
            resets_at=self.quota.resets_at(moment),
            refusals=self.refusals,
        )

    def grant(self, moment: float) -> None:
        """Take a place, a slot and one call of the day."""
        self.in_flight += 1
        self.window.take()
        self.quota.take(moment)

    def answered(self, now: float) -> None:
        """Stamp the window: an answer began."""
        self.window.answered(now)

    def released(self, moment: float, *, counted: bool) -> None:
        """Free the slot of a call whose answer has been read; ``counted`` says whether it counts for the day.

        Its place in the window stays in both cases: it is not certain that Marketo's window skips such a call.
        """
        self.in_flight -= 1
        self.quota.landed(moment, counted=counted)

    def unsent(self, moment: float) -> None:
        """Undo a grant: the call never left this machine."""
        self.window.give_back()
        self.released(moment, counted=False)

    def resume(self) -> None:
        """Take place and slot again for a call that was wrongly taken for ended; the day includes it already."""
        self.in_flight += 1
        self.window.take()
        self.quota.resume()

    def throttled(self, now: float, scatter: float) -> None:
        """Note a 606: all calls pause, and the share of the window shrinks. ``scatter`` is random in [0, 1)."""
        self.refusals += 1
        self.places.refused(now, self.window.used(now), claim=_CLAIM)
        self.paused_until = max(self.paused_until, now + self.window.per * _PAUSE * (0.5 + scatter))

    def crowded(self, now: float) -> None:
        """Note a 615: all calls pause, and the share of the slots shrinks. The refused call is still in flight.

        It shows that neighbours are calling, so the share of the window does not grow either.
        """
        self.refusals += 1
        self.slots.refused(now, self.in_flight, claim=_SLOTS_CLAIM)
        self.places.hold(now)
        self.paused_until = max(self.paused_until, now + self.window.per * _PAUSE)

    def spent(self, moment: float) -> None:
        """Note a 607: the day's quota is used up, by us or by others."""
        self.refusals += 1
        self.quota.refuse(moment)
