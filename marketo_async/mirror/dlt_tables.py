"""From a package to dlt's resources: one Arrow table for each table, which merges by its key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from marketo_async.mirror.arrow import arrow_rows, with_own_columns
from marketo_async.mirror.package import Package
from marketo_async.mirror.tables import DELETED, READ_AT, Catalog, MirrorTable

if TYPE_CHECKING:
    import pyarrow as pa
    from dlt.extract import DltResource

_OWN_HINTS: Mapping[str, Any] = {
    READ_AT: {"name": READ_AT, "data_type": "timestamp", "dedup_sort": "desc"},
    DELETED: {"name": DELETED, "data_type": "bool", "hard_delete": True},
}


def arrow_tables(package: Package, catalog: Catalog) -> dict[str, list[pa.Table]]:
    """Return the rows and deletions of a package by table."""
    tables: dict[str, list[pa.Table]] = {}
    for chunk in package.chunks:
        for name, rows in chunk.rows.items():
            parts = tables.setdefault(name, [])
            if not isinstance(rows, Sequence):
                parts.append(with_own_columns(rows, read_at=chunk.read_at))
            elif rows:
                parts.append(arrow_rows(catalog[name], rows, read_at=chunk.read_at))
        for name, keys in chunk.deletions.items():
            if keys:
                found = arrow_rows(catalog[name], keys, read_at=chunk.read_at, deleted=True)
                tables.setdefault(name, []).append(found)
    return tables


def whole(table: MirrorTable, found: Sequence[pa.Table]) -> pa.Table:
    """Return parts of a table as one, which may have no rows."""
    import pyarrow as pa  # noqa: PLC0415

    return pa.concat_tables(found or [arrow_rows(table, (), read_at=0.0)], promote_options="default")


def column_hints(table: MirrorTable) -> dict[str, Any]:
    """Return what dlt has to know of the columns of a table."""
    hints: dict[str, Any] = {
        column.name: {"name": column.name, "data_type": column.type, "description": column.source}
        for column in table.columns
    }
    return {**hints, **{name: dict(hint) for name, hint in _OWN_HINTS.items()}}  # dlt may change them


def resource_of(table: MirrorTable, found: Sequence[pa.Table]) -> DltResource:
    """Return the resource that merges parts of a table."""
    import dlt  # noqa: PLC0415

    resource: DltResource = dlt.resource(
        [whole(table, found)],
        name=table.name,
        write_disposition="merge",
        primary_key=table.key,
        columns=column_hints(table),
    )
    return resource
