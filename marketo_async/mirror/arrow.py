"""From rows to Arrow tables of a table's column types. Pure.

A value that does not fit the type of its column goes, as text, into a column of its own, called after dlt's custom
``<column>__v_text``; so nothing is lost when a field of an instance changes its type.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from marketo_async.bulk.rows.arrow import ARROW
from marketo_async.mirror.chunks import MirrorRow
from marketo_async.mirror.tables import DELETED, READ_AT, MirrorColumn, MirrorTable
from marketo_async.models.columns import ColumnType, as_text, fitting

VARIANT = "__v_text"


def arrow_rows(table: MirrorTable, rows: Sequence[MirrorRow], *, read_at: float, deleted: bool = False) -> pa.Table:
    """Return rows as an Arrow table with the names and types of the columns, and the mirror's own columns.

    ``deleted`` rows have their key alone. A column in which none of them has a value is left out.
    """
    columns = table.key_columns if deleted else table.columns
    return with_own_columns(_values(table, columns, rows), read_at=read_at, deleted=deleted)


def arrow_values(table: MirrorTable, rows: Sequence[MirrorRow]) -> pa.Table:
    """Return rows as `arrow_rows` does, without the mirror's own columns."""
    return _values(table, table.columns, rows)


def with_own_columns(values: pa.Table, *, read_at: float, deleted: bool = False) -> pa.Table:
    """Return an Arrow table with the mirror's own columns."""
    count = len(values)
    moment = pa.scalar(datetime.fromtimestamp(read_at, UTC), ARROW["timestamp"])
    values = values.append_column(READ_AT, pa.repeat(moment, count))
    return values.append_column(DELETED, pa.repeat(pa.scalar(True if deleted else None, pa.bool_()), count))


def _values(table: MirrorTable, columns: Iterable[MirrorColumn], rows: Sequence[MirrorRow]) -> pa.Table:
    arrays: dict[str, pa.Array] = {}
    for column in columns:
        values = [row.get(column.source) for row in rows]
        if values and column.name not in table.key and values.count(None) == len(values):
            continue
        arrays[column.name], unfit = _array(values, column.type)
        if unfit is not None:
            arrays[f"{column.name}{VARIANT}"] = unfit
    return pa.table(arrays)


def _array(values: list[Any], kind: ColumnType) -> tuple[pa.Array, pa.Array | None]:
    """Return the values as an array of a type, and those that do not fit it as text, if there are any."""
    exact = _EXACT.get(kind)
    if exact is not None and {type(value) for value in values} <= {exact, type(None)}:
        try:
            return pa.array(values, ARROW[kind]), None
        except (pa.ArrowInvalid, OverflowError):  # a whole number beyond 64 bits
            pass
    fit: list[Any] = []
    unfit: list[str | None] = []
    for value in values:
        found = None if value is None else fitting(kind, value)
        fit.append(found)
        unfit.append(None if value is None or found is not None else as_text(value))
    rest = pa.array(unfit, pa.string()) if any(text is not None for text in unfit) else None
    return pa.array(fit, ARROW[kind]), rest


_EXACT: Mapping[ColumnType, type] = {"text": str, "bigint": int, "double": float, "bool": bool}
