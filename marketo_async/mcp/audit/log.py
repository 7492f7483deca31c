"""`AuditLog`: the audit files of one instance, which any number of processes write.

A record is one line, appended with the file locked (``flock``), so lines of several processes form one chain. A new
month begins a new file, which continues the chain. Records of writes are on the disk before the call; those of reads
are written at once too, and synced about once a second, which only matters if the machine loses power.

A torn last line, left by a machine that lost power, is cut off, and the next record says so. A file that was made
shorter or does not end with a record of its chain is not continued: `AuditUnavailable`, and no call is made.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from marketo_async.errors import AuditUnavailable
from marketo_async.mcp.audit.chain import START, ChainLink, link_of, sealed
from marketo_async.mcp.audit.files import last_hash_before, last_line
from marketo_async.mcp.audit.records import AuditRecord, Masker, members_of_record, moment
from marketo_async.workthread import WorkThread

_SYNC_EVERY = 1.0
_ANCHOR_AGE = 60.0
_UNSAFE = re.compile(r"[^A-Za-z0-9-]+")
_MODE = 0o600


class AuditLog:
    """The audit of the instance ``where``, in ``folder``.

    ``key`` signs the chain. ``anchor`` is a file in another place, to which the number and hash of every
    ``anchor_every``-th record are written, and of the last record before a pause of a minute and at `close`. With
    ``sync_each``, records of reads are synced like those of writes. Raises `AuditUnavailable` where the folder can't be
    used.
    """

    def __init__(
        self,
        folder: Path,
        where: str,
        *,
        key: bytes | None = None,
        anchor: Path | None = None,
        anchor_every: int = 100,
        sync_each: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.folder, self.where = folder, where
        self._name = _UNSAFE.sub("_", where) or "instance"
        self._key = key
        self._anchor, self._anchor_every = anchor, anchor_every
        self._sync_each = sync_each
        self._clock = clock
        self._lock = threading.Lock()
        self._thread = WorkThread("marketo-audit")
        self._file: int | None = None
        self._path = folder
        self._size = -1  # of the file after our last line
        self._link = ChainLink(0, START)
        self._synced = self._anchored_at = float("-inf")
        self._anchored = 0
        with _disk(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.masker = Masker(_own_key(folder / "masking.key"))

    def path_at(self, epoch: float) -> Path:
        """Return the file of the month of a moment."""
        return self.folder / f"{datetime.fromtimestamp(epoch, UTC):%Y-%m}.{self._name}.jsonl"

    def now(self) -> str:
        """Return the moment as records show it."""
        return moment(self._clock())

    def append(self, record: AuditRecord) -> int:
        """Append a record, and return its number. Raises `AuditUnavailable`, and then the record is not there."""
        with self._lock, _disk(self.folder):
            return self._append(record)

    async def write(self, record: AuditRecord, *, durable: bool) -> int:
        """Append a record, and return its number; a ``durable`` one is on the disk by then."""
        number = self.append(record)
        if durable or self._sync_each or self._clock() - self._synced >= _SYNC_EVERY:
            await self._thread.run(self._sync)
        return number

    def close(self) -> None:
        """Write the anchor of the last record, and close the file; the next record opens it again."""
        with self._lock, _disk(self.folder):
            self._end()

    def _end(self) -> None:
        """Close the file of a month that is over, or of a server that ends, with an anchor of its last record."""
        if self._file is not None:
            os.fdatasync(self._file)
            self._write_anchor()
            os.close(self._file)
            self._file = None

    def _append(self, record: AuditRecord) -> int:
        now = self._clock()
        file = self._opened(self.path_at(now))
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            size = os.fstat(file).st_size
            if size != self._size:
                size = self._catch_up(file, size)
            line, link = sealed(members_of_record(record), self._link, self._key)
            _write_whole(file, line, size)
            self._size, self._link = size + len(line), link
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)
        if self._link.n - self._anchored >= self._anchor_every or now - self._anchored_at >= _ANCHOR_AGE:
            self._write_anchor()
        return link.n

    def _opened(self, path: Path) -> int:
        """Return the open file at a path; it is opened again where it was removed or replaced."""
        if self._file is not None and path == self._path and _is_at(self._file, path):
            return self._file
        if self._file is not None:
            if path == self._path:
                raise AuditUnavailable(f"{path} was removed or replaced while it was written", hint=_LOOK)
            self._end()
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, _MODE)
        self._path, self._size, self._anchored = path, -1, 0
        return self._file

    def _catch_up(self, file: int, size: int) -> int:
        """Continue after the lines of other processes, or of earlier runs; return the size without a torn line."""
        if size < self._size:
            raise AuditUnavailable(f"{self._path} has become shorter: records were removed from it", hint=_LOOK)
        line, torn = last_line(file, size)
        link = link_of(line) if line else ChainLink(0, last_hash_before(self._path) or START)
        if link is None or (not line and size > torn):
            raise AuditUnavailable(f"{self._path} does not end with a record", hint=_LOOK)
        self._link = link
        if not torn:
            return size
        os.ftruncate(file, size - torn)
        says = f"A torn line of {torn} bytes was cut off after record {link.n}."
        record = AuditRecord(at=self.now(), kind="policy", where=self.where, says=says)
        entry, self._link = sealed(members_of_record(record), link, self._key)
        _write_whole(file, entry, size - torn)
        return size - torn + len(entry)

    def _sync(self) -> None:
        with _disk(self.folder):
            with self._lock:
                file = None if self._file is None else os.dup(self._file)
                self._synced = self._clock()
            if file is not None:  # without the lock, so that the event loop can append meanwhile
                try:
                    os.fdatasync(file)
                finally:
                    os.close(file)

    def _write_anchor(self) -> None:
        if self._anchor is None or self._link.n == 0:
            return
        entry = msgspec.json.encode({"file": self._path.name, "n": self._link.n, "hash": self._link.hash})
        anchor = os.open(self._anchor, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, _MODE)
        try:
            os.write(anchor, entry + b"\n")
            os.fdatasync(anchor)
        finally:
            os.close(anchor)
        self._anchored, self._anchored_at = self._link.n, self._clock()


_LOOK = "look at it with `marketo-async mcp audit FILE --verify`, and move it away to begin a new one"


def _write_whole(file: int, line: bytes, size: int) -> None:
    """Append a line, or leave the file as it was."""
    try:
        written = os.write(file, line)
    except OSError:
        os.ftruncate(file, size)
        raise
    if written != len(line):
        os.ftruncate(file, size)
        raise AuditUnavailable("the audit has no room for a record", hint="free some space on its disk")


def _is_at(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def _own_key(path: Path) -> bytes:
    """Return the key of a file, which is made where it is missing; only its owner can read it."""
    with _disk(path):
        try:
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
        except FileExistsError:
            return _known_key(path)
        with os.fdopen(file, "wb") as opened:
            opened.write(key := secrets.token_bytes(32))
            opened.flush()
            os.fsync(opened.fileno())
        return key


def _known_key(path: Path) -> bytes:
    """Return a key that is there, perhaps only just begun by another process."""
    for _ in range(100):
        if len(key := path.read_bytes()) == 32:  # noqa: PLR2004 - as it was written
            return key
        time.sleep(0.01)
    raise AuditUnavailable(f"{path} is not a key of 32 bytes", hint="move it away; a new key finds no older records")


@contextmanager
def _disk(path: Path) -> Iterator[None]:
    """Turn an error of the disk into `AuditUnavailable`."""
    try:
        yield
    except OSError as error:
        raise AuditUnavailable(
            f"{error.filename or path}: {error.strerror}", hint="the audit needs a writable folder with free space"
        ) from error
