"""`ExportOutput`: the file of an export; a file under the final name is always complete.

The windows are appended, in order, to ``NAME.part``. The state beside it (``NAME.state``) holds how many of its bytes
are valid; the next run truncates the rest. At the end, the part file is renamed to ``NAME``, or converted to JSON lines
or Parquet under another name, and that file is renamed. So an export to one of CSV, JSON lines and Parquet can
resume an export to another of them. See ``run`` for the files of the windows, and ``conversion`` for the two formats.
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
from typing import IO, Literal, Self

from marketo_async.atomic_file import disk, guard, write_all
from marketo_async.bulk.arrow_extra import need_pyarrow
from marketo_async.bulk.exports.compression import check_compression, compressing, is_compressed, plain
from marketo_async.bulk.exports.conversion import to_json_lines, to_parquet
from marketo_async.bulk.exports.state import ExportState, StateFile, load
from marketo_async.bulk.rows.blocks import Ends
from marketo_async.bulk.rows.reader import DELIMITERS, OnBadRow
from marketo_async.bulk.rows.typed import ColumnTypes
from marketo_async.errors import BadRow, ConfigurationError, InvalidRequest
from marketo_async.models.bulk import FileFormat
from marketo_async.workthread import WorkThread

log = logging.getLogger("marketo_async.bulk")

OutputFormat = Literal["csv", "tsv", "ssv", "jsonl", "parquet"]

_FORMATS: tuple[OutputFormat, ...] = ("csv", "tsv", "ssv", "jsonl", "parquet")
_FILES: dict[OutputFormat, FileFormat] = {"csv": "CSV", "tsv": "TSV", "ssv": "SSV"}
_PIECE = 1_048_576
_BOM = b"\xef\xbb\xbf"


def format_of(path: Path, given: OutputFormat | None) -> OutputFormat:
    """Return the format of an output: the given one, else that of the suffix."""
    suffix = plain(path).suffix.lower().removeprefix(".")
    for known in _FORMATS:
        if known == (given or suffix):
            if known == "parquet":
                if is_compressed(path):
                    raise InvalidRequest(f"{path.name}: Parquet files are compressed already; end the name in .parquet")
                need_pyarrow("Parquet")
            check_compression(path)
            return known
    raise InvalidRequest(
        f"{path.name}: end the name in one of .{', .'.join(_FORMATS)} (and .gz or .zst, but for Parquet), or name the"
        " format"
    )


def file_format(output: OutputFormat) -> FileFormat:
    """Return the format of the jobs' files for this format of the output."""
    return _FILES.get(output, "CSV")


