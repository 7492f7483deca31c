"""A file on its way in: which part of it to ask for, where its bytes go, and how to tell it from an error.

A file is asked for from the byte where a `Sink` stands, so a transfer that broke goes on there. What is no file after
all (an envelope with an error, a web page, a few words with a 404) is handed back to be judged like any other answer.
Not here: the pipeline that asks (``session``), and sinks themselves (``bulk``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Protocol

import aiohttp

_WHOLE, _PART, _OUTSIDE = 200, 206, 416
_PEEK = 65_536  # an envelope with an error is far shorter
_RANGE = re.compile(r"bytes (\d+)-\d+/(?:\d+|\*)")
_TOTAL = re.compile(r"bytes \*/(\d+)")


class Sink(Protocol):
    """Where a file's bytes go; it knows how many it holds, and takes more without waiting for anybody."""

    @property
    def held(self) -> int:
        """How many bytes of the file are here."""
        ...

    def restart(self) -> None:
        """Forget all bytes: the file comes from its beginning."""
        ...

    def write(self, chunk: bytes) -> None:
        """Take the bytes behind those that are here."""
        ...


class SinkFailed(Exception):
    """Carries the *error* of a sink past those who take every `OSError` for one of the connection."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def headers_for(sink: Sink) -> Mapping[str, str]:
    """Return what asks for the rest of a file, byte for byte: ranges of a packed file would be others."""
    plain = {"Accept": "*/*", "Accept-Encoding": "identity"}
    return {**plain, "Range": f"bytes={sink.held}-"} if sink.held else plain


async def receive(response: aiohttp.ClientResponse, sink: Sink) -> bytes | None:
    """Read an answer into *sink*, or return the body of what may be no file, for which nothing is forgotten yet.

    A 200 in place of a 206 starts over, as does a part that begins elsewhere than asked; a 416 of a file that is here
    as a whole is its end. Raises `SinkFailed` for an error of the sink.
    """
    said = response.headers.get("Content-Range", "")
    if response.status == _OUTSIDE:
        total = _TOTAL.fullmatch(said)
        if total and int(total[1]) == sink.held:
            return None
        _restarted(sink)
    if response.status == _PART:
        part = _RANGE.fullmatch(said)
        if part is None or int(part[1]) != sink.held:
            _restarted(sink)
            raise aiohttp.ClientPayloadError(f"a part of the file that was not asked for: {said!r}")
    elif response.status != _WHOLE:
        return await response.read()
    start = b"" if response.status == _WHOLE else None  # what is held back until it is known to be a file
    async for chunk in response.content.iter_any():
        if start is None:
            _written(sink, chunk)
            continue
        start += chunk
        if len(start) >= _PEEK or not _doubtful(start):
            _restarted(sink)
            _written(sink, start)
            start = None
    return start


def _restarted(sink: Sink) -> None:
    try:
        sink.restart()
    except Exception as error:
        raise SinkFailed(error) from error


def _written(sink: Sink, chunk: bytes) -> None:
    try:
        sink.write(chunk)
    except Exception as error:
        raise SinkFailed(error) from error


def _doubtful(start: bytes) -> bool:
    """Tell whether a body may yet turn out to be an envelope or a web page."""
    begins = start.lstrip()[:1]
    return begins in {b"", b"{", b"<"}
