"""Small files that are replaced as a whole, files that only one run writes at a time, and the errors of disks."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import FileIO, IOBase, RawIOBase
from pathlib import Path

from marketo_async.errors import InvalidRequest

if sys.platform != "win32":
    import fcntl


def replace_file(path: Path, content: bytes) -> None:
    """Replace the file ``path`` by ``content``, atomically and durably.

    The content is written to another file and moved into place: a process killed at any moment leaves the old file or
    the new one.
    """
    aside = path.with_name(f"{path.name}.new")
    with disk(path):
        try:
            with aside.open("wb", buffering=0) as file:
                write_all(file, content)
                os.fsync(file.fileno())
            aside.replace(path)
        except OSError:
            aside.unlink(missing_ok=True)
            raise


def append_to(path: Path) -> tuple[FileIO, bool]:
    """Open a file to append to, and return whether this created it."""
    try:
        return path.open("xb", buffering=0), True
    except FileExistsError:
        return path.open("ab", buffering=0), False


def write_all(file: RawIOBase, content: bytes) -> None:
    """Write all of ``content`` to an unbuffered file; a disk that is nearly full takes only a part at a time.

    A buffered file would keep the bytes that the disk refused, and write them again later, after other bytes.
    """
    left = memoryview(content)
    while left:
        left = left[file.write(left) or 0 :]


_RESUME = "make room or repair the disk, then run the same again: it keeps what was written before"


@contextmanager
def disk(path: Path, remedy: str = _RESUME) -> Iterator[None]:
    """Raise the disk's errors in this block with a file name (else ``path``), and ``remedy`` as a note."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        found = OSError(error.errno, os.strerror(error.errno), str(error.filename or path))
        found.add_note(remedy)
        raise found from error


def guard(file: IOBase, path: Path) -> None:
    """Lock an open regular file against other writers, until it is closed.

    Raises `InvalidRequest` if it is not a regular file, or if another run is writing it, in this process or another.
    """
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        raise InvalidRequest(f"{path} is not a regular file, so it cannot be truncated or resumed")
    if sys.platform != "win32":  # there, the caller must avoid two runs at once
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InvalidRequest(f"another run is writing {path}: wait for it, or choose another path") from error


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Describe the arguments that have changed."""
    return [
        f"{name} was {before.get(name, 'not given')}, is {now.get(name, 'not given')}"
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    ]
