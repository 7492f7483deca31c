"""The order of an instance's audit files, and their last lines. See ``log`` for writing and ``query`` for reading."""

from __future__ import annotations

import os
from pathlib import Path

from marketo_async.mcp.audit.chain import link_of

BLOCK = 65_536  # bytes at the end of a file, more than any line has


def last_line(file: int, size: int) -> tuple[bytes, int]:
    """Return the last whole line of an open file of ``size`` bytes, and how many bytes of a torn line follow it."""
    tail = os.pread(file, BLOCK, max(0, size - BLOCK))
    whole = tail[: tail.rfind(b"\n") + 1]
    return whole[:-1].rpartition(b"\n")[2], len(tail) - len(whole)


def last_hash_before(path: Path) -> str | None:
    """Return the last hash of the same instance's file before this one, ``None`` where there is none."""
    instance = path.name.partition(".")[2]
    earlier = sorted(one for one in path.parent.glob(f"*.{instance}") if one.name < path.name)
    if not earlier:
        return None
    with earlier[-1].open("rb") as file:
        line, _ = last_line(file.fileno(), os.fstat(file.fileno()).st_size)
    link = link_of(line)
    return None if link is None else link.hash
