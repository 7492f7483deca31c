"""`Seen`: the GUIDs of the activities that a lane has delivered and may read again. Pure.

An activity has the same date whenever it is read, so its GUID is looked up among those of ten minutes only, and the
GUIDs before a watermark can be forgotten together.
"""

from __future__ import annotations

from collections.abc import Iterable

_BUCKET = 600.0  # seconds of dates whose GUIDs are kept and forgotten together


class Seen:
    """The GUIDs since a watermark; memory is bounded by the dates that may be read again."""

    def __init__(self, known: Iterable[tuple[str, float]] = ()) -> None:
        """Begin with GUIDs that another process has delivered, each with its date in epoch seconds."""
        self._buckets: dict[int, set[str]] = {}
        for guid, date in known:
            self.add(guid, date)

    def __contains__(self, activity: tuple[str, float]) -> bool:
        guid, date = activity
        return guid in self._buckets.get(bucket_of(date), ())

    def __len__(self) -> int:
        return sum(map(len, self._buckets.values()))

    def add(self, guid: str, date: float) -> None:
        """Remember an activity."""
        self._buckets.setdefault(bucket_of(date), set()).add(guid)

    def forget_before(self, moment: float) -> None:
        """Forget the activities dated before the ten minutes of a moment."""
        for bucket in [bucket for bucket in self._buckets if bucket < bucket_of(moment)]:
            del self._buckets[bucket]


def bucket_of(date: float) -> int:
    """Return the number of the ten minutes that a date falls in."""
    return int(date // _BUCKET)
