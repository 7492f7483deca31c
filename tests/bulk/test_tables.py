"""Record batches of bulk files: pyarrow's reader and ours make the same rows of any file."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import partial
from os import environ
from typing import Any

import pyarrow as pa
import pytest

from marketo_async.bulk.rows.arrow import ARROW, BLOCK, BatchReader
from marketo_async.bulk.rows.blocks import LONGEST_RECORD
from marketo_async.bulk.rows.reader import Layout, Reader
from marketo_async.bulk.rows.typed import ColumnTypes, TypedMaker, TypedRow
from marketo_async.errors import BadRow
from marketo_async.models.activities import ActivityType, AttributeType
from marketo_async.models.bulk import FileFormat
from marketo_async.models.columns import ColumnType

KINDS: list[ColumnType] = list(ARROW)
TABLES, SHARDS = int(environ.get("TABLES", "40000")), 8
PLAIN: Mapping[ColumnType, list[str]] = {
    "text": ["abc", "Ann", "null", "x@y.z", '"Doe, J"', '""'],
    "bigint": ["1", "-5", "null", "9223372036854775807"],
    "double": ["1.5", "0.1", "null", "1e5", "4.9e-324", "1.7976931348623159e308"],
    "bool": ["true", "false", "null", "1", "0"],
    "date": ["2013-09-05", "null", "9999-12-31", "0001-01-01"],
    "timestamp": ["2013-09-05T18:17:19Z", "null", "1969-12-31T23:59:59.999999Z", "2013-09-05 18:17:19+0530"],
    "json": ['"{""a"": 1}"', "null", '"{""null"": ""x,y""}"'],
}
ODD: Mapping[ColumnType, list[str]] = {
    "text": [
        *("", '"null"', '"q,c"', '"a""b"', '"x\ny"', '"x\r\ny"', 'a"b', '"ab"c', '"', '""""', "a\rb", "\x00", " sp "),
        *("é漢", "\ufeffz", '"\ufeffq"', "0x1F", "NULL", '"","', '"a\n\nb"', ",", "\\", 'a\\"b', "nullx"),
    ],
    "bigint": [
        *("0x1F", "0X", "007", " 12 ", "+5", "9223372036854775808", "1.0", "", "1e3", "\t5", '"5"', '" 7"', '"null"'),
        *("12x", "-0", "abc", "\uff11\uff12", "1_0", "true"),
    ],
    "double": [
        *("nan", "inf", "-Infinity", "1.", ".5", "1e400", "+1.5", " 2.5", "0x1p3", "1_0", "1e-400", "nan(1)", "", "-"),
        *('"2.5"', "1,5"),
    ],
    "bool": ["TRUE", "tRue", " true", "t", "", '"true"', "False", "yes", "2"],
    "date": ["2013-9-5", " 2013-09-05", "0000-01-01", "2013-09-05T00:00:00", "2013-02-30", "", "-2013-09-05"],
    "timestamp": [
        *("2013-09-05T18:17:19+0000", "2013-09-05T18:17:19-05", "2013-09-05T18:17:19.1234567Z", "2013-09-05Z"),
        *("2013-09-05T18Z", "2013-09-05T18:17Z", "2013-09-05T25:00:00Z", "0000-01-01T00:00:00Z", "2013-09-05"),
        *("2013-09-05t18:17:19z", " 2013-09-05T18:17:19Z", "2013-09-05T18:17:19", "2013-09-05T18:17:19Z+0000"),
        *("2013-09-05T18:17:60Z", "2013-09-05T18:17:19+25:00", "2013-09-05T18:17:19+23:59", "20130905T181719Z"),
        *("0001-01-01T00:00:00+10:00", "9999-12-31T23:59:59-10:00", "2013-09-05T18:17:19.Z", "", "null "),
    ],
    "json": ["", "x", '"{""a"""', "[1]"],
}
FORMATS: Mapping[str, FileFormat] = {",": "CSV", ";": "SSV", "\t": "TSV"}


def table(rng: random.Random) -> tuple[dict[str, ColumnType], FileFormat, bytes]:
    """Make a file: a third is clean, a third has a few odd cells and ends, a third many."""
    types = {f"c{number}": rng.choice(KINDS) for number in range(rng.randint(1, 5))}
    odd, end, between = (
        rng.choice([0.0, 0.02, 0.3]),
        rng.choice(["\n", "\n", "\r\n"]),
        rng.choice([",", ",", ";", "\t"]),
    )
    lines = [between.join(types)]
    for _ in range(rng.randint(0, 12)):
        cells = [rng.choice(PLAIN[kind] if rng.random() >= odd else ODD[kind] + ODD["text"]) for kind in types.values()]
        if rng.random() < odd / 4:
            cells = cells[:-1] if rng.random() < 0.5 else [*cells, "more"]
        lines.append(between.join(cell.replace(",", between) for cell in cells))
        lines += [""] if rng.random() < odd / 4 else []
    ends = (end if rng.random() >= odd / 6 else rng.choice(["\n", "\r\n", "\r"]) for _ in lines)
    data = "".join(line + mark for line, mark in zip(lines, ends, strict=True)).encode()
    data = data[: -len(end)] if rng.random() < 0.3 else data
    if rng.random() < odd / 5:
        at = rng.randrange(len(data))
        data = data[:at] + rng.randbytes(1) + data[at:]
    return types, FORMATS[between], data


