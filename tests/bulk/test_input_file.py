"""Files that someone else wrote: read as they are meant, or refused with a remedy before anything is sent."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketo_async.bulk.imports.files import Columns, ImportFiles
from marketo_async.bulk.imports.input_file import FileDialect, rows_of
from marketo_async.bulk.rows.blocks import cells_of
from marketo_async.bulk.rows.reader import DictMaker, Reader, Row
from marketo_async.errors import BadRow, InvalidRequest
from marketo_async.sandbox.records.delimited import read

from .instances import POLL, calls, instance

KNOWN = {"email", "Email Address", "firstName", "lastName", "title"}
SENDS = "POST /bulk/v1/leads.json"


async def rows_in(path: Path, **dialect: Any) -> list[Row]:
    headers: list[Any] = []
    rows = [row async for row in rows_of(path, FileDialect(**dialect), KNOWN, headers.append)]
    assert len(headers) == 1
    return rows


# Files are written in each example, and a busy machine takes its time for that.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

TEXT = st.text(
    st.sampled_from(["a", "b", "ü", "🦊", "\r", "\n", '"', ",", ";", "\t", "|", " ", "\0", "\x1c", "\u2028", "\x85"]),
    max_size=8,
) | st.sampled_from(["null", "", "\ufeffa", " null", '"null"', "\r", "\r\r\n"])  # fmt: skip


@UNHURRIED
@given(rows=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=6))
def test_every_reader_finds_in_a_file_to_send_what_was_put_into_it(
    rows: list[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    chunker = ImportFiles(tmp_path_factory.mktemp("chunks"), Columns({"a": "", "b": ""}), ["a"], lanes=1)
    for a, b in rows:
        chunker.add({"a": a, "b": b})
    [chunk] = chunker.close()
    content = chunk.path.read_bytes()
    lines = [list(row) for row in rows]
    assert list(csv.reader(io.StringIO(content.decode(), newline=""), strict=True)) == [["a", "b"], *lines]
    assert read(content, "CSV") == (["a", "b"], lines)
    assert list(cells_of(content, ","))[1:] == lines
    assert [cells for _, cells in chunk.numbered()] == lines
    for null in (False, True):
        reader: Reader[Row] = Reader(DictMaker, null=null)
        found = [*reader.feed(content), *reader.close()]
        assert [list(row.values()) for row in found] == lines


@UNHURRIED
@given(cells=st.lists(TEXT, min_size=1, max_size=6))
def test_a_file_of_one_column_keeps_its_empty_cells(cells: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    chunker = ImportFiles(tmp_path_factory.mktemp("chunks"), Columns({"a": ""}), ["a"], lanes=1)
    for cell in cells:
        chunker.add({"a": cell})
    [chunk] = chunker.close()
    assert read(chunk.path.read_bytes(), "CSV") == (["a"], [[cell] for cell in cells])
    assert [found for _, found in chunk.numbered()] == [[cell] for cell in cells]


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\r\r", "a\rb", "\r\na", " a ", "null", "a,b", 'a"b'])
async def test_one_row_makes_one_lead_whatever_its_values_hold(end: str) -> None:
    async with instance(0) as (_, marketo):
        rows = [{"email": "a@example.com", "title": f"x{end}y"}, {"email": "b@example.com", "title": end}]
        report = await marketo.bulk.leads.load(rows, poll=POLL)
        assert (report.processed, report.failures) == (2, [])
        leads = marketo.leads.by_filter("email", ["a@example.com", "b@example.com"], fields=["title"])
        assert [lead["title"] async for lead in leads] == [f"x{end}y", end]


ENDS = ["\r", "\n", "\r\n"]


@UNHURRIED
@given(
    rows=st.lists(st.tuples(TEXT, TEXT), max_size=6),
    end=st.sampled_from(ENDS),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "gb18030"]),
)
async def test_spreadsheet_files_are_read_whatever_their_ends_delimiter_and_encoding(
    rows: list[tuple[str, str]], end: str, delimiter: str, encoding: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([("email", "title"), *rows])
    path = tmp_path_factory.mktemp("files") / "leads.csv"
    path.write_bytes(text.getvalue().encode(encoding))
    seen = encoding in {"utf-8", "utf-8-sig", "utf-16", "utf-32"}
    for dialect in ({"encoding": encoding}, {} if seen else {"encoding": encoding, "delimiter": delimiter}):
        found = await rows_in(path, **dialect)
        assert [(row["email"], row["title"]) for row in found] == rows


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("last", [True, False])
async def test_unquoted_rows_have_the_line_ends_of_the_header(end: str, *, last: bool, tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    lines = ["email,title", "a@x.io,A", "b@x.io,", 'c@x.io,"C\rD\nE"']
    path.write_bytes((end.join(lines) + (end if last else "")).encode())
    assert [row["title"] for row in await rows_in(path)] == ["A", "", "C\rD\nE"]


async def test_a_file_with_both_ends_is_refused_where_they_leave_its_rows_open(tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_bytes(b"email,title\ra@x.io,A\nb@x.io,B\n")
    with pytest.raises(BadRow, match="line 2: the file has both CR and LF line ends"):
        await rows_in(path)


WORKBOOK = b"PK\x03\x04\x14\x00\x06\x00email\n"
OTHERS: list[tuple[str, bytes, str]] = [
    ("a.xlsx", WORKBOOK, "workbook .* save the sheet as 'CSV UTF-8'"),
    ("a.csv", WORKBOOK, "workbook"),
    ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Excel workbook"),
    ("a.parquet", b"PAR1\x15\x04", "is not a Parquet file that can be read"),
    ("a.csv.gz", gzip.compress(b"email\na@x.io\n", mtime=0), "gzip; decompress it"),
    ("a.json", b'[{"email": "a@x.io"}]\n', "one JSON array; write one record on each line"),
    ("a.csv", b"", "is empty; put the API names of the columns in its first line"),
    ("a.csv", b"\xef\xbb\xbf", "line 1 of .* is blank"),
    ("a.csv", b"\nemail\n", "line 1 of .* is blank"),
    ("a.csv", b"sep=;\nemail;title\n", "line 1 of .* is 'sep=;', which only Excel reads; remove it"),
    ("a.csv", "email,title\n".encode("utf-16-le"), "not utf-8 text; name its encoding"),
    ("a.csv", "email,title\n".encode("utf-16-be"), "not utf-8 text; name its encoding"),
    ("a.csv", b"email,nonsense\n", "no field 'nonsense'"),
    ("a.csv", b"nonsense\r", "no field 'nonsense'"),
    ("a.csv", b"Email Address,First Name\r\n", "'Email Address' .the display name of 'email'; use that"),
    ("a.csv", b"Email Address;First Name\r\n", "'First Name' .the display name of 'firstName'; use that"),
    ("a.csv", b" email\nx\n", "no field ' email' .meant 'email'"),
    ("a.csv", b"firstName\n", "found by email: add email to the rows"),
]


@pytest.mark.parametrize(("name", "content", "said"), OTHERS)
async def test_what_is_not_a_file_of_known_columns_is_refused_before_anything_is_sent(
    name: str, content: bytes, said: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    async with instance(0) as (sandbox, marketo):
        with pytest.raises(InvalidRequest, match=said):
            await marketo.bulk.leads.load(path, poll=POLL)
        assert calls(sandbox, SENDS) == 0


async def test_a_header_of_known_columns_without_rows_is_an_import_of_nothing(tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_text("email,title")
    async with instance(0) as (sandbox, marketo):
        report = await marketo.bulk.leads.load(path, poll=POLL)
        assert (report.rows, report.all_taken, calls(sandbox, SENDS)) == (0, True, 0)
        with pytest.raises(InvalidRequest, match="has also 'title'"):
            await marketo.bulk.leads.load(path, fields=["email"], poll=POLL)


HEADERS: list[tuple[str, str, str | None, list[str]]] = [
    ("a.csv", "email;title", None, ["email", "title"]),
    ("a.csv", "email\ttitle", None, ["email", "title"]),
    ("a.csv", "email|title", None, ["email", "title"]),
    ("a.tsv", "email,title", None, ["email", "title"]),
    ("a.ssv", "email title", None, ["email", "title"]),
    ("a.csv", '"email";"title"', None, ["email", "title"]),
    ("a.csv", "Email Address;City, State", None, ["Email Address", "City, State"]),
    ("a.csv", "city, state;zip", None, ["city", " state;zip"]),
    ("a.csv", "city, state;zip", ";", ["city, state", "zip"]),
    ("a.csv", "email", None, ["email"]),
    ("a.tsv", "email title", None, ["email title"]),
]


@pytest.mark.parametrize(("name", "header", "delimiter", "columns"), HEADERS)
async def test_the_delimiter_is_seen_or_named(
    name: str, header: str, delimiter: str | None, columns: list[str], tmp_path: Path
) -> None:
    path, found = tmp_path / name, list[Any]()
    path.write_text(header + "\n")
    dialect = FileDialect(delimiter=delimiter)  # type: ignore[arg-type]
    assert [row async for row in rows_of(path, dialect, KNOWN, found.append)] == []
    assert found == [columns]


@pytest.mark.parametrize(
    ("content", "encoding", "line", "column"),
    [
        (b"email,title\na@x.io,caf\xe9\n", None, 2, 2),
        (b"email,title\nb@x.io,B\n\xe9,A\n", None, 3, 1),
        (b"email,caf\xe9\n", None, 1, 2),
        (b'email,title\n"x\ny",B\na@x.io,\x81\n', "cp1252", 4, 2),
        (b"email,title\ra@x.io,caf\xe9\r", None, 2, 2),
        ("email,title\na@x.io,".encode("utf-16-le") + b"\x00\xd8\n\x00", "utf-16-le", 2, 2),
        (b"email,title\na@x.io,\xc3", None, 2, 2),
        (b"email,title\na@x.io,\xc3\xa9", "ascii", 2, 2),
    ],
)
async def test_a_cell_in_another_encoding_is_named(
    content: bytes, encoding: str | None, line: int, column: int, tmp_path: Path
) -> None:
    path = tmp_path / "leads.csv"
    path.write_bytes(content)
    with pytest.raises(BadRow, match=f"the bytes are not {encoding or 'utf-8'}; name the file's encoding") as caught:
        await rows_in(path, encoding=encoding)
    assert (caught.value.line, caught.value.column) == (line, column)


async def test_a_named_encoding_is_read(tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_bytes("email,title\na@x.io,café €\n".encode("cp1252"))
    assert (await rows_in(path, encoding="cp1252"))[0]["title"] == "café €"


async def test_null_is_text_unless_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_text('email,lastName,title\na@example.com,null,"null"\n')
    async with instance(0) as (_, marketo):

        async def stored() -> list[Any]:
            leads = marketo.leads.by_filter("email", ["a@example.com"], fields=["lastName", "title"])
            return [(lead["lastName"], lead["title"]) async for lead in leads]

        await marketo.bulk.leads.load(path, poll=POLL)
        assert await stored() == [("null", "null")]
        await marketo.bulk.leads.load(path, null=True, poll=POLL)
        assert await stored() == [(None, "null")]


async def test_a_dialect_is_checked_before_anything_is_asked() -> None:
    async with instance(0) as (sandbox, marketo):
        load = marketo.bulk.leads.load
        for options, said in (
            ({"encoding": "klingon"}, "encoding='klingon' is not a text encoding"),
            ({"encoding": "hex"}, "encoding='hex' is not a text encoding"),
            ({"encoding": "undefined"}, "encoding='undefined' is not a text encoding"),
            ({"delimiter": ":"}, "delimiter must be .* not ':'"),
            ({"delimiter": ""}, "delimiter must be .* not ''"),
            ({"delimiter": ";"}, "pass its path as the source"),
            ({"encoding": "cp1252"}, "pass its path as the source"),
        ):
            with pytest.raises(InvalidRequest, match=said):
                await load([{"email": "a@example.com"}], **options)  # type: ignore[arg-type]
        assert calls(sandbox, SENDS) == 0
