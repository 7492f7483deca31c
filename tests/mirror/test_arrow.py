"""Rows as Arrow tables: typed, and nothing is lost that does not fit its column."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketo_async.mirror.arrow import VARIANT, arrow_rows, with_own_columns
from marketo_async.mirror.tables import table_of
from marketo_async.models.columns import ColumnType

TYPES: list[ColumnType] = ["text", "bigint", "double", "bool", "timestamp", "date", "json"]
TABLE, _ = table_of("t", ["id"], [("id", "bigint"), *((kind, kind) for kind in TYPES)])
READ = datetime(2026, 11, 25, tzinfo=UTC)


def one(kind: ColumnType, value: object) -> dict[str, Any]:
    (row,) = arrow_rows(TABLE, [{"id": 1, kind: value}], read_at=READ.timestamp()).to_pylist()
    return {name: value for name, value in row.items() if name.startswith(kind)}


@pytest.mark.parametrize(
    ("kind", "value", "held"),
    [
        ("text", "a", "a"),
        ("text", 7, "7"),
        ("text", True, "true"),
        ("bigint", 7, 7),
        ("bigint", "7", 7),
        ("bigint", 7.0, 7),
        ("double", 1.5, 1.5),
        ("double", 2, 2.0),
        ("double", "2.5", 2.5),
        ("bool", True, True),
        ("bool", "false", False),
        ("bool", 1, True),
        ("timestamp", "2026-01-31T10:00:00Z", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("timestamp", "2026-01-31T10:00:00Z+0000", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("timestamp", datetime(2026, 1, 31, 10, tzinfo=UTC), datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("timestamp", datetime(2026, 1, 31, 10), datetime(2026, 1, 31, 10, tzinfo=UTC)),  # noqa: DTZ001
        ("date", "2026-01-31", date(2026, 1, 31)),
        ("date", date(2026, 1, 31), date(2026, 1, 31)),
        ("json", {"a": [1]}, '{"a":[1]}'),
        ("json", "a", '"a"'),
    ],
)
def test_a_value_has_the_type_of_its_column(kind: ColumnType, value: object, held: object) -> None:
    assert one(kind, value) == {kind: held}


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("bigint", "many", "many"),
        ("bigint", 2**63, "9223372036854775808"),
        ("bigint", 1.5, "1.5"),
        ("bigint", True, "true"),
        ("double", "NaN and more", "NaN and more"),
        ("bool", "perhaps", "perhaps"),
        ("timestamp", "yesterday", "yesterday"),
        ("timestamp", 7, "7"),
        ("date", "2026-02-31", "2026-02-31"),
        ("date", datetime(2026, 1, 31, 10, tzinfo=UTC), '"2026-01-31T10:00:00Z"'),
    ],
)
def test_a_value_that_does_not_fit_is_kept_as_text_beside_its_column(
    kind: ColumnType, value: object, text: str
) -> None:
    assert one(kind, value) == {kind: None, f"{kind}{VARIANT}": text}


VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.dates()


@given(st.sampled_from(TYPES), st.lists(VALUES, min_size=1))
def test_no_value_is_lost(kind: ColumnType, values: list[object]) -> None:
    rows = [{"id": number, kind: value} for number, value in enumerate(values)]
    held = arrow_rows(TABLE, rows, read_at=0.0).to_pylist()

    for row, value in zip(held, values, strict=True):
        kept = [row.get(kind), row.get(f"{kind}{VARIANT}")]
        assert kept.count(None) == (2 if value is None else 1)


def test_a_deletion_has_its_key_alone_and_says_so() -> None:
    table = arrow_rows(TABLE, [{"id": 1, "text": "a"}], read_at=READ.timestamp(), deleted=True)

    assert table.to_pylist() == [{"id": 1, "_read_at": READ, "_deleted": True}]


def test_no_rows_have_every_column() -> None:
    table = arrow_rows(TABLE, [], read_at=0.0)

    assert table.column_names == ["id", *TYPES, "_read_at", "_deleted"]


def test_an_arrow_table_gets_the_mirrors_own_columns() -> None:
    table = with_own_columns(pa.table({"id": [1]}), read_at=READ.timestamp())

    assert table.to_pylist() == [{"id": 1, "_read_at": READ, "_deleted": None}]
