"""Small files that are only ever whole, and files that one run writes at a time. Not here: what is in them."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from io import BufferedIOBase
from pathlib import Path

from marketo_async.errors import InvalidRequest

if sys.platform != "win32":
    import fcntl


def replace_file(path: Path, content: bytes) -> None:
    """Put *content* in the place of *path*, at once and for good.

    It is written aside and moved into place, so that a process killed at any moment leaves the old one or the new one.
    """
    aside = path.with_name(f"{path.name}.new")
    with aside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


def guard(file: BufferedIOBase, path: Path) -> None:
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
