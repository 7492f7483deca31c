"""`Output`: a JSON Lines file and its checkpoint, kept in step page by page.

The process may be killed at any moment: the lines of a page reach the disk first, the checkpoint that counts them
second, and a resumed drain cuts off the bytes that the checkpoint does not count. Existing files are not changed before
the first page arrives. `Stdout` has no checkpoint, because a pipe can't be cut back. See ``drain`` for the pages.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self, TypeVar

import msgspec
from msgspec.structs import replace

from marketo_async.atomic_file import append_to, disk, guard, write_all
from marketo_async.cli.checkpoint import Checkpoint
from marketo_async.errors import InvalidRequest
from marketo_async.operation import Page

T = TypeVar("T")


STDOUT = Path("-")

_ENCODER = msgspec.json.Encoder()


class Output:
    """The output file of a drain; use it as a context manager.

    Entering it reads the checkpoint beside ``path``. It raises `InvalidRequest` if the drain can't resume: the
    checkpoint has other ``arguments``, the file is shorter than the checkpoint says, the file has no checkpoint, or
    another run is writing. ``start_over`` replaces the file and the checkpoint instead. An ``endless`` drain keeps its
    checkpoint, so that a later run can add new records.
    """

    resumable: ClassVar[bool] = True
    checkpoint: Checkpoint

    def __init__(
        self, path: Path, arguments: Mapping[str, str], *, endless: bool = False, start_over: bool = False
    ) -> None:
        self.path = path
        self.beside = path.with_name(f"{path.name}.checkpoint")
        self._arguments = arguments
        self._endless = endless
        self._start_over = start_over
        self._began = False

    def __enter__(self) -> Self:
        self._file, self._created = append_to(self.path)
        try:
            guard(self._file, self.path)
            self.checkpoint = self._found(self._size())
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._leave()

    def take(self, page: Page[T]) -> None:
        """Write one page, then the checkpoint after it."""
        if not self._began:
            self._begin()
        lines = _ENCODER.encode_lines(page.items)
        with disk(self.path):
            write_all(self._file, lines)
            os.fsync(self._file.fileno())
        self.checkpoint = replace(
            self.checkpoint,
            token=page.token,
            written=self.checkpoint.written + len(lines),
            records=self.checkpoint.records + len(page.items),
            complete=not page.more,
        )
        self.checkpoint.save(self.beside)

    def finish(self) -> None:
        """Remove the checkpoint of a complete file, unless the drain is endless."""
        self._file.truncate(self.checkpoint.written)
        if not self._endless:
            self.beside.unlink(missing_ok=True)

    def _leave(self) -> None:
        """Close the file; remove it if this run created it and wrote nothing."""
        self._file.close()
        if self._created and not self._began:
            self.path.unlink(missing_ok=True)

    def _size(self) -> int:
        return os.fstat(self._file.fileno()).st_size

    def _found(self, size: int) -> Checkpoint:
        checkpoint = None if self._start_over else Checkpoint.load(self.beside)
        if checkpoint is None:
            if size and not self._start_over:
                raise InvalidRequest(
                    f"{self.path} exists without a checkpoint, so it can't be resumed; --start-over replaces it"
                )
            return Checkpoint(arguments=self._arguments)
        if changes := checkpoint.changes(self._arguments):
            raise InvalidRequest(
                f"{self.beside} belongs to other arguments ({'; '.join(changes)});"
                " give the same arguments to resume, or use --start-over"
            )
        if self._endless and checkpoint.complete and not size:
            # The finished file was moved away: the new file gets only the new records.
            return replace(checkpoint, written=0, records=0)
        if size < checkpoint.written:
            raise InvalidRequest(
                f"{self.path} has {size:,} bytes, but its checkpoint counts {checkpoint.written:,};"
                " put the original file back to resume, or use --start-over"
            )
        return checkpoint

    def _begin(self) -> None:
        """Save the checkpoint, then cut off the bytes that it does not count."""
        self.checkpoint.save(self.beside)
        self._file.truncate(self.checkpoint.written)
        self._began = True


class Stdout:
    """Standard output in place of an `Output`: it has no checkpoint, and every run starts at the beginning."""

    path: ClassVar[str] = "stdout"
    resumable: ClassVar[bool] = False

    def __init__(self, arguments: Mapping[str, str]) -> None:
        self.checkpoint = Checkpoint(arguments=arguments)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        return

    def take(self, page: Page[T]) -> None:
        """Write one page."""
        sys.stdout.buffer.write(_ENCODER.encode_lines(page.items))
        sys.stdout.buffer.flush()

    def finish(self) -> None:
        """Do nothing; all pages are already written."""