class Counting(BatchReader):
    """Counts the blocks that pyarrow reads, and those that it does not."""

    read: dict[bool, int]

    def _read_block(self, data: bytes, layout: Layout) -> Any:
        found = super()._read_block(data, layout)
        self.read[found is not None] += bool(data)
        return found


def drained(reader: BatchReader | Reader[TypedRow], data: bytes, size: int) -> Iterator[Any]:
    for at in range(0, len(data), size):
        yield from reader.feed(data[at : at + size])
    while rest := reader.close():
        yield from rest


def outcome(make: Any, rows: Any) -> tuple[object, list[object]]:
    """Return the rows, or the error of a header that can't be read, and the bad rows."""
    bad: list[BadRow] = []
    try:
        found: object = rows(make(on_bad_row=bad.append))
    except BadRow as error:
        found = str(error)
    return found, [(str(row), row.line, row.column, row.text) for row in bad]


def both(types: ColumnTypes, format: FileFormat, data: bytes, size: int, read: dict[bool, int]) -> list[Any]:
    """Return the outcomes of both readers."""

    def batches(reader: Counting) -> list[TypedRow]:
        reader.read = read
        return [row for batch in drained(reader, data, size) for row in plain(batch)]

    def exact(reader: Reader[TypedRow]) -> list[TypedRow]:
        return list(drained(reader, data, size))

    maker = partial(TypedMaker, types=types, json=False)
    return [
        outcome(partial(Counting, types, format=format), batches),
        outcome(partial(Reader, maker, format=format), exact),
    ]


def plain(batch: pa.RecordBatch) -> list[TypedRow]:
    """Return the rows of a batch with the time zone that Python knows without a database."""
    return [
        {name: value.astimezone(UTC) if isinstance(value, datetime) else value for name, value in row.items()}
        for row in batch.to_pylist()
    ]


def compare(seeds: Sequence[int]) -> dict[bool, int]:
    read = {True: 0, False: 0}
    for seed in seeds:
        rng = random.Random(seed)
        types, kind, data = table(rng)
        size = rng.choice([len(data) + 1, 7, 30])
        fast, exact = both(ColumnTypes(types), kind, data, size, read)
        assert repr(fast) == repr(exact), (seed, types, kind, data)
    return read


def test_both_readers_make_the_same_rows_of_any_table() -> None:
    read = compare(range(1_500))
    assert min(read.values()) > 1_000


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(SHARDS))
def test_both_readers_make_the_same_rows_of_tens_of_thousands_of_tables(shard: int) -> None:
    compare(range(10_000 + shard, 10_000 + TABLES, SHARDS))


@pytest.mark.parametrize("kind", KINDS)
def test_each_cell_alone_is_read_as_ours_reads_it(kind: ColumnType) -> None:
    for cell in [*PLAIN[kind], *ODD[kind]]:
        data = f"a,b\n{cell},x\n".encode()
        fast, exact = both(ColumnTypes({"a": kind}), "CSV", data, 100, {True: 0, False: 0})
        assert repr(fast) == repr(exact), cell


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        ("text", " a ", " a "),
        ("text", "", ""),
        ("text", '"null"', "null"),
        ("bigint", " 12 ", 12),
        ("bigint", "", None),
        ("double", "3", 3.0),
        ("bool", "TRUE", True),
        ("bool", "0", False),
        ("date", "2013-09-05", date(2013, 9, 5)),
        ("timestamp", "2013-09-05T18:17:19-05:00", datetime(2013, 9, 5, 23, 17, 19, tzinfo=UTC)),
        ("timestamp", "2013-09-05T18:17:19", datetime(2013, 9, 5, 18, 17, 19, tzinfo=UTC)),
        ("json", '"{""a"": 1}"', '{"a": 1}'),
        *((kind, "null", None) for kind in KINDS),
    ],
)
def test_a_cell_has_the_type_of_its_column(kind: ColumnType, cell: str, value: object) -> None:
    [batch] = drained(BatchReader(ColumnTypes({"a": kind})), f"a,b\n{cell},x\n".encode(), 100)
    assert plain(batch) == [{"a": value, "b": "x"}]
    assert batch.schema.types == [ARROW[kind], pa.string()]


