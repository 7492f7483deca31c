"""`Output`: a file of JSON lines and its checkpoint, kept in step page by page.

The order that makes it safe to be killed at any moment: a page's lines reach the disk first, the checkpoint that
counts them second. Whatever the file holds beyond its checkpoint is cut off when the drain goes on. Nothing that
exists is touched before the first page has come. `Stdout` is the same without any of that: what was written to a
pipe can't be taken back. Not here: where pages come from (``drain``).
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

from marketo_async.atomic_file import disk, guard, write_all
from marketo_async.cli.checkpoint import Checkpoint
from marketo_async.errors import InvalidRequest
from marketo_async.operation import Page

T = TypeVar("T")


STDOUT = Path("-")

_ENCODER = msgspec.json.Encoder()


class Output:
    """Where a drain writes to; use it as a context.

    Opening it reads the checkpoint beside *path* and raises `InvalidRequest` where the drain could not go on: other
    *arguments*, a file that lost what its checkpoint counts, one that no checkpoint explains, another run at work.
    *start_over* disregards and replaces all that. What is *endless* keeps its checkpoint, to go on with what is new.
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
        try:
            self._file, self._created = self.path.open("xb", buffering=0), True
        except FileExistsError:
            self._file, self._created = self.path.open("ab", buffering=0), False
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
        """Write one page, and then the checkpoint behind it."""
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
        """Remove the checkpoint where there is nothing to go on with: the file is whole."""
        self._file.truncate(self.checkpoint.written)
        if not self._endless:
            self.beside.unlink(missing_ok=True)

    def _leave(self) -> None:
        """Close the file, and remove it if it is of our own making and nothing came of it."""
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
                    f"{self.path} exists and has no checkpoint to go on from: --start-over replaces it"
                )
            return Checkpoint(arguments=self._arguments)
        if changes := checkpoint.changes(self._arguments):
            raise InvalidRequest(
                f"{self.beside} belongs to other arguments ({'; '.join(changes)}):"
                " give the same ones to go on, or --start-over"
            )
        if self._endless and checkpoint.complete and not size:
            # Whoever has moved a finished file away wants what is new since then in a new one.
            return replace(checkpoint, written=0, records=0)
        if size < checkpoint.written:
            raise InvalidRequest(
                f"{self.path} has {size:,} bytes, but its checkpoint counts {checkpoint.written:,}:"
                " put the file back to go on, or --start-over"
            )
        return checkpoint

    def _begin(self) -> None:
        """Cut off what no checkpoint counts, after one stands that counts what is kept."""
        self.checkpoint.save(self.beside)
        self._file.truncate(self.checkpoint.written)
        self._began = True


class Stdout:
    """Standard output in the place of an `Output`: it has no checkpoint, and begins at the beginning every time."""

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
        """Do nothing: every page has been written."""
