"""`Scratch`: the local folder of one process for dlt, and the lock that only one process writes to a target.

dlt loads through staging tables, one set for each target, so two processes that load at once would lose rows.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from filelock import FileLock, Timeout

from marketo_async.errors import ConfigurationError

_LOCK = ".lock"
_WRITER = "writer"


class Scratch:
    """A folder below ``base`` that only this object uses. Folders of processes that have ended are removed."""

    def __init__(self, base: Path) -> None:
        self._base = base
        self._folder: Path | None = None
        self._own: FileLock | None = None
        self._writer: FileLock | None = None

    def open(self) -> Path:
        """Remove what other processes left, and return the folder of this one."""
        self.close()
        self._base.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in self._base.iterdir():
            if folder.is_dir() and (lock := _locked(folder.with_suffix(_LOCK))):
                _remove(folder, lock)
        with tempfile.NamedTemporaryFile(dir=self._base, suffix=_LOCK, delete=False) as file:
            path = Path(file.name)
        self._own = _locked(path)
        self._folder = path.with_suffix("")
        self._folder.mkdir(mode=0o700)
        return self._folder

    def write(self, target: str) -> None:
        """Become the one that writes to the target, until this is closed.

        Raises `ConfigurationError` if another process, or another mirror of this one, is.
        """
        self._writer = self._writer or _locked(self._base / f"{_WRITER}{_LOCK}")
        if self._writer is None:
            raise ConfigurationError(
                f"another mirror writes to {target}; end it first, or give each mirror a target of its own"
            )

    def close(self) -> None:
        """Remove the folder, and let others write."""
        if self._folder is not None and self._own is not None:
            _remove(self._folder, self._own)
            self._folder = self._own = None
        if self._writer is not None:
            self._writer.release()
            self._writer = None


def _locked(path: Path) -> FileLock | None:
    """Return the lock of a file, ``None`` if another one has it. It ends with its process."""
    lock = FileLock(path, timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        return None
    return lock


def _remove(folder: Path, lock: FileLock) -> None:
    """Remove a folder whose lock is held."""
    shutil.rmtree(folder, ignore_errors=True)
    lock.release()
    folder.with_suffix(_LOCK).unlink(missing_ok=True)
