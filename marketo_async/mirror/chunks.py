"""`LoadChunk`: what a producer hands to the mirror to be loaded. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

MirrorRow = Mapping[str, Any]
"""A row by Marketo's names (``MirrorColumn.source``). Names that the table does not have are left out."""


class LoadChunk(Struct, frozen=True, kw_only=True):
    """Rows and deletions by table, and what the state keeps once they are loaded.

    ``rows`` of a table are dicts by Marketo's names, or a pyarrow Table whose columns have the names and types of the
    destination; an empty list creates the table. ``deletions`` are dicts with the columns of the key. ``read_at`` is
    the moment (epoch seconds of this machine) at which the request for the oldest of them began; for a bulk job, the
    moment at which it was queued.

    ``snapshot`` says that the feed may know newer rows: those that the feed has read since ``read_at`` are kept, and
    what it has deleted is not written again. ``gone`` are leads that no longer exist: their memberships go too.
    ``progress`` is JSON by producer, ``position`` that of the feed. ``calls`` and ``exported`` are the calls and bytes
    of export that it took. ``ack`` is called after the load.
    """

    rows: Mapping[str, Sequence[MirrorRow] | Any] = {}
    deletions: Mapping[str, Sequence[MirrorRow]] = {}
    read_at: float
    snapshot: bool = False
    gone: frozenset[int] = frozenset()
    progress: Mapping[str, Any] = {}
    position: str | None = None
    calls: int = 0
    exported: int = 0
    ack: Callable[[], None] | None = None

    @property
    def size(self) -> int:
        """How many rows and deletions it has."""
        return sum(map(len, self.rows.values())) + sum(map(len, self.deletions.values()))
