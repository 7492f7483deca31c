"""Rows out of bytes: the same whatever the pieces and whatever Marketo puts into a cell, or told by their line."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import Struct, field

from marketo_async.bulk.rows import blocks as records
from marketo_async.bulk.rows.reader import DictMaker, Reader, Row, StructMaker
from marketo_async.errors import BadRow
from marketo_async.models.moment import Moment

CELLS = st.text(
    st.one_of(st.sampled_from('",;\t\r\n\0\u2028\u0085\x0b null'), st.characters(exclude_categories=["Cs"])), max_size=8
)
TABLES = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(st.none() | CELLS, min_size=width, max_size=width), max_size=12)
)


def pieces(content: bytes, size: int) -> list[bytes]:
    return [content[at : at + size] for at in range(0, len(content), size)]


def read(content: bytes, size: int = 1 << 16, *, model: Any = None, **options: Any) -> list[Any]:
    reader: Reader[Any] = Reader((lambda columns: StructMaker(columns, model)) if model else DictMaker, **options)
    rows = [row for piece in pieces(content, size) for row in reader.feed(piece)]
    while more := reader.close():
        rows += more
    return rows


def cell(value: str | None, delimiter: str) -> str:
    """Write a cell as a careful server would: quoted where it must be, and where the word null is text."""
    if value is None:
        return "null"
    quoted = value == "null" or any(mark in value for mark in (delimiter, '"', "\n", "\r"))
    return '"' + value.replace('"', '""') + '"' if quoted else value


def written(
    columns: Sequence[str], rows: Sequence[Sequence[str | None]], delimiter: str = ",", end: str = "\n"
) -> bytes:
    every: list[Sequence[str | None]] = [columns, *rows]
    lines = [[cell(value, delimiter) for value in row] for row in every]
    return "".join(delimiter.join(line) + end for line in lines).encode()


@given(table=TABLES, size=st.integers(1, 40), end=st.sampled_from(["\n", "\r\n"]))
@example(table=[["null", None]], size=1, end="\n")
@example(table=[["a\r", "\r\nb"]], size=2, end="\r\n")
def test_every_cell_comes_back_whatever_the_pieces(table: list[list[str | None]], size: int, end: str) -> None:
    columns = [f"c{number}" for number in range(len(table[0]) if table else 1)]
    for delimiter, kind in ((",", "CSV"), ("\t", "TSV"), (";", "SSV")):
        found = read(written(columns, table, delimiter, end), size, format=kind)
        # A line that is empty is a row only where there is one column.
        assert found == [dict(zip(columns, row, strict=True)) for row in table]


@given(table=TABLES, size=st.integers(1, 40))
def test_the_fast_way_and_the_exact_way_read_the_same(table: list[list[str | None]], size: int) -> None:
    columns = [f"c{number}" for number in range(len(table[0]) if table else 1)]
    content = written(columns, table)
    fast = read(content, len(content))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Reader, "_fast", lambda *_: None)
        assert read(content, size) == fast


def test_a_file_as_the_csv_module_writes_it_is_read_as_it_reads_it() -> None:
    rows = [[str(number), f'say "{number}"', "a,b\nc" if number % 3 else "plain", ""] for number in range(5_000)]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([["id", "said", "more", "last"], *rows])
    content = text.getvalue()
    expected = list(csv.DictReader(io.StringIO(content, newline="")))
    assert read(content.encode(), 1000) == expected


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\u0085", "\x0b", "\x0c", "\x1c", "\0", "\r"])
def test_only_a_line_feed_ends_a_line(mark: str) -> None:
    content = f"id,name\n1,a{mark}b\n2,c\n".encode()
    assert read(content) == [{"id": "1", "name": f"a{mark}b"}, {"id": "2", "name": "c"}]
    quoted = f'id,name\n1,"a{mark}b"\n2,c{mark}\n'.encode()
    assert read(quoted) == [{"id": "1", "name": f"a{mark}b"}, {"id": "2", "name": f"c{mark}"}]


def test_null_is_nothing_unless_it_is_quoted_or_switched_off() -> None:
    content = b'id,name,more\n1,null,"null"\n2,nulls,"say ""null"""\nnull,,x\n'
    assert read(content) == [
        {"id": "1", "name": None, "more": "null"},
        {"id": "2", "name": "nulls", "more": 'say "null"'},
        {"id": None, "name": "", "more": "x"},
    ]
    assert [row["name"] for row in read(content, null=False)] == ["null", "nulls", ""]


def test_a_byte_order_mark_a_missing_last_end_and_a_header_alone_are_taken() -> None:
    assert read(b"\xef\xbb\xbfid,name\n1,x") == [{"id": "1", "name": "x"}]
    assert read(b"id,name\n") == []
    assert read(b"id,name") == []
    assert read(b"") == []
    assert read(b"id,name\n1,x\n\n\n2,y\n\n") == [{"id": "1", "name": "x"}, {"id": "2", "name": "y"}]
    assert read(b"id\n\n7\n") == [{"id": ""}, {"id": "7"}]


