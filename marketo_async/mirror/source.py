"""`source`: an instance as a dlt source, for pipelines that others run: Airflow, Dagster, Prefect, or a script.

The pipeline that runs it owns destination, dataset and state; see `Mirror` for the one that runs itself. Each run loads
what is missing, then applies what has changed since; the position is in dlt's state, in the package of its rows.

https://dlthub.com/docs/general-usage/source
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from queue import Empty, Queue
from typing import TYPE_CHECKING, Any

import anyio
from anyio.from_thread import start_blocking_portal
from msgspec import Struct

from marketo_async.client import Marketo
from marketo_async.mirror.chunks import LoadChunk
from marketo_async.mirror.describing import Tables
from marketo_async.mirror.dlt_tables import arrow_tables, column_hints, whole
from marketo_async.mirror.freshness import Freshness
from marketo_async.mirror.loading import SCHEMA, Destination, LoadReport
from marketo_async.mirror.package import Package
from marketo_async.mirror.runner import Mirror
from marketo_async.mirror.state import MirrorState
from marketo_async.mirror.tables import Catalog, MirrorTable
from marketo_async.mirror.target import Target
from marketo_async.models.moment import When

if TYPE_CHECKING:
    import dlt
    import pyarrow as pa
    from dlt.extract import DltResource, DltSource

_STATE = "mirror"
_GONE = "gone"
_ACTIVITIES = "activities"
_OTHERS = "others"
_OWN = (
    "leads",
    "lead_changes",
    "lead_deletions",
    "lead_merges",
    "lists",
    "list_members",
    "programs",
    "program_members",
)
_PAUSE = 0.02  # seconds between two looks whether dlt has taken a package
_LOOK = 0.2  # seconds between two looks whether the mirror has ended


class _Extracted(Struct, frozen=True):
    """The rows of a package by table, and the state after it."""

    tables: list[tuple[MirrorTable, pa.Table]]
    state: str
    gone: tuple[int, ...]


def source(
    marketo: Marketo | Callable[[], Marketo] = Marketo.from_env,
    *,
    tables: Tables = "all",
    since: When | None = None,
) -> DltSource:
    """Return an instance as a dlt source: a resource for each table, one for the activities of all types.

    ``marketo`` is a client that is not open, or a function that makes one, by default from the environment. ``tables``
    and ``since`` are those of `Mirror`. Rows merge by key; deletions and merges of leads are applied. The source is
    incremental by the feed's position in dlt's state: run it again, and it continues. One pipeline and dataset hold one
    instance. Raises `ConfigurationError`, as it runs, for the state of another instance.
    """
    import dlt  # noqa: PLC0415 - it takes long

    def packages() -> Iterator[_Extracted]:
        state: dict[str, Any] = dlt.current.source_state()
        extraction = _Extraction(dlt.current.pipeline(), state.get(_STATE), state.get(_GONE, ()))
        client = marketo if isinstance(marketo, Marketo) else marketo()
        for package in _packages(client, extraction, tables=tables, since=since):
            state[_STATE] = package.state
            state[_GONE] = list(package.gone)
            yield package

    def resources() -> Iterator[DltResource]:
        root = dlt.resource(packages, name="packages", selected=False)
        for name in _names(tables):
            yield dlt.transformer(_picking(name), data_from=root, name=name)

    made: DltSource = dlt.source(resources, name=SCHEMA)()
    return made


def _names(tables: Tables) -> list[str]:
    """Return the names of the resources of some tables."""
    return [*_OWN, _ACTIVITIES, _OTHERS] if tables == "all" else list(dict.fromkeys(map(_resource_of, tables)))


def _resource_of(table: str) -> str:
    if table in _OWN:
        return table
    return _ACTIVITIES if table.startswith("activit") else _OTHERS


def _picking(name: str) -> Callable[[_Extracted], Iterator[Any]]:
    """Return a function that yields the rows of the tables of one resource."""

    def pick(package: _Extracted) -> Iterator[Any]:
        import dlt  # noqa: PLC0415

        for table, rows in package.tables:
            if _resource_of(table.name) == name:
                hints = dlt.mark.make_hints(
                    table_name=table.name,
                    write_disposition="merge",
                    primary_key=table.key,
                    columns=column_hints(table),
                )
                yield dlt.mark.with_hints(rows, hints, create_table_variant=True)

    return pick


def _packages(marketo: Marketo, extraction: _Extraction, *, tables: Tables, since: When | None) -> Iterator[_Extracted]:
    """Run a mirror in a thread of its own, and yield its packages as they come."""

    async def run() -> None:
        mirror = Mirror(marketo, extraction.target, tables=tables, since=since, destination=extraction)
        async with marketo, mirror:
            await mirror.run()

    with start_blocking_portal() as portal:
        running = portal.start_task_soon(run)
        try:
            while not running.done() or not extraction.packages.empty():
                with suppress(Empty):
                    yield extraction.packages.get(timeout=_LOOK)
            running.result()
        finally:
            running.cancel()


class _Extraction(Destination):
    """A destination that belongs to a running pipeline: it can be queried, and its loads become packages to extract."""

    def __init__(self, pipeline: dlt.Pipeline, text: str | None, gone: Sequence[int]) -> None:
        place = pipeline.destination.destination_name if pipeline.destination else pipeline.pipeline_name
        super().__init__(Target(kind="dlt", place=place, dataset=pipeline.dataset_name or ""))
        self._pipeline = pipeline
        self._text = text
        self._left = frozenset(gone)
        self._gone: set[int] = set()
        self.packages: Queue[_Extracted] = Queue(maxsize=1)

    async def open(self, instance: str) -> MirrorState:
        """Return the state that the pipeline has."""
        if self._text is None:
            return MirrorState(instance=instance)
        return MirrorState.read(self._text, instance=instance)

    async def load(self, package: Package, catalog: Catalog) -> LoadReport:
        """Hand a package to dlt; return once it has the one before."""
        for chunk in package.chunks:
            self._gone |= chunk.gone
        if self._left:  # leads that went in the run before, when its rows could not be queried yet
            package = await self._without_memberships(package, catalog)
        parts = arrow_tables(package, catalog)
        tables = [(catalog[name], whole(catalog[name], some)) for name, some in parts.items()]
        found = _Extracted(tables, package.state.text(), tuple(sorted(self._gone)))
        while self.packages.full():  # noqa: ASYNC110 - another thread takes, only this one puts
            await anyio.sleep(_PAUSE)
        self.packages.put_nowait(found)
        return LoadReport(rows={table.name: len(rows) for table, rows in tables})

    async def execute(self, *statements: str) -> None:
        """Make no view: the tables of this run do not exist yet."""

    async def close(self) -> None:
        """Leave the pipeline to its owner."""

    async def _without_memberships(self, package: Package, catalog: Catalog) -> Package:
        read_at = max((chunk.read_at for chunk in package.chunks), default=0.0)
        freshness = Freshness(self, catalog, started=read_at)
        deletions, self._left = await freshness.memberships(self._left), frozenset()
        return Package(chunks=[*package.chunks, LoadChunk(deletions=deletions, read_at=read_at)], state=package.state)
