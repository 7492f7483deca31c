"""`Destination`: where the tables of a mirror are, through dlt, in one thread of its own.

The destination is the only memory. dlt's local folder is thrown away before anything else, since dlt would otherwise
repeat a load that a killed process left half done, and Postgres refuses its rows for ever. The state is that of the
last load that was completed.

https://dlthub.com/docs/general-usage/state
"""

from __future__ import annotations

import gc
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from msgspec import Struct

from marketo_async.errors import ConfigurationError, MarketoError
from marketo_async.mirror.dlt_tables import arrow_tables, resource_of
from marketo_async.mirror.dlt_targets import QUERY_MEMORY, destination_of, reported
from marketo_async.mirror.package import Package
from marketo_async.mirror.scratch import Scratch
from marketo_async.mirror.state import MirrorState
from marketo_async.mirror.tables import Catalog, MirrorColumn
from marketo_async.mirror.target import Target
from marketo_async.models.columns import ColumnType
from marketo_async.workthread import WorkThread

if TYPE_CHECKING:
    import dlt
    import pyarrow as pa
    from dlt.extract import DltResource

P = ParamSpec("P")
R = TypeVar("R")

SCHEMA = "marketo"  # of dlt's source, too
_AT_ONCE = 50_000  # rows fetched from a cursor
_PIPELINE = "marketo_mirror"  # the same everywhere, so that a database that was moved is still a mirror
_NOT_OPEN = "the destination is not open; call open() first"
_STATE = "mirror"  # the member of dlt's state that holds ours
_TIDY_EVERY, _STATES_KEPT = 100, 10  # loads; each adds a state of some kilobytes


class LoadReport(Struct, frozen=True, kw_only=True):
    """What a load wrote: rows and deletions by table."""

    rows: Mapping[str, int]


