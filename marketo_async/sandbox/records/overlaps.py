"""The keys of the writes under way, and how often a write had the same key as another write under way.

Marketo guarantees nothing for such writes; for leads it makes duplicates. See ``upsert`` for their effect.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Overlaps:
    """The keys of the writes under way; ``seen`` counts, by kind, the records whose key another call was writing."""

    seen: Counter[str] = field(default_factory=Counter)
    _under_way: Counter[Hashable] = field(default_factory=Counter)

    @contextmanager
    def writing(self, kind: str, keys: Iterable[Hashable]) -> Iterator[None]:
        """Mark a call's keys as under way, from its arrival until just before its answer."""
        own = {(kind, key) for key in keys if key is not None}
        self.seen[kind] += sum(self._under_way[key] > 0 for key in own)
        self._under_way.update(own)
        try:
            yield
        finally:
            self._under_way.subtract(own)
            self._under_way = +self._under_way
