"""`Spool`: a bulk file on its way to disk, hashed as it comes, and judged against its job at the end.

Writing is plain and immediate: a chunk goes to the page cache in microseconds, and the call's slot waits for nobody.
Not here: asking for the file (``session``), and what is done about a flaw (``jobs``).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Self

from marketo_async.models.bulk import ExportJob

_PIECE = 1_048_576


class Spool:
    """A file at *path* that grows from what an earlier run left there; *told* is called with every growth."""

    def __init__(self, path: Path, told: Callable[[int], None] | None = None) -> None:
        self.path = path
        self._told = told
        self._file = path.open("a+b")
        self._digest = sha256()
        self._held = 0

    def recall(self) -> None:
        """Count and hash what is there already; may take a while."""
        self._file.seek(0)
        while piece := self._file.read(_PIECE):
            self._digest.update(piece)
            self._held += len(piece)

    @property
    def held(self) -> int:
        """How many bytes are here."""
        return self._held

    def restart(self) -> None:
        """Forget all bytes."""
        if self._held:
            self._file.truncate(0)
            self._digest = sha256()
            self._tell(-self._held)

    def write(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self._file.write(chunk)
        self._digest.update(chunk)
        self._tell(len(chunk))

    def flaw(self, job: ExportJob) -> str | None:
        """Return what is wrong with the file, by the length and the checksum that its job has."""
        if job.file_size is not None and self._held != job.file_size:
            return f"{self._held:,} bytes came, the job has {job.file_size:,}"
        kind, _, wanted = (job.file_checksum or "").rpartition(":")
        if wanted and kind.lower() in {"", "sha256"} and wanted.lower() != self._digest.hexdigest():
            return f"the checksum is {self._digest.hexdigest()}, the job has {wanted}"
        return None

    def keep(self) -> None:
        """Bring the bytes to the disk for good; may take a while."""
        self._file.flush()
        with self.path.open("rb") as file:
            os.fsync(file.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()

    def _tell(self, grown: int) -> None:
        self._held += grown
        if self._told is not None:
            self._told(grown)
