"""Reads the rows of files that hold records instead of text in columns: JSON lines and Parquet.

The content decides, not the name. See ``input_file`` for delimited text.
"""

from __future__ import annotations

import codecs
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from marketo_async.bulk.arrow_extra import need_pyarrow
from marketo_async.errors import BadRow, InvalidRequest
from marketo_async.workthread import WorkThread

RecordRow = dict[str, object]
RecordReader = Callable[[Path, Callable[[Sequence[str]], object]], Iterator[RecordRow]]

_PER_TURN = 1_000  # rows that the thread reads at once


def record_reader(path: Path) -> RecordReader | None:
    """Return the reader of a file by its first bytes, ``None`` if it is not a file of records.

    A pipe can be read only once, and is taken for delimited text.
    """
    if not path.is_file():
        return None
    with path.open("rb") as file:
        start = file.read(64).removeprefix(codecs.BOM_UTF8).lstrip()
    if start.startswith(b"PAR1"):
        return _parquet
    return _json_lines if start.startswith(b"{") else None


async def records_of(
    path: Path, reader: RecordReader, header: Callable[[Sequence[str]], object]
) -> AsyncGenerator[RecordRow, None]:
    """Yield the rows of a file; ``header`` receives the columns of a Parquet file first, also if no row follows.

    Raises `BadRow` for a line that is not a JSON object, `InvalidRequest` for a file that is damaged.
    """
    thread = WorkThread("marketo-async-import")
    rows = reader(path, header)
    while found := await thread.run(list, islice(rows, _PER_TURN)):
        for row in found:
            yield row


def _json_lines(path: Path, _: Callable[[Sequence[str]], object]) -> Iterator[RecordRow]:
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            text = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
            if not text.strip():
                continue
            try:
                yield decode(text)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise BadRow(
                    f"the line is not a JSON object ({error}); put one record on each line",
                    line=number,
                    column=1,
                    text=text[:80].decode(errors="replace"),
                ) from error


def _parquet(path: Path, header: Callable[[Sequence[str]], object]) -> Iterator[RecordRow]:
    need_pyarrow("Parquet")
    import pyarrow as pa  # noqa: PLC0415 - an extra
    from pyarrow import parquet  # noqa: PLC0415

    try:
        with parquet.ParquetFile(path) as file:
            header(file.schema_arrow.names)
            for batch in file.iter_batches(batch_size=_PER_TURN):
                yield from batch.to_pylist()
    except pa.ArrowInvalid as error:
        raise InvalidRequest(f"{path} is not a Parquet file that can be read: {error}") from error
