"""`Output`: the file that an export grows into, and how it stays whole whatever happens on the way.

Windows are put one behind the other into ``NAME.part``, and the state beside it (``NAME.state``) says how much of that
counts; what is beyond is cut off by the next run. At the end the part takes the final name, or is written anew as JSON
lines or Parquet and that takes it. So the three formats go on in the same way, and the final name never holds anything
half-written. Not here: where the windows' files come from (``extraction``).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal, Self

import msgspec

from marketo_async.bulk.rows import BLOCK, DictMaker, Reader, Row
from marketo_async.bulk.state import Ledger, State, load
from marketo_async.durable import guard
from marketo_async.errors import ConfigurationError, InvalidRequest
from marketo_async.models.bulk import FileFormat

OutputFormat = Literal["csv", "tsv", "ssv", "jsonl", "parquet"]

_FORMATS: tuple[OutputFormat, ...] = ("csv", "tsv", "ssv", "jsonl", "parquet")
_FILES: dict[OutputFormat, FileFormat] = {"csv": "CSV", "tsv": "TSV", "ssv": "SSV"}
_PIECE = 1_048_576
_GROUP = 100_000  # rows of one row group of a Parquet file


def format_of(path: Path, given: OutputFormat | None) -> OutputFormat:
    """Return the format of an output, by its suffix where none is given."""
    suffix = path.suffix.lower().removeprefix(".")
    for known in _FORMATS:
        if known == (given or suffix):
            if known == "parquet":
                _parquet()
            return known
    raise InvalidRequest(f"{path.name}: end the name in one of .{', .'.join(_FORMATS)}, or name the format")


def file_format(output: OutputFormat) -> FileFormat:
    """Return the format of the jobs' files."""
    return _FILES.get(output, "CSV")


