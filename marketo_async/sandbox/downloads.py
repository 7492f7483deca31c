"""Downloads: a whole file, or the part that a ``Range`` header asks for."""

from __future__ import annotations

import re

from marketo_async.sandbox.envelope import Download
from marketo_async.sandbox.reply import PLAIN, FilePart, Reply

CSV = "text/csv;charset=UTF-8"

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def downloaded(download: Download, asked: str) -> Reply:
    """Return the reply for a download and the ``Range`` header ``asked``; an invalid range gets the whole file."""
    if not download.found:
        return Reply(download.content, 404, {"Content-Type": PLAIN})
    headers = {"Content-Type": CSV, "Accept-Ranges": "bytes"}
    found = _RANGE.fullmatch(asked.strip())
    if found is None or not (found[1] or found[2]):
        return _body(download, 0, download.size, 200, headers)
    size = download.size
    first = int(found[1]) if found[1] else max(size - int(found[2]), 0)
    last = min(int(found[2]), size - 1) if found[1] and found[2] else size - 1
    if first > last:
        return Reply(b"", 416, {**headers, "Content-Range": f"bytes */{size}"})
    said = {**headers, "Content-Range": f"bytes {first}-{last}/{size}"}
    return _body(download, first, last + 1 - first, 206, said)


def _body(download: Download, first: int, size: int, status: int, headers: dict[str, str]) -> Reply:
    if download.file is None:
        return Reply(download.content[first : first + size], status, headers)
    return Reply(b"", status, headers, part=FilePart(download.file, first, size))
