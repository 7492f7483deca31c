"""Downloads: which part of a file to ask for, where its bytes go, and how to distinguish it from an error.

A request asks for the bytes that a `Sink` does not hold yet, so a transfer that broke resumes there. A body that is not
a file (an envelope with an error, a web page, a few words with a 404) is returned, to be read like any other answer.
See ``transport`` for the request, ``bulk`` for the sinks.

https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/bulk-extract/bulk-extract
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
    """Where a file's bytes go; it knows how many it holds, and takes more without waiting."""

    @property
    def held(self) -> int:
        """How many bytes of the file it holds."""
        ...

    def restart(self) -> None:
        """Drop all bytes: the file is sent again from its beginning."""
        ...

    def write(self, chunk: bytes) -> None:
        """Append the next bytes."""
        ...


class SinkFailed(Exception):
    """Carries the ``error`` of a sink past code that takes every `OSError` for one of the connection."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def headers_for(sink: Sink) -> Mapping[str, str]:
    """Return the headers that ask for the rest of a file, uncompressed: a range counts the bytes that are sent."""
    plain = {"Accept": "*/*", "Accept-Encoding": "identity"}
    return {**plain, "Range": f"bytes={sink.held}-"} if sink.held else plain


async def receive(response: aiohttp.ClientResponse, sink: Sink) -> bytes | None:
    """Read an answer into ``sink``; return a body that may not be a file, and leave the sink unchanged then.

    A 200 instead of a 206 starts over, and so does a part with another beginning than asked for; a 416 for a file that
    is complete ends it. Raises `SinkFailed` for an error of the sink.
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
            raise aiohttp.ClientPayloadError(f"the answer is another part of the file than asked for: {said!r}")
    elif response.status != _WHOLE:
        return await response.read()
    start = b"" if response.status == _WHOLE else None  # held back until it is known to be a file
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
    """Return whether a body may still be an envelope or a web page."""
    begins = start.lstrip()[:1]
    return begins in {b"", b"{", b"<"}
