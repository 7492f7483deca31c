"""`ExportOutput`: the file that an export grows into, never half-written under its final name.

Windows are put one after the other into ``NAME.part``, and the state beside it (``NAME.state``) says how much of that
counts; what is beyond is cut off by the next run. At the end the part takes the final name, or is converted to JSON
lines or Parquet and that takes it. So CSV, JSON lines and Parquet continue in the same way, one from where another one
stopped, and the final name never holds anything half-written. See ``run`` for the
files of the windows. The module is long because resuming and both conversions share one state.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal, Self

import msgspec

from marketo_async.atomic_file import disk, guard, write_all
from marketo_async.bulk.exports.state import ExportState, StateFile, load
from marketo_async.bulk.rows.blocks import Ends
from marketo_async.bulk.rows.reader import BLOCK, DELIMITERS, DictMaker, Reader, Row
from marketo_async.errors import BadRow, ConfigurationError, InvalidRequest
from marketo_async.models.bulk import FileFormat
from marketo_async.workthread import WorkThread

log = logging.getLogger("marketo_async.bulk")

OutputFormat = Literal["csv", "tsv", "ssv", "jsonl", "parquet"]

_FORMATS: tuple[OutputFormat, ...] = ("csv", "tsv", "ssv", "jsonl", "parquet")
_FILES: dict[OutputFormat, FileFormat] = {"csv": "CSV", "tsv": "TSV", "ssv": "SSV"}
_PIECE = 1_048_576
_BOM = b"\xef\xbb\xbf"
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


class ExportOutput:
    """Where an export is written to; use it as a context.

    Entering reads the state beside ``path`` and raises `InvalidRequest` where it can't be resumed: other arguments,
    a part that lost what its state counts, a file at ``path`` that nothing explains, another run at work.
    ``start_over`` disregards and replaces all that. Errors of the disk are raised as `OSError` with the path as their
    file name.
    """

    def __init__(self, path: Path, *, start_over: bool = False) -> None:
        self.path = path
        self.part = path.with_name(f"{path.name}.part")
        self._start_over = start_over
        self.beside = path.with_name(f"{path.name}.state")
        self._file: FileIO | None = None
        self._state_file: StateFile | None = None
        self._thread = WorkThread("marketo-async-output")
        self.resumed = False

    def __enter__(self) -> Self:
        if not self.path.parent.is_dir():
            raise InvalidRequest(f"{self.path.parent} is not a directory: make it, or name another one")
        self._file = _locked(self.part)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._state_file is not None and self._state_file.state.blank:
            self._state_file.drop()
        if self._file is None:
            return
        empty = not self.beside.exists() and self.part.exists() and not self.part.stat().st_size
        self._release()
        if empty:
            self.part.unlink()  # nothing came of it
        self._file.close()

    def state_file(self, make: Callable[[], ExportState]) -> StateFile:
        """Return the state to continue with, or the one that ``make`` makes.

        Where there is none, one that an export of the same arguments has left beside another format's output is taken
        over, with its files.
        """
        fresh = make()
        state = None if self._start_over else load(self.beside, fresh.arguments) or self._taken_over(fresh)
        self.resumed = state is not None
        if state is None:
            size = self.part.stat().st_size
            if not self._start_over and (self.path.exists() or size):
                there = self.part if size else self.path
                raise InvalidRequest(f"{there} exists without a state to resume from: move it away, or start over")
            state = fresh
        elif self.part.stat().st_size < state.written and not (state.complete and self.path.exists()):
            raise InvalidRequest(
                f"{self.part} has {self.part.stat().st_size:,} bytes, but its state counts {state.written:,}: put the"
                " file back to resume, or start over"
            )
        self._state_file = state_file = StateFile(state, self.beside)
        state_file.save()
        if self.part.stat().st_size > state.written:
            with disk(self.part):
                self._open().truncate(state.written)
        for number, window in enumerate(state.windows):
            if window.written or not self.resumed:  # a run killed right after appending it has left it
                self.window(number).unlink(missing_ok=True)
        return state_file

    def window(self, number: int) -> Path:
        """Return where the file of a window lies until it is appended."""
        return self.part.with_name(f"{self.part.name}.{number + 1}")

    async def append(self, state_file: StateFile, number: int, path: Path) -> None:
        """Append the file of a window, without its header unless it is the first; an empty file adds nothing.

        All records end as those of the first file do. Where the disk fails, the part is as it was before.
        """
        state, window, file = state_file.state, state_file.state.windows[number], self._open()
        try:
            with disk(self.part):
                await self._appended(path, window.mark.encode(), state.written)
                await self._thread.run(os.fsync, file.fileno())
        except BaseException:
            with suppress(OSError):  # the next run cuts it off
                file.truncate(state.written)
            raise
        state.written, window.written = os.fstat(file.fileno()).st_size, True
        state_file.save()
        path.unlink(missing_ok=True)  # noqa: ASYNC240 - no more than a system call

    async def _appended(self, path: Path, mark: bytes, written: int) -> None:
        """Append the file at ``path`` to what is ``written``; it is read in the thread, and written here at once."""
        file = self._open()
        with path.open("rb") as source:
            head = source.readline().replace(mark, b"")
            if not head.strip():
                return
            first = self._header() if written else head
            if head.removeprefix(_BOM).rstrip() != first.removeprefix(_BOM).rstrip():
                raise InvalidRequest(
                    f"the files of two windows have other columns ({head[:80]!r}): fields were changed meanwhile;"
                    " start over"
                )
            records = Ends(_end_of(head), _end_of(first) or _end_of(head))
            missing = b"" if not written or self._ends_a_line(written) else records.wanted
            if not written:
                write_all(file, head)
            while piece := await self._thread.run(source.read, _PIECE):
                write_all(file, missing + records.feed(piece))
                missing = b""
            write_all(file, records.close())

    def _ends_a_line(self, written: int) -> bool:
        with self.part.open("rb") as file:
            file.seek(written - 1)
            return file.read(1) == b"\n"

    async def finish(
        self,
        state_file: StateFile,
        output: OutputFormat,
        *,
        columns: Sequence[str],
        null: bool = True,
        on_bad_row: Callable[[BadRow], None] | None = None,
    ) -> int:
        """Give the output its final name, in its final format, and return its size.

        ``columns`` make the header where no file had one. A row that can't be converted goes to ``on_bad_row``; without
        one `BadRow` is raised, and everything is kept for another run, in this format or another one.
        """
        state, aside = state_file.state, self.path.with_name(f"{self.path.name}.new")
        if not state.complete:
            self._completed(state_file, DELIMITERS[file_format(output)].join(columns).encode())
        if output not in _FILES:
            if state.complete and self.part.stat().st_size < state.written:
                with disk(self.path):
                    self.path.replace(self.part)  # as text it has its final name already
            kind = _JsonLines if output == "jsonl" else _Parquet
            try:
                await self._convert(aside, kind, null=null, on_bad_row=on_bad_row)
                with disk(self.path):
                    aside.replace(self.path)
            except BaseException as error:
                aside.unlink(missing_ok=True)
                if isinstance(error, BadRow):
                    error.add_note(
                        f"what has come is kept in {self.part}: export it to a file in CSV, or take bad rows with"
                        " on_bad_row"
                    )
                raise
        elif not state.complete or self.part.stat().st_size == state.written:
            state.complete = True  # known before the part bears another name
            state_file.save()
            self._release()
            with disk(self.path):
                self.part.replace(self.path)
        return self._finished(state_file)

    def _completed(self, state_file: StateFile, header: bytes) -> None:
        """End the part as a text file ends: with a header, and a line end."""
        written = state_file.state.written
        if written and self._ends_a_line(written):
            return
        end = b"\n" if not written else _end_of(self._header()) or b"\n"
        with disk(self.part):
            self._open().truncate(written)
            write_all(self._open(), end if written else header + end)
            os.fsync(self._open().fileno())
        state_file.state.written = os.fstat(self._open().fileno()).st_size
        state_file.save()

    def _finished(self, state_file: StateFile) -> int:
        self._release()
        state_file.drop()
        self.part.unlink(missing_ok=True)
        return self.path.stat().st_size

    async def _convert(
        self,
        aside: Path,
        kind: type[_JsonLines | _Parquet],
        *,
        null: bool,
        on_bad_row: Callable[[BadRow], None] | None,
    ) -> None:
        reader: Reader[Row] = Reader(DictMaker, null=null, on_bad_row=on_bad_row)
        with self.part.open("rb") as source, _flushed(aside) as file:
            writer: _JsonLines | _Parquet | None = None
            more = True
            try:
                while more:
                    block = await self._thread.run(source.read, BLOCK)
                    rows = reader.feed(block) if block else reader.close()
                    more = bool(block) or bool(rows)  # a bad row is raised once the rows before it are out
                    if writer is None and reader.columns is not None:
                        writer = kind(file, reader.columns)
                    if writer is not None:
                        with disk(self.path):  # not around the reader, whose errors may be those of on_bad_row
                            writer.take(rows)
            except BaseException:
                if writer is not None:
                    with suppress(Exception):  # or it would be closed by the garbage collector, after the file
                        writer.close()
                raise
            with disk(self.path):
                if writer is not None:
                    writer.close()
                file.flush()
                await self._thread.run(os.fsync, file.fileno())

    def _taken_over(self, fresh: ExportState) -> ExportState | None:
        """Take over what an export of the same arguments in another format has left in the same folder."""
        if self.path.exists():
            return None
        for other in (ExportOutput(self.path.with_suffix(f".{suffix}")) for suffix in _FORMATS):
            if other.path == self.path or not other.beside.exists():
                continue
            moved = not other.part.exists()  # by a run that was killed before it moved the state
            try:
                state = load(other.beside, fresh.arguments)
                file = None if moved else _locked(other.part)
            except InvalidRequest:  # it is another export, or still running
                continue
            here = self.part.stat().st_size
            size = here if file is None else os.fstat(file.fileno()).st_size
            if state is not None and not state.complete and size >= state.written and (moved or not here):
                log.warning("the export to %s continues as %s", other.path, self.path)
                self._move_from(other, len(state.windows), file)
                return state
            if file is not None:
                file.close()
        return None

    def _move_from(self, other: ExportOutput, windows: int, file: FileIO | None) -> None:
        """Move what ``other`` has here, its state at last: a run killed on the way finds the rest there."""
        for number in range(windows):
            if other.window(number).exists():
                other.window(number).replace(self.window(number))
        if file is not None:
            self._open().close()
            if sys.platform == "win32":  # open files can't be moved there, and are not locked
                file.close()
            other.part.replace(self.part)
            self._file = _locked(self.part) if sys.platform == "win32" else file
        other.beside.replace(self.beside)

    def _header(self) -> bytes:
        with self.part.open("rb") as file:
            return file.readline()

    def _open(self) -> FileIO:
        if self._file is None:
            raise ConfigurationError("an output is used inside its `with` block")
        return self._file

    def _release(self) -> None:
        """Close the part where an open file can be neither moved nor removed; elsewhere it stays locked meanwhile."""
        if sys.platform == "win32":
            self._open().close()


def _locked(part: Path) -> FileIO:
    """Open a part that no other run writes."""
    while True:
        with disk(part):
            file = FileIO(part, "a")
        try:
            guard(file, part)
        except BaseException:
            file.close()
            raise
        if part.exists() and os.path.samestat(os.fstat(file.fileno()), part.stat()):
            return file
        file.close()  # the run that held it has just finished: it bears the final name now


@contextmanager
def _flushed(path: Path) -> Iterator[IO[bytes]]:
    """Open a file to write whose block flushes it; closing it adds no error to the one that kept it from that."""
    with disk(path):
        file = path.open("wb")
    try:
        yield file
    finally:
        with suppress(OSError):
            file.close()


def _end_of(line: bytes) -> bytes:
    """Return what ends a line, nothing where it is not ended."""
    return b"\r\n" if line.endswith(b"\r\n") else b"\n" if line.endswith(b"\n") else b""


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
