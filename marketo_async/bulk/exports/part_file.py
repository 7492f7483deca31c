"""`PartFile`: a bulk file on its way to disk, hashed as it comes, and judged against its job at the end.

Writing is plain and immediate: a chunk goes to the page cache in microseconds, and the call's slot waits for nobody.
Only bytes that the file has taken are counted and hashed, so that a disk that fails for a moment damages nothing.
Not here: asking for the file (``session``), and what is done about a flaw (``jobs``).
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
    """A file at ``path`` that grows from what an earlier run left there; ``told`` is called with every growth.

    Raises the disk's own `OSError`, with the path as its file name.
    """

    def __init__(self, path: Path, told: Callable[[int], None] | None = None) -> None:
        self.path = path
        self._told = told
        with disk(path):
            self._file = path.open("a+b", buffering=0)  # a buffer would keep what the disk refused, and write it later
        self._forget()

    def recall(self) -> None:
        """Count and hash what is there already; may take a while."""
        self._forget()
        with disk(self.path):
            self._file.seek(0)
            while piece := self._file.read(_PIECE):
                self._take(piece)

    @property
    def held(self) -> int:
        """How many bytes are here."""
        return self._held

    @property
    def records(self) -> int:
        """How many records are here, without the header."""
        return self._count.records

    def restart(self) -> None:
        """Forget all bytes."""
        if held := self._held:
            with disk(self.path):
                self._file.truncate(0)
            self._forget()
            self._tell(-held)

    def write(self, chunk: bytes) -> None:
        """Take the next bytes; where the disk takes only some of them, those are counted before its error is raised."""
        left, held = memoryview(chunk), self._held
        try:
            with disk(self.path):
                while left:
                    taken = self._file.write(left) or 0
                    self._take(bytes(left[:taken]))
                    left = left[taken:]
        finally:
            self._tell(self._held - held)

    def flaw(self, job: ExportJob) -> str | None:
        """Return what is wrong with the file, by the length, the checksum and the number of records of its job.

        The number counts only where there is no checksum: a checksum proves more than our way of counting.
        """
        if job.file_size is not None and self._held != job.file_size:
            return f"{self._held:,} bytes came, the job has {job.file_size:,}"
        with disk(self.path):
            size = os.fstat(self._file.fileno()).st_size
        if size != self._held:
            return f"{self._held:,} bytes came, the file has {size:,}: another program writes to it"
        kind, _, wanted = (job.file_checksum or "").rpartition(":")
        if wanted and kind.lower() in {"", "sha256"}:
            if wanted.lower() == self._digest.hexdigest():
                return None
            return f"the checksum is {self._digest.hexdigest()}, the job has {wanted}"
        if job.number_of_records is not None and self.records != job.number_of_records:
            return f"{self.records:,} records came, the job has {job.number_of_records:,}"
        return None

    def keep(self) -> None:
        """Bring the bytes to the disk for good; may take a while."""
        with disk(self.path):
            os.fsync(self._file.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()

    def _forget(self) -> None:
        self._held, self._digest, self._count = 0, sha256(), Count()

    def _take(self, piece: bytes) -> None:
        self._held += len(piece)
        self._digest.update(piece)
        self._count.feed(piece)

    def _tell(self, grown: int) -> None:
        if self._told is not None and grown:
            self._told(grown)
