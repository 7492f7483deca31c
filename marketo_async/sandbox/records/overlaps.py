"""Which keys are being written right now, and how often a write found one of its keys in another one under way.

Marketo promises nothing for such writes: of leads it makes duplicates. Not here: what comes of them (upserts).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Overlaps:
    """The keys of the writes under way; ``seen`` counts the records that met their key in another call, by kind."""

    seen: Counter[str] = field(default_factory=Counter)
    _under_way: Counter[Hashable] = field(default_factory=Counter)

    @contextmanager
    def writing(self, kind: str, keys: Iterable[Hashable]) -> Iterator[None]:
        """Count a call's keys as under way, from its arrival until just before its answer."""
        own = {(kind, key) for key in keys if key is not None}
        self.seen[kind] += sum(self._under_way[key] > 0 for key in own)
        self._under_way.update(own)
        try:
            yield
        finally:
            self._under_way.subtract(own)
            self._under_way = +self._under_way