class ExportOutput:
    """The output of an export; use it as a context manager.

    Entering it raises `InvalidRequest` if the folder is missing or another run is writing. ``state_file`` raises it if
    the output can't be resumed: its state has other arguments, its part file is shorter than the state says, or
    ``path`` exists without a state. ``start_over`` replaces the output instead. Errors of the disk are raised as
    `OSError` with the path as their file name.
    """

    def __init__(self, path: Path, *, start_over: bool = False) -> None:
        self.path = path
        self.part = path.with_name(f"{path.name}.part")
        self._start_over = start_over
        self.state_path = path.with_name(f"{path.name}.state")
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
        empty = not self.state_path.exists() and self.part.exists() and not self.part.stat().st_size
        self._release()
        if empty:
            self.part.unlink()  # nothing was exported
        self._file.close()

    def state_file(self, make: Callable[[], ExportState]) -> StateFile:
        """Return the state to resume, or the new one that ``make`` returns.

        Without a state of this output, the state and files that an export with the same arguments has left for another
        format are moved here.
        """
        fresh = make()
        state = None if self._start_over else load(self.state_path, fresh.arguments) or self._adopt_state(fresh)
        self.resumed = state is not None
        if state is None:
            size = self.part.stat().st_size
            if not self._start_over and (self.path.exists() or size):
                found = self.part if size else self.path
                raise InvalidRequest(f"{found} exists without a state to resume from: move it away, or start over")
            state = fresh
        elif self.part.stat().st_size < state.written and not (state.complete and self.path.exists()):
            raise InvalidRequest(
                f"{self.part} has {self.part.stat().st_size:,} bytes, but its state counts {state.written:,}: put the"
                " complete file back to resume, or start over"
            )
        self._state_file = state_file = StateFile(state, self.state_path)
        state_file.save()
        if self.part.stat().st_size > state.written:
            with disk(self.part):
                self._open().truncate(state.written)
        for number, window in enumerate(state.windows):
            if window.written or not self.resumed:  # a run that was killed right after appending leaves it
                self.window(number).unlink(missing_ok=True)
        return state_file

    def window(self, number: int) -> Path:
        """Return the path of a window's file until it is appended."""
        return self.part.with_name(f"{self.part.name}.{number + 1}")

    async def append(self, state_file: StateFile, number: int, path: Path) -> None:
        """Append the file of a window; only the first keeps its header, and an empty file adds nothing.

        Line ends become those of the first file. If the disk fails, the part file is truncated to its length before.
        """
        state, window, file = state_file.state, state_file.state.windows[number], self._open()
        try:
            with disk(self.part):
                await self._append_file(path, window.mark.encode(), state.written)
                await self._thread.run(os.fsync, file.fileno())
        except BaseException:
            with suppress(OSError):  # then the next run truncates it
                file.truncate(state.written)
            raise
        state.written, window.written = os.fstat(file.fileno()).st_size, True
        state_file.save()
        path.unlink(missing_ok=True)  # noqa: ASYNC240 - a single system call

    async def _append_file(self, path: Path, mark: bytes, written: int) -> None:
        """Append the file at ``path`` after ``written`` bytes; the thread reads it, and this one writes it."""
        file = self._open()
        with path.open("rb") as source:
            head = source.readline().replace(mark, b"")
            if not head.strip():
                return
            first = self._header() if written else head
            if head.removeprefix(_BOM).rstrip() != first.removeprefix(_BOM).rstrip():
                raise InvalidRequest(
                    f"the files of two windows have different columns, here {head[:80]!r}: a field was changed;"
                    " start over"
                )
            records = Ends(_end_of(head), _end_of(first) or _end_of(head))
            separator = b"" if not written or self._ends_a_line(written) else records.wanted
            if not written:
                write_all(file, head)
            while piece := await self._thread.run(source.read, _PIECE):
                write_all(file, separator + records.feed(piece))
                separator = b""
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
        types: ColumnTypes | None = None,
        on_bad_row: OnBadRow | None = None,
    ) -> int:
        """Give the output its final format and name, and return its size in bytes.

        ``columns`` become the header if no file had one. The values of JSON lines and Parquet have ``types``, or are
        text. A row that can't be converted is passed to ``on_bad_row``, or raises `BadRow`; then all files are kept for
        another run, to this format or another one.
        """
        state, aside = state_file.state, self.path.with_name(f"{self.path.name}.new")
        if not state.complete:
            self._end_part(state_file, DELIMITERS[file_format(output)].join(columns).encode())
        if output not in _FILES or is_compressed(self.path):
            if state.complete and self.part.stat().st_size < state.written:
                with disk(self.path):
                    self.path.replace(self.part)  # as text, it has its final name already
            try:
                if output in _FILES:
                    await self._compress(aside)
                else:
                    await self._convert(aside, output, types, on_bad_row)
                with disk(self.path):
                    aside.replace(self.path)
            except BaseException as error:
                aside.unlink(missing_ok=True)
                if isinstance(error, BadRow):
                    error.add_note(
                        f"the data received so far is kept in {self.part}: export to a CSV file, pass on_bad_row to"
                        " skip such rows, or typed=False (--no-typed) if a value does not fit the type of its field"
                    )
                raise
        elif not state.complete or self.part.stat().st_size == state.written:
            state.complete = True  # saved before the part file is renamed
            state_file.save()
            self._release()
            with disk(self.path):
                self.part.replace(self.path)
        return self._clean_up(state_file)

    def _end_part(self, state_file: StateFile, header: bytes) -> None:
        """Give the part file a header, if it is empty, and a line end at its end."""
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

    def _clean_up(self, state_file: StateFile) -> int:
        self._release()
        state_file.drop()
        self.part.unlink(missing_ok=True)
        return self.path.stat().st_size

    async def _compress(self, aside: Path) -> None:
        with disk(self.path), self.part.open("rb") as source, _created(aside) as file:
            with compressing(file, self.path) as sink:
                while piece := await self._thread.run(source.read, _PIECE):
                    await self._thread.run(sink.write, piece)
            file.flush()
            await self._thread.run(os.fsync, file.fileno())

    async def _convert(
        self, aside: Path, output: OutputFormat, types: ColumnTypes | None, on_bad_row: OnBadRow | None
    ) -> None:
        with self.part.open("rb") as source, _created(aside) as file, compressing(file, self.path) as sink:
            if output == "parquet":
                await to_parquet(source, sink, self.path, types or ColumnTypes(), on_bad_row)
            else:
                await to_json_lines(source, sink, self.path, types, on_bad_row)
            with disk(self.path):
                if sink is not file:
                    sink.close()  # which writes the end of the compressed stream
                file.flush()
                await self._thread.run(os.fsync, file.fileno())

    def _adopt_state(self, fresh: ExportState) -> ExportState | None:
        """Find a state with the same arguments of another format in this folder; move its files, and return it."""
        if self.path.exists():
            return None
        for other in (ExportOutput(self.path.with_suffix(f".{suffix}")) for suffix in _FORMATS):
            if other.path == self.path or not other.state_path.exists():
                continue
            moved = not other.part.exists()  # a run was killed before it moved the state
            try:
                state = load(other.state_path, fresh.arguments)
                file = None if moved else _locked(other.part)
            except InvalidRequest:  # another export, or one that is running
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
        """Move the files of ``other`` here, its state last, so that a run after a kill finds the rest there."""
        for number in range(windows):
            if other.window(number).exists():
                other.window(number).replace(self.window(number))
        if file is not None:
            self._open().close()
            if sys.platform == "win32":  # open files can't be moved there, and have no lock
                file.close()
            other.part.replace(self.part)
            self._file = _locked(self.part) if sys.platform == "win32" else file
        other.state_path.replace(self.state_path)

    def _header(self) -> bytes:
        with self.part.open("rb") as file:
            return file.readline()

    def _open(self) -> FileIO:
        if self._file is None:
            raise ConfigurationError("the output is not open: use it inside its `with` block")
        return self._file

    def _release(self) -> None:
        """Close the part file on Windows, where open files can't be moved or removed; elsewhere it stays locked."""
        if sys.platform == "win32":
            self._open().close()


def _locked(part: Path) -> FileIO:
    """Open a part file and lock it."""
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
        file.close()  # the run that had the lock has just renamed or removed it


@contextmanager
def _created(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for writing; the block flushes it, so that errors of closing say nothing new and are ignored."""
    with disk(path):
        file = path.open("wb")
    try:
        yield file
    finally:
        with suppress(OSError):
            file.close()


def _end_of(line: bytes) -> bytes:
    """Return the line end of a line, empty if it has none."""
    return b"\r\n" if line.endswith(b"\r\n") else b"\n" if line.endswith(b"\n") else b""