class Output:
    """Where an export is written to; use it as a context.

    Entering reads the state beside *path* and raises `InvalidRequest` where it can't be gone on with: other arguments,
    a part that lost what its state counts, a file at *path* that nothing explains, another run at work. *start_over*
    disregards and replaces all that.
    """

    def __init__(self, path: Path, *, start_over: bool = False) -> None:
        self.path = path
        self.part = path.with_name(f"{path.name}.part")
        self._start_over = start_over
        self._beside = path.with_name(f"{path.name}.state")
        self._file: IO[bytes] | None = None
        self.resumed = False

    def __enter__(self) -> Self:
        if not self.path.parent.is_dir():
            raise InvalidRequest(f"{self.path.parent} is no directory")
        while True:
            file = self.part.open("ab")
            try:
                guard(file, self.part)
            except BaseException:
                file.close()
                raise
            if self.part.exists() and os.path.samestat(os.fstat(file.fileno()), self.part.stat()):
                self._file = file
                return self
            file.close()  # the run that held it has just finished: it bears the final name now

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._file is not None:
            if not self._beside.exists() and self.part.exists() and not self.part.stat().st_size:
                self.part.unlink()  # nothing came of it
            self._file.close()

    def ledger(self, make: Callable[[], State]) -> Ledger:
        """Return the state to go on with, or the one that *make* makes."""
        fresh = make()
        state = None if self._start_over else load(self._beside, fresh.arguments)
        self.resumed = state is not None
        if state is None:
            size = self.part.stat().st_size
            if not self._start_over and (self.path.exists() or size):
                there = self.part if size else self.path
                raise InvalidRequest(f"{there} exists and has no state to go on from: move it away, or start over")
            state = fresh
        elif self.part.stat().st_size < state.written and not (state.complete and self.path.exists()):
            raise InvalidRequest(
                f"{self.part} has {self.part.stat().st_size:,} bytes, but its state counts {state.written:,}: put the"
                " file back to go on, or start over"
            )
        ledger = Ledger(state, self._beside)
        ledger.save()
        if self.part.stat().st_size > state.written:
            self._open().truncate(state.written)
        for number, window in enumerate(state.windows):
            if window.written or not self.resumed:  # a run killed right after appending it has left it
                self.window(number).unlink(missing_ok=True)
        return ledger

    def window(self, number: int) -> Path:
        """Return where the file of a window lies until it is appended."""
        return self.part.with_name(f"{self.part.name}.{number + 1}")

    async def append(self, ledger: Ledger, number: int, path: Path) -> None:
        """Put the file of a window behind what is there, without its header but for the first one's."""
        file, window = self._open(), ledger.state.windows[number]
        ended = True
        with path.open("rb") as source:
            head = source.readline().replace(window.mark.encode(), b"")
            if not ledger.state.written:
                file.write(head)
            elif head.rstrip() != self._header().rstrip():
                raise InvalidRequest(
                    f"the files of two windows have other columns ({head[:80]!r}): fields were changed meanwhile;"
                    " start over"
                )
            while piece := await asyncio.to_thread(source.read, _PIECE):
                file.write(piece)
                ended = piece.endswith(b"\n")
        if not ended:
            file.write(b"\n")
        file.flush()
        await asyncio.to_thread(_synced, self.part)
        ledger.state.written = file.tell()
        window.written = True
        ledger.save()
        path.unlink(missing_ok=True)  # noqa: ASYNC240 - no more than a system call

    async def finish(self, ledger: Ledger, output: OutputFormat, *, null: bool = True) -> int:
        """Give the output its final name, in its final format, and return its size."""
        state, aside = ledger.state, self.path.with_name(f"{self.path.name}.new")
        if output not in _FILES:
            await self._convert(aside, _JsonLines if output == "jsonl" else _Parquet, null=null)
            aside.replace(self.path)
        elif not state.complete or self.part.stat().st_size == state.written:
            state.complete = True  # known before the part bears another name
            ledger.save()
            self.part.replace(self.path)
        return self._finished(ledger)

    def _finished(self, ledger: Ledger) -> int:
        ledger.drop()
        self.part.unlink(missing_ok=True)
        return self.path.stat().st_size

    async def _convert(self, aside: Path, kind: type[_JsonLines | _Parquet], *, null: bool) -> None:
        reader: Reader[Row] = Reader(DictMaker, null=null)
        with self.part.open("rb") as source, aside.open("wb") as file:
            writer: _JsonLines | _Parquet | None = None
            more = True
            while more:
                block = await asyncio.to_thread(source.read, BLOCK)
                more = bool(block)
                rows = reader.feed(block) if more else reader.close()
                if writer is None and reader.columns is not None:
                    writer = kind(file, reader.columns)
                if writer is not None:
                    writer.take(rows)
            if writer is not None:
                writer.close()
        await asyncio.to_thread(_synced, aside)

    def _header(self) -> bytes:
        with self.part.open("rb") as file:
            return file.readline()

    def _open(self) -> IO[bytes]:
        if self._file is None:
            raise ConfigurationError("an output is used inside its `with` block")
        return self._file


class _JsonLines:
    """Writes a JSON object a line."""

    def __init__(self, file: IO[bytes], _: Sequence[str]) -> None:
        self._file = file
        self._encode = msgspec.json.Encoder().encode_lines

    def take(self, rows: list[Row]) -> None:
        """Write some rows."""
        self._file.write(self._encode(rows))

    def close(self) -> None:
        """Nothing is held."""


class _Parquet:
    """Writes columns of text, a row group at a time."""

    def __init__(self, file: IO[bytes], columns: Sequence[str]) -> None:
        self._arrow, parquet = _parquet()
        self._schema = self._arrow.schema([(name, self._arrow.string()) for name in columns])
        self._writer = parquet.ParquetWriter(file, self._schema)
        self._rows: list[Row] = []

    def take(self, rows: list[Row]) -> None:
        """Write some rows, or hold them until there are enough."""
        self._rows += rows
        if len(self._rows) >= _GROUP:
            self._flush()

    def close(self) -> None:
        """Write what is held, and the end."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        self._writer.write_table(self._arrow.Table.from_pylist(self._rows, schema=self._schema))
        self._rows = []


def _parquet() -> tuple[Any, Any]:
    """Import pyarrow, which only Parquet needs."""
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError as error:
        raise ConfigurationError("Parquet needs pyarrow: pip install 'marketo-async[parquet]'") from error
    return pa, parquet


def _synced(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
