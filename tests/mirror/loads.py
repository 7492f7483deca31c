"""Runs a producer without a destination: rows merge by key, and a kill loses what was not loaded."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from marketo_async import Marketo
from marketo_async.atomic_file import guard
from marketo_async.errors import InvalidRequest
from marketo_async.mirror.backfill.context import LoadContext
from marketo_async.mirror.chunks import LoadChunk
from marketo_async.mirror.meter import Allowance, Meter
from marketo_async.mirror.package import Producer, packed
from marketo_async.mirror.plan import InstanceFacts
from marketo_async.mirror.state import MirrorState
from marketo_async.mirror.tables import Catalog, MirrorTable
from tests.mirror.instances import POLL


class Killed(Exception):
    """The process died."""


class Loaded:
    """A destination in memory: ``tables`` holds rows by key, ``state`` is that of the last completed load."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.folder: Path | None = None  # of the exports
        self.tables: defaultdict[str, dict[tuple[object, ...], Any]] = defaultdict(dict)
        self.state = MirrorState(instance="123-ABC-456")
        self.chunks: list[LoadChunk] = []
        self.read_at: dict[tuple[str, tuple[object, ...]], float] = {}

    async def run(self, producer: Producer, *, chunks: int | None = None, loses: int = 0) -> bool:
        """Run a producer until it is done or ``chunks`` chunks were put; a kill loses the last ``loses`` of them."""
        waiting: list[LoadChunk] = []
        left = chunks

        async def put(chunk: LoadChunk) -> None:
            nonlocal left
            if left == 0:
                await asyncio.sleep(3_600)
            waiting.append(chunk)
            if chunk.ack is not None and not chunk.size and not chunk.progress:  # it waits for its load
                self.load(waiting)
                waiting.clear()
            if left is not None:
                left -= 1
                if left == 0:
                    full.set()

        full = asyncio.Event()
        work = asyncio.ensure_future(producer.run(put, self.state))
        gate = asyncio.ensure_future(full.wait())
        await asyncio.wait({work, gate}, return_when=asyncio.FIRST_COMPLETED)
        killed = not work.done()
        for task in (work, gate):
            task.cancel()
        await asyncio.gather(work, gate, return_exceptions=True)
        if self.folder is not None:
            await _released(self.folder)
        if not killed:
            work.result()
        self.load(waiting[: max(0, len(waiting) - loses)] if killed else waiting)
        return not killed

    def load(self, chunks: list[LoadChunk]) -> None:
        """Load chunks as one package."""
        self.state = packed(chunks, self.state).state
        for chunk in chunks:
            self.chunks.append(chunk)
            for name, rows in chunk.rows.items():
                table = self.catalog[name]
                for row in rows:
                    self.tables[name][table.key_of(row)] = row
                    self.read_at[name, table.key_of(row)] = chunk.read_at
            for name, keys in chunk.deletions.items():
                for key in keys:
                    self.tables[name].pop(self.catalog[name].key_of(key), None)
            if chunk.ack is not None:
                chunk.ack()

    async def stored(
        self, table: MirrorTable, sources: Sequence[str], *, before: float | None = None
    ) -> set[tuple[Any, ...]]:
        """Return the values of some columns, of rows that were read before a moment."""
        return {
            tuple(row.get(source) for source in sources)
            for key, row in self.tables[table.name].items()
            if before is None or self.read_at[table.name, key] < before
        }


async def _released(folder: Path) -> None:
    """Wait until threads that a kill would have ended no longer hold the files of exports."""
    for part in [*folder.glob("*.part")]:  # noqa: ASYNC240
        while True:
            with part.open("a") as file:
                try:
                    guard(file, part)
                    break
                except InvalidRequest:
                    await asyncio.sleep(0.001)


async def nothing_stored(
    table: MirrorTable, sources: Sequence[str], *, before: float | None = None
) -> set[tuple[Any, ...]]:
    """Return what an empty destination has."""
    return set()


def context(
    marketo: Marketo,
    catalog: Catalog,
    folder: Path,
    facts: InstanceFacts,
    *,
    loaded: Loaded | None = None,
    allowance: Allowance | None = None,
    **options: Any,
) -> LoadContext:
    """Return what producers share, with quick jobs."""
    clock = options.get("clock", time.time)
    if loaded is not None:
        loaded.folder = folder
    meter = Meter(marketo.governor, allowance or Allowance(calls=1_000_000), clock=clock)
    return LoadContext(
        marketo=marketo,
        catalog=catalog,
        meter=meter,
        folder=folder,
        facts=facts,
        stored=loaded.stored if loaded else nothing_stored,
        **{"poll": POLL, **options},
    )