@pytest.mark.parametrize(("header", "delimiter"), [("id;name", ";"), ("id name", " ")])
def test_both_meanings_of_ssv_are_told_by_the_header(header: str, delimiter: str) -> None:
    content = f"{header}\n1{delimiter}x,y\n".encode()
    assert read(content, format="SSV") == [{"id": "1", "name": "x,y"}]


BAD = {
    "too few": (b"id,name\n1,x\n2\n3,z\n", 3, "1 cells, but 2 columns", [{"id": "1", "name": "x"}], "3"),
    "too many": (b"id,name\n1,x\n2,y,z\n3,z\n", 3, "3 cells, but 2 columns", [{"id": "1", "name": "x"}], "3"),
    "behind a quote": (b'id,name\n"1"x,y\n3,z\n', 2, "follows a closing quote", [], "3"),
    "never closed": (b'id,name\n1,"a\nb"\n2,"y\n3,z\n', 4, "never closed", [{"id": "1", "name": "a\nb"}], "3"),
    "no utf-8": (b"id,name\n1,\xff\n3,z\n", 2, "not UTF-8", [], "3"),
}


@pytest.mark.parametrize("size", [1, 7, 1 << 16])
@pytest.mark.parametrize(("content", "line", "message", "before", "last"), BAD.values(), ids=BAD)
def test_a_bad_row_is_told_with_its_line_once_the_rows_before_it_are_out(
    content: bytes, line: int, message: str, before: list[Row], last: str, size: int
) -> None:
    reader = Reader(DictMaker)
    rows: list[Row] = []
    with pytest.raises(BadRow, match=message) as caught:  # noqa: PT012 - whichever call comes next raises
        for piece in (*pieces(content, size), b""):
            rows += reader.feed(piece)
        rows += reader.close()
        reader.close()

    assert (rows, caught.value.line) == (before, line)
    assert str(caught.value).startswith(f"line {line}")
    bad: list[BadRow] = []
    assert read(content, size, on_bad_row=bad.append)[-1]["id"] == last
    assert [error.line for error in bad] == [line]
    assert content.decode(errors="replace").splitlines()[line - 1].startswith(bad[0].text[:2])


def test_a_quote_that_nobody_closes_does_not_take_the_file_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "LONGEST_RECORD", 1_000)
    bad: list[BadRow] = []
    content = b'id,name\n1,"x\n' + b"".join(b"%d,y\n" % number for number in range(2, 2_000))
    assert len(read(content, 100, on_bad_row=bad.append)) == 1_998
    assert [error.line for error in bad] == [2]


@pytest.mark.parametrize("content", [b"id,id\n1,2\n", b'"id\n'])
def test_a_header_that_says_nothing_is_an_error_that_nobody_can_take(content: bytes) -> None:
    with pytest.raises(BadRow, match="line 1"):
        read(content, on_bad_row=lambda _: None)


class Person(Struct, kw_only=True):
    id: int
    first_name: str | None = field(name="firstName")
    score: float | None
    member: bool
    seen: datetime | None
    changed: Moment | None = None
    attributes: dict[str, str | int] | None = None


PEOPLE = b"""id,firstName,score,member,seen,changed,attributes
7,Ada,1.5,true,2026-01-02T03:04:05Z,2019-06-04T18:38:43-0500,"{""a"":""b"",""n"":1}"
8,null,null,false,null,null,null
"""
FIRST = Person(
    id=7,
    first_name="Ada",
    score=1.5,
    member=True,
    seen=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    changed=datetime(2019, 6, 4, 23, 38, 43, tzinfo=UTC),
    attributes={"a": "b", "n": 1},
)
SECOND = Person(id=8, first_name=None, score=None, member=False, seen=None)


def test_a_struct_says_what_its_cells_are() -> None:
    assert read(PEOPLE, model=Person) == [FIRST, SECOND]


def test_what_marketo_writes_in_ways_of_its_own_is_read_too() -> None:
    odd = b"id,firstName,score,member,seen\n9,,,1,2019-06-04T18:38:43t+0000\n"
    assert read(odd, model=Person) == [
        Person(id=9, first_name="", score=None, member=True, seen=datetime(2019, 6, 4, 18, 38, 43, tzinfo=UTC))
    ]


def test_a_cell_of_another_type_is_a_bad_row_with_its_column() -> None:
    content = b"id,firstName,score,member,seen\n1,a,2,true,null\nx,b,2,true,null\n3,c,2,true,null\n4,c,2,true,soon\n"
    bad: list[BadRow] = []
    assert [person.id for person in read(content, model=Person, on_bad_row=bad.append)] == [1, 3]
    assert [(error.line, error.column) for error in bad] == [(3, "id"), (5, "seen")]
    broken = b'id,firstName,score,member,seen,attributes\n1,a,2,true,null,"{"\n'
    with pytest.raises(BadRow, match="column attributes"):
        read(broken, model=Person)


def test_a_required_member_without_a_column_is_told_at_the_header() -> None:
    with pytest.raises(BadRow, match="no column member, seen, which Person needs"):
        read(b"id,firstName,score\n1,a,2\n", model=Person)
