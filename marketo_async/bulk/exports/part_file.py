"""`PartFile`: a bulk file while it is downloaded; it is hashed as bytes arrive, and compared with its job at the end.

Each chunk is written at once, without a thread: the page cache takes it in microseconds. Only bytes that the disk
accepted are counted and hashed, so a disk that fails for a moment does not damage the file. See ``session`` for the
call, and ``jobs`` for what follows a flaw.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Self

from marketo_async.atomic_file import disk
from marketo_async.bulk.rows.blocks import Count
from marketo_async.models.bulk import ExportJob

_PIECE = 1_048_576


class PartFile:
    """A file at ``path`` that continues after the bytes of an earlier run.

    ``on_growth`` receives the number of bytes gained, below 0 if they are dropped. Raises the disk's `OSError`, with
    ``path`` as its file name.
    """

    def __init__(self, path: Path, on_growth: Callable[[int], None] | None = None) -> None:
        self.path = path
        self._on_growth = on_growth
        with disk(path):
            self._file = path.open("a+b", buffering=0)  # a buffer would write refused bytes later, after others
        self._reset()

    def read_existing(self) -> None:
        """Count and hash the bytes of an earlier run; it reads the whole file, so call it in a thread."""
        self._reset()
        with disk(self.path):
            self._file.seek(0)
            while piece := self._file.read(_PIECE):
                self._count_in(piece)

    @property
    def held(self) -> int:
        """How many bytes the file has."""
        return self._held

    @property
    def records(self) -> int:
        """How many records the file has, without the header."""
        return self._count.records

    def restart(self) -> None:
        """Drop all bytes."""
        if held := self._held:
            with disk(self.path):
                self._file.truncate(0)
            self._reset()
            self._report(-held)

    def write(self, chunk: bytes) -> None:
        """Append bytes; if the disk accepts only some of them, those are counted before its error is raised."""
        left, held = memoryview(chunk), self._held
        try:
            with disk(self.path):
                while left:
                    taken = self._file.write(left) or 0
                    self._count_in(bytes(left[:taken]))
                    left = left[taken:]
        finally:
            self._report(self._held - held)

    def flaw(self, job: ExportJob) -> str | None:
        """Return how the file differs from its job in length, checksum or number of records, or ``None``.

        The number of records is compared only without a checksum, which proves more than our own count.
        """
        if job.file_size is not None and self._held != job.file_size:
            return f"{self._held:,} bytes were received, the job has {job.file_size:,}"
        with disk(self.path):
            size = os.fstat(self._file.fileno()).st_size
        if size != self._held:
            return f"{self._held:,} bytes were received, the file has {size:,}: another program writes to it"
        kind, _, wanted = (job.file_checksum or "").rpartition(":")
        if wanted and kind.lower() in {"", "sha256"}:
            if wanted.lower() == self._digest.hexdigest():
                return None
            return f"the checksum is {self._digest.hexdigest()}, the job has {wanted}"
        if job.number_of_records is not None and self.records != job.number_of_records:
            return f"{self.records:,} records were received, the job has {job.number_of_records:,}"
        return None

    def sync(self) -> None:
        """Make the bytes durable (fsync); it may take seconds, so call it in a thread."""
        with disk(self.path):
            os.fsync(self._file.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()

    def _reset(self) -> None:
        self._held, self._digest, self._count = 0, sha256(), Count()

    def _count_in(self, piece: bytes) -> None:
        self._held += len(piece)
        self._digest.update(piece)
        self._count.feed(piece)

    def _report(self, grown: int) -> None:
        if self._on_growth is not None and grown:
            self._on_growth(grown)


def write_empty(path: Path) -> None:
    """Leave an empty file, also if an earlier download left a part there."""
    with disk(path):
        path.write_bytes(b"")


def has_mark(path: Path, mark: str) -> bool:
    """Return whether the first line of a file contains the mark."""
    with path.open("rb") as file:
        return mark.encode() in file.readline()
