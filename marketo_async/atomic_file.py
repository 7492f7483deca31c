"""Small files that are only ever whole, files that one run writes at a time, and the disk's own errors.

Not here: what is in the files.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import IOBase, RawIOBase
from pathlib import Path

from marketo_async.errors import InvalidRequest

if sys.platform != "win32":
    import fcntl


def replace_file(path: Path, content: bytes) -> None:
    """Put *content* in the place of *path*, at once and for good.

    It is written aside and moved into place, so that a process killed at any moment leaves the old one or the new one.
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


def write_all(file: RawIOBase, content: bytes) -> None:
    """Write *content* to an unbuffered file; a disk that is nearly full takes only some of it at a time.

    A buffered file would keep what the disk refused, and write it again later, behind other bytes.
    """
    left = memoryview(content)
    while left:
        left = left[file.write(left) or 0 :]


@contextmanager
def disk(path: Path) -> Iterator[None]:
    """Raise the disk's errors in this block with a file name, *path* where they have none, and what to do next."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        found = OSError(error.errno, os.strerror(error.errno), str(error.filename or path))
        found.add_note("make room or repair the disk, then run the same again: what was written before is kept")
        raise found from error


def guard(file: IOBase, path: Path) -> None:
    """Make sure that an open file is an ordinary one, and that nobody else writes it; closing it lets go.

    Raises `InvalidRequest` for another run at work, in this process or another.
    """
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        raise InvalidRequest(f"{path} is no ordinary file: nothing could be cut off or gone on with")
    if sys.platform != "win32":  # there, two runs at once are the caller's to avoid
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InvalidRequest(f"another run is writing {path}") from error


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Tell which arguments are others than they were."""
    return [
        f"{name} was {before.get(name, 'not given')}, is {now.get(name, 'not given')}"
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    ]