@pytest.mark.parametrize(
    ("kind", "cell", "message"),
    [
        ("bigint", "0x1F", "'0x1F' is not a whole number of 64 bits"),
        ("bigint", str(2**63), "is not a whole number of 64 bits"),
        ("double", "nan", "'nan' is not a number"),
        ("bool", "yes", "'yes' is not true or false"),
        ("date", "5/9/2013", "'5/9/2013' is not a date"),
        ("timestamp", "soon", "'soon' is not a moment"),
        ("timestamp", "9999-12-31T23:59:59-10:00", "is not a moment"),
        ("bigint", '"null"', "'null' is not a whole number"),
    ],
)
def test_a_cell_that_does_not_fit_raises_with_its_line_and_field(kind: ColumnType, cell: str, message: str) -> None:
    data = f"id,a\n1,null\n2,{cell}\n3,null\n".encode()
    reader = BatchReader(ColumnTypes({"id": "bigint", "a": kind}))
    [before] = reader.feed(data)
    assert before.to_pylist() == [{"id": 1, "a": None}]
    with pytest.raises(BadRow, match=message) as caught:
        reader.close()
    assert (caught.value.line, caught.value.column, caught.value.text) == (3, "a", f"2,{cell}")

    bad: list[BadRow] = []
    [batch] = drained(BatchReader(ColumnTypes({"id": "bigint", "a": kind}), on_bad_row=bad.append), data, 100)
    assert (batch.column("id").to_pylist(), [row.line for row in bad]) == ([1, 3], [3])


WIDE = ActivityType(
    id=100,
    name="Wide",
    attributes=[
        AttributeType(name="Count", api_name="count", data_type="integer"),
        AttributeType(name="Seen At", data_type="datetime"),
        AttributeType(name="leadId", data_type="string"),
        AttributeType(name="", data_type="string"),
    ],
)


@pytest.mark.parametrize("size", [1, 4_000])
def test_the_attributes_of_one_type_become_columns_and_nothing_is_lost(size: int) -> None:
    rows = [
        ("1", '"{""Count"":""5"",""Seen At"":""2020-01-01T00:00:00Z"",""leadId"":""x""}"'),
        ("2", '"{""count"":7,""New"":[1,""a""]}"'),
        ("3", '"{""Count"":1,""count"":2,""Seen At"":null,""leadId"":""""}"'),
        ("4", "null"),
        ("5", ""),
    ]
    data = "\n".join(["leadId,attributes", *map(",".join, rows)]).encode()
    found = [
        row
        for batch in drained(BatchReader(ColumnTypes({"leadId": "bigint"}, WIDE)), data, size)
        for row in plain(batch)
    ]
    moment = datetime(2020, 1, 1, tzinfo=UTC)
    names = ("leadId", "attributes", "count", "Seen At", "attributes.leadId")
    assert found == [
        dict(zip(names, values, strict=True))
        for values in [
            (1, None, 5, moment, "x"),
            (2, '{"New":[1,"a"]}', 7, None, None),
            (3, '{"count":2}', 1, None, ""),
            (4, None, None, None, None),
            (5, None, None, None, None),
        ]
    ]


@pytest.mark.parametrize(
    ("cell", "column"),
    [
        ('"{""Count"":""many""}"', "count"),
        ('"{""Seen At"":""9999-12-31T23:59:59-10:00""}"', "Seen At"),
        ("{", "attributes"),
    ],
)
def test_an_attribute_that_does_not_fit_is_a_bad_row(cell: str, column: str) -> None:
    bad: list[BadRow] = []
    reader = BatchReader(ColumnTypes({"leadId": "bigint"}, WIDE), on_bad_row=bad.append)
    data = f'leadId,attributes\n1,"{{""Count"":3}}"\n2,{cell}\n'.encode()
    assert [row["count"] for batch in drained(reader, data, 100) for row in batch.to_pylist()] == [3]
    assert [(row.line, row.column) for row in bad] == [(3, column)]


def test_a_record_across_blocks_is_read_whole() -> None:
    long = '"' + "a line\n" * 40_000 + '"'
    rows = [f"{number},{long if number % 3 == 0 else 'x'}" for number in range(30)]
    data = "\n".join(["id,text", *rows]).encode()
    assert len(data) > 2 * BLOCK
    fast, exact = both(ColumnTypes({"id": "bigint"}), "CSV", data, BLOCK, {True: 0, False: 0})
    assert fast == exact
    assert [row["id"] for row in fast[0]] == list(range(30))


def test_a_quote_that_never_closes_costs_its_own_line_and_not_the_file() -> None:
    """It is given up after the longest record; the rows of the file are not held in memory until its end."""
    rows = ["1,x", '2,"open', *(f"{number},{'x' * 1_000}" for number in range(3, 12_003))]
    data = "\n".join(["id,text", *rows]).encode()
    assert len(data) > 2 * LONGEST_RECORD
    fast, exact = both(ColumnTypes({"id": "bigint"}), "CSV", data, BLOCK, {True: 0, False: 0})
    assert fast == exact
    assert [row["id"] for row in fast[0]] == [1, *range(3, 12_003)]
    assert fast[1] == [("line 3, column 2: a quote opens here and is never closed", 3, 2, '2,"open')]
