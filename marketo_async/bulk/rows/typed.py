"""`TypedMaker`: makes rows whose values have the types of their columns. Pure.

A value that is not text may have blanks around it, and is ``None`` where its cell is empty. See ``arrow`` for the same
rows as record batches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec import Raw, Struct

from marketo_async.bulk.rows.attributes import AttributeColumns
from marketo_async.bulk.rows.blocks import RawRecord
from marketo_async.bulk.rows.reader import DictMaker
from marketo_async.errors import BadRow
from marketo_async.models.activities import ActivityType
from marketo_async.models.columns import ColumnType, UnfitValue, fitted

TypedRow = dict[str, object]

_BLANKS = " \t"
_DIGITS = 19  # of the largest number of 64 bits
_MOMENT = len("2026-01-31T12:00:00Z")


class ColumnTypes(Struct, frozen=True):
    """The types of a file's columns; those that it does not have are text.

    With ``activity``, the attributes of activities of that one type become columns, too.
    """

    types: Mapping[str, ColumnType] = {}
    activity: ActivityType | None = None

    def kind(self, column: str) -> ColumnType:
        """Return the type of a column."""
        return self.types.get(column, "text")

    def attributes(self, columns: Sequence[str]) -> AttributeColumns | None:
        """Return the columns of the attributes for a file with these columns, if they become columns."""
        return AttributeColumns.of(self.activity, columns) if self.activity is not None else None


class TypedMaker:
    """Makes rows as ``dict`` with typed values; ``json`` cells become `Raw`, or stay text with ``json=False``."""

    def __init__(self, columns: Sequence[str], types: ColumnTypes, *, json: bool = True) -> None:
        self._dicts = DictMaker(columns)
        as_text = {"text"} if json else {"text", "json"}
        kinds: dict[str, ColumnType] = {name: types.kind(name) for name in columns}
        self._types: dict[str, ColumnType] = {name: kind for name, kind in kinds.items() if kind not in as_text}
        self._attributes = None if json else types.attributes(columns)

    def many(self, records: Iterable[Sequence[str]], *, null: bool) -> list[TypedRow]:
        """Make rows; raises `ValueError` if any can't be made."""
        rows: list[TypedRow] = self._dicts.many(records, null=null)  # type: ignore[assignment]
        for row in rows:
            self._give_types(row)
        return rows

    def one(self, record: RawRecord) -> TypedRow:
        """Make one row; raises `BadRow` that names the column whose value does not fit."""
        row: TypedRow = self._dicts.one(record)  # type: ignore[assignment]
        try:
            self._give_types(row)
        except UnfitValue as error:
            raise BadRow(str(error), line=record.line, column=error.column, text=record.text) from error
        return row

    def _give_types(self, row: TypedRow) -> None:
        for name, kind in self._types.items():
            if isinstance(cell := row[name], str):
                row[name] = typed(name, kind, cell)
        if self._attributes is not None:
            self._attributes.add_to(row)


def typed(column: str, kind: ColumnType, cell: str) -> object:
    """Return the value of a cell that is not text; raises `UnfitValue`. Moments are in UTC."""
    usual = _USUAL.get(kind)
    if usual is not None and (known := usual(cell)) is not None:
        return known
    plain = cell.strip(_BLANKS)
    if not plain:
        return None
    if kind != "json":
        return fitted(column, kind, plain, text=cell)
    try:
        msgspec.json.decode(plain)
    except msgspec.DecodeError as error:
        raise UnfitValue(column, kind, cell) from error
    return Raw(plain)


def _usual_number(cell: str) -> int | None:
    return int(cell) if cell.isascii() and cell.isdecimal() and len(cell) < _DIGITS else None


def _usual_moment(cell: str) -> datetime | None:
    if len(cell) != _MOMENT or not cell.endswith("Z"):
        return None
    try:
        return datetime.fromisoformat(cell)
    except ValueError:
        return None


# How almost all cells are written, read five times faster; `None` for any other.
_USUAL: Mapping[ColumnType, Callable[[str], object]] = {
    "bigint": _usual_number,
    "bool": {"true": True, "false": False}.get,
    "timestamp": _usual_moment,
}