class Destination:
    """The tables of a mirror at a target. Every method runs in the destination's own thread, one after the other.

    Each raises `TargetUnavailable` where the database refuses or can't be reached, `ConfigurationError` where dlt lacks
    what it needs. ``folder`` is where the local files are kept, by default beside those of dlt. Only one process of a
    machine may load into a target at a time; others may query it.
    """

    def __init__(self, target: Target, *, folder: Path | None = None) -> None:
        self.target = target
        self._folder = folder
        self._scratch: Scratch | None = None
        self._thread = WorkThread("marketo-mirror")
        self._pipeline: dlt.Pipeline | None = None
        self.written: Counter[str] = Counter()
        """The rows and deletions that were written since it was made, by table."""
        self._clean = False  # no load is half done in the local folder
        self.exports: Path | None = None
        """Where files of export jobs are kept until they are loaded, once the destination is open."""

    def __repr__(self) -> str:
        return f"<Destination {self.target}>"

    async def open(self, instance: str) -> MirrorState:
        """Throw the local folder away, and return the state of the last completed load, or one that knows nothing.

        Raises `ConfigurationError` if the target is a mirror of another instance.
        """
        text = await self._run(self._open)
        return MirrorState(instance=instance) if text is None else MirrorState.read(text, instance=instance)

    async def load(self, package: Package, catalog: Catalog) -> LoadReport:
        """Write a package: create or widen its tables, merge its rows, delete its deletions, keep its state.

        After an error nothing of the package counts, and it can be loaded again. Raises `ConfigurationError` if another
        process writes to the target.
        """
        report = await self._run(self._load, package, catalog)
        self.written.update(report.rows)
        return report

    async def query(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Run a query, and return its rows. ``{name}`` is replaced by the qualified name of a table, ``%s`` by values.

        A query of a table that does not exist returns no rows.
        """
        return await self._run(self._query, sql, parameters)

    async def execute(self, *statements: str) -> None:
        """Run statements, such as those of a view, with ``{name}`` as in `query`."""
        await self._run(self._execute, statements)

    async def records(self, sql: str, *parameters: object) -> list[dict[str, Any]]:
        """Run a query as `query` does, and return its rows by the names of their columns."""
        return await self._run(self._records, sql, parameters)

    async def texts(self, sql: str, *parameters: object) -> pa.ChunkedArray:
        """Run a query of one column of text as `query` does, and return it as an Arrow array, which millions fit."""
        return await self._run(self._texts, sql, parameters)

    async def tables(self) -> set[str]:
        """Return the names of the tables that completed loads have created."""
        return await self._run(self._tables)

    async def columns(self, table: str) -> dict[str, MirrorColumn]:
        """Return the columns that a table of the mirror has, by Marketo's names; none if there is no such table."""
        return await self._run(self._columns, table)

    async def close(self) -> None:
        """Remove the local files."""
        await self._run(self._close)

    async def _run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await self._thread.run(function, *args, **kwargs)
        except MarketoError:
            raise
        except Exception as error:
            raise reported(error, self.target) from error

    def _open(self) -> str | None:
        os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"  # dlt reads them when its pipeline is made
        os.environ[f"{_PIPELINE.upper()}__LOAD__DELETE_COMPLETED_JOBS"] = "true"  # else files of all loads stay on disk
        os.environ.setdefault("RUNTIME__LOG_LEVEL", "ERROR")  # every table of Arrow has a warning about its hints
        import dlt  # noqa: PLC0415 - it may be imported only after that
        from dlt.common.pipeline import get_dlt_pipelines_dir  # noqa: PLC0415
        from dlt.common.runtime.anon_tracker import disable_anon_tracker  # noqa: PLC0415

        disable_anon_tracker()  # of a program that has used dlt already
        base = self._folder or Path(get_dlt_pipelines_dir()).parent / _PIPELINE
        self.exports = base / f"{self.target.digest}-exports"
        self._scratch = self._scratch or Scratch(base / self.target.digest)
        self._pipeline = dlt.pipeline(
            _PIPELINE,
            pipelines_dir=str(self._scratch.open()),
            destination=destination_of(self.target),
            dataset_name=self.target.dataset,
        )
        self._begin()
        sources = cast("Mapping[str, Any]", self._pipeline.state.get("sources", {}))
        text = sources.get(SCHEMA, {}).get(_STATE)
        return None if text is None else str(text)

    def _begin(self) -> None:
        """Throw away what is local, and take state and schema from the destination."""
        self._pipeline = self._opened().drop()
        self._pipeline.sync_destination()
        self._clean = True

    def _load(self, package: Package, catalog: Catalog) -> LoadReport:
        import dlt  # noqa: PLC0415

        tables = arrow_tables(package, catalog)
        text = package.state.text()

        def state() -> Iterator[None]:
            dlt.current.source_state()[_STATE] = text
            yield from ()

        def source() -> Iterator[DltResource]:
            yield dlt.resource(state, name="state")
            for name, found in tables.items():
                yield resource_of(catalog[name], found)

        self._written().write(str(self.target))
        if not self._clean:
            self._begin()
        self._clean = False
        self._opened().run(dlt.source(source, name=SCHEMA)())
        self._clean = True
        if package.state.loads % _TIDY_EVERY == 0 and self.target.kind != "dlt":
            self._tidy()
        gc.collect()  # dlt leaves cycles that hold the rows; unless they are collected, every load adds to the memory
        return LoadReport(rows={name: sum(map(len, found)) for name, found in tables.items()})

    def _tidy(self) -> None:
        """Delete the states of earlier loads, which dlt keeps for ever."""
        schema, state = self._opened().default_schema, self._opened().state
        states, loads = f"{{{schema.state_table_name}}}", f"{{{schema.loads_table_name}}}"
        oldest = state.get("_state_version", 0) - _STATES_KEPT
        self._execute(
            (
                f"DELETE FROM {states} WHERE version < {oldest}",  # noqa: S608 - dlt's own names, and a number
                f"DELETE FROM {loads} WHERE load_id NOT IN (SELECT _dlt_load_id FROM {states})",  # noqa: S608
            )
        )

    @contextmanager
    def _client(self) -> Iterator[Any]:
        with self._opened().sql_client() as client:
            if self.target.kind == "duckdb":
                client.execute_sql(QUERY_MEMORY)
            yield client

    def _query(self, sql: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
        from dlt.destinations.exceptions import DatabaseUndefinedRelation  # noqa: PLC0415

        with self._client() as client:
            try:
                rows: Any = client.execute_sql(sql.format_map(_Qualified(client)), *parameters)
            except DatabaseUndefinedRelation:
                return []
        return [tuple(row) for row in rows or ()]

    def _records(self, sql: str, parameters: Sequence[object]) -> list[dict[str, Any]]:
        with self._cursor(sql, parameters) as cursor:
            if cursor is None:
                return []
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def _texts(self, sql: str, parameters: Sequence[object]) -> pa.ChunkedArray:
        import pyarrow as pa  # noqa: PLC0415

        parts: list[pa.Array] = []
        with self._cursor(sql, parameters) as cursor:
            while cursor is not None and (rows := cursor.fetchmany(_AT_ONCE)):
                parts.append(pa.array([row[0] for row in rows], pa.string()))
        return pa.chunked_array(parts, pa.string())

    @contextmanager
    def _cursor(self, sql: str, parameters: Sequence[object]) -> Iterator[Any]:
        """Run a query; ``None`` stands for the rows of a table that does not exist."""
        from dlt.destinations.exceptions import DatabaseUndefinedRelation  # noqa: PLC0415

        with self._client() as client, ExitStack() as stack:
            cursor: Any = None
            with suppress(DatabaseUndefinedRelation):
                cursor = stack.enter_context(client.execute_query(sql.format_map(_Qualified(client)), *parameters))
            yield cursor

    def _execute(self, statements: Iterable[str]) -> None:
        with self._client() as client:
            names = _Qualified(client)
            for statement in statements:
                client.execute_sql(statement.format_map(names))

    def _tables(self) -> set[str]:
        return {*self._schema()}

    def _schema(self) -> Mapping[str, Any]:
        pipeline = self._opened()
        return pipeline.schemas[SCHEMA].tables if SCHEMA in pipeline.schema_names else {}

    def _columns(self, table: str) -> dict[str, MirrorColumn]:
        tables = self._schema()
        if table not in tables:
            return {}
        found = (
            MirrorColumn(name, cast("ColumnType", column["data_type"]), column["description"])
            for name, column in tables[table]["columns"].items()
            if "description" in column and "data_type" in column
        )
        return {column.source: column for column in found}

    def _close(self) -> None:
        if self._pipeline is not None:
            self._pipeline.deactivate()
            self._pipeline = None
            self._written().close()

    def _written(self) -> Scratch:
        if self._scratch is None:
            raise ConfigurationError(_NOT_OPEN)
        return self._scratch

    def _opened(self) -> dlt.Pipeline:
        if self._pipeline is None:
            raise ConfigurationError(_NOT_OPEN)
        return self._pipeline


class _Qualified(dict[str, str]):
    """The qualified names of tables, for ``str.format_map``."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __missing__(self, name: str) -> str:
        return str(self._client.make_qualified_table_name(name))
