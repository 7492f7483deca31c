"""`Seen`: the GUIDs of the activities that a lane has delivered and may read again. Pure.

Marketo's tokens order activities by date or by commit. In both cases, an activity that is read again from a moment was
delivered after that moment, for it was dated before its commit, and committed before its delivery. So the GUIDs are
kept by the time of delivery, and those from before the watermark can be forgotten, however late their activities were.
"""

from __future__ import annotations

from collections.abc import Iterable

_SPAN = 300.0  # seconds of deliveries whose GUIDs are forgotten together
_SKEW = 120.0  # seconds by which Marketo's clock may be ahead of ours
_OF_SCANS = 10_000  # GUIDs


class Seen:
    """The GUIDs delivered since a watermark. ``earlier`` are those that other processes have delivered."""

    def __init__(self, earlier: Seen | None = None) -> None:
        self._earlier = earlier
        self._spans: dict[int, set[str]] = {}
        self._held: set[str] = set()
        self._recent: set[str] = set()
        self._older: set[str] = set()

    @classmethod
    def of(cls, deliveries: Iterable[tuple[str, float]]) -> Seen:
        """Return the memory of GUIDs, each with the time of its delivery in epoch seconds."""
        seen = cls()
        for guid, at in deliveries:
            seen.add(guid, at)
        return seen

    def __contains__(self, guid: str) -> bool:
        return (
            any(guid in span for span in self._spans.values())
            or guid in self._recent
            or guid in self._older
            or guid in self._held
            or (self._earlier is not None and guid in self._earlier)
        )

    def __len__(self) -> int:
        return sum(map(len, self._spans.values())) + len(self._held) + len(self._recent) + len(self._older)

    def add(self, guid: str, at: float) -> None:
        """Remember an activity that was delivered ``at`` a moment, until `forget_before` a later one."""
        self._spans.setdefault(span_of(at), set()).add(guid)

    def add_of_scan(self, guid: str) -> None:
        """Remember an activity that a scan has delivered until it has delivered 10,000 others."""
        if len(self._recent) >= _OF_SCANS:
            self._recent, self._older = set(), self._recent
        self._recent.add(guid)

    def hold(self, guid: str) -> None:
        """Remember an activity that a neighbouring scan may read, until `end_scans`."""
        self._held.add(guid)

    def end_scans(self, at: float) -> None:
        """Keep what was remembered for scans, which have all ended, only as long as other activities."""
        scanned = self._held | self._recent | self._older
        if scanned:
            self._spans.setdefault(span_of(at), set()).update(scanned)
        self._held, self._recent, self._older = set(), set(), set()

    def forget_before(self, moment: float) -> None:
        """Forget the activities that were delivered well before a moment."""
        oldest = oldest_span(moment)
        for span in [span for span in self._spans if span < oldest]:
            del self._spans[span]


def span_of(moment: float) -> int:
    """Return the number of the span that a moment falls in."""
    return int(moment // _SPAN)


def oldest_span(watermark: float) -> int:
    """Return the number of the oldest span that is kept for a watermark."""
    return span_of(watermark - _SKEW)
