"""`RejectsFile`: writes the rows that an import rejected, as JSON lines, while the import runs.

The known rows are on disk however the import ends. See ``marketo_async.bulk.imports.rejects`` for how rows are found.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import msgspec

from marketo_async.atomic_file import disk
from marketo_async.bulk import Rejected
from marketo_async.cli.output import STDOUT

_ENCODER = msgspec.json.Encoder()
_REMEDY = "make room or repair the disk; the import continued, and Marketo lists its rejected rows for 7 days"


class RejectsFile:
    """The file of ``--rejects``: ``-`` is stdout, ``None`` no file; use it as a context manager around the import.

    Entering it opens the file, so a file that can't be written raises before any row is sent. The old content of the
    file is dropped when the first rows are sent.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self._created = self._began = False
        self.error: OSError | None = None
        """The error of a failed write; the import continued."""

    def __enter__(self) -> Self:
        if self._path == STDOUT:
            self._file = sys.stdout.buffer
        elif self._path is not None:
            path = self._path.resolve()  # removes the file that a dangling link points to, not the link
            try:
                self._file, self._created = path.open("xb"), True
            except FileExistsError:
                self._file = path.open("ab")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._file is None or self._path is None or self._path == STDOUT:
            return
        try:
            with disk(self._path, _REMEDY):
                self._file.close()
        except OSError as failed:  # rows in the buffer could not be written
            self.error = self.error or failed
        if self._created and not self._began:
            self._path.resolve().unlink(missing_ok=True)

    def summary(self) -> str:
        """Return a sentence that says where the known rejected rows are."""
        if self.error is not None:
            return f"{self._path} could not be written: {self.error.strerror}"
        where = "not written; name a file with --rejects" if self._path is None else f"in {self._path}"
        return f"the rejected rows that are known so far are {where}"

    def begin(self) -> None:
        """Drop the old content of the file, once."""
        if self._file is None or self._began:
            return
        self._began = True
        if self._path is not None and self._path != STDOUT and self._path.is_file():
            self._file.truncate(0)

    def add(self, rows: Sequence[Rejected]) -> None:
        """Write rows; a full disk must not end the import, so ``error`` keeps the error."""
        if self._file is None or self._path is None or self.error is not None:
            return
        self.begin()
        try:
            with disk(self._path, _REMEDY):
                self._file.write(_ENCODER.encode_lines(rows))
                self._file.flush()
        except OSError as error:
            self.error = error
