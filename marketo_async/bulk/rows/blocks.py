"""Splits the bytes of a bulk file, in pieces of any size, into blocks of complete records; reads single records. Pure.

A record ends with a line feed outside of quotes. A cell that begins with a quote ends with one, and two quotes in it
mean one. Any other cell is taken literally, with carriage returns, NULs and Unicode's line ends. See ``reader`` for the
fast way, and for rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import takewhile

from msgspec import Struct

from marketo_async.errors import BadRow

LONGEST_RECORD = 4_194_304  # bytes; an unclosed quote must not bring the whole file into memory


class Blocks:
    """Splits a file at line feeds that seem to be outside of quotes, and keeps the rest until more bytes arrive."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> bytes:
        """Add bytes of the file, and return those that form complete records, possibly none."""
        data = self._rest + chunk
        end = data.rfind(b"\n") + 1
        if len(self._rest) < LONGEST_RECORD:
            while data.count(b'"', 0, end) % 2:
                end = data.rfind(b"\n", 0, data.rfind(b'"', 0, end)) + 1
        self._rest = data[end:]
        return data[:end]

    def put_back(self, unread: bytes) -> None:
        """Return bytes that proved not to be a complete record."""
        self._rest = unread + self._rest

    def close(self) -> bytes:
        """Return the rest at the end of the file."""
        rest, self._rest = self._rest, b""
        return rest


class Count:
    """Counts the records of a file from pieces of any size, also a last one without a line feed."""

    def __init__(self) -> None:
        self._ends, self._quoted, self._ended = 0, False, True

    @property
    def records(self) -> int:
        """How many records were counted, without the header."""
        return max(self._ends + (not self._ended) - 1, 0)

    def feed(self, piece: bytes) -> None:
        """Add bytes of the file."""
        if not piece:
            return
        segments = piece.split(b'"')
        first = int(self._quoted)  # every second segment is outside of quotes
        self._ends += sum(segment.count(b"\n") for segment in segments[first::2])
        self._quoted ^= len(segments) % 2 == 0
        self._ended = piece.endswith(b"\n") and not self._quoted


class Ends:
    """Replaces the line end ``end`` of each record by ``wanted``, but not line ends in quotes."""

    def __init__(self, end: bytes, wanted: bytes) -> None:
        self._end, self.wanted = end, wanted
        self._blocks = Blocks() if end and end != wanted else None

    def feed(self, piece: bytes) -> bytes:
        """Add bytes of the file, and return those that can be written now, possibly none."""
        return piece if self._blocks is None else self._ended(self._blocks.feed(piece))

    def close(self) -> bytes:
        """Return the rest at the end of the file."""
        return b"" if self._blocks is None else self._ended(self._blocks.close())

    def _ended(self, block: bytes) -> bytes:
        segments = block.split(b'"')
        segments[::2] = [segment.replace(self._end, self.wanted) for segment in segments[::2]]
        return b'"'.join(segments)


class RawRecord(Struct, frozen=True):
    """One record: the number of its first line, its cells (``None`` for null), and its text in the file."""

    line: int
    cells: list[str | None]
    text: str


@cache
def _unquoted(delimiter: str) -> re.Pattern[str]:
    return re.compile(f"[^{re.escape(delimiter)}\n]*")


_QUOTED = re.compile(r'"([^"]*(?:""[^"]*)*)"')


class Exact:
    """Reads ``text`` record by record; ``line`` is the number of its first line, ``read`` counts the characters read.

    Unless ``final``, it stops before a record with an unclosed quote, because more text may close it, up to the longest
    record.
    """

    def __init__(self, text: str, *, delimiter: str, line: int, crlf: bool, null: bool, final: bool) -> None:
        self._text, self._delimiter, self._line = text, delimiter, line
        self._end, self._null, self._final = "\r\n" if crlf else "\n", null, final
        self.read = 0

    def __iter__(self) -> Iterator[RawRecord | BadRow]:
        """Yield records, and a `BadRow` instead of each line where none can be read."""
        text = self._text
        while self.read < len(text):
            start = self.read
            found = self._record(start)
            if found is None:
                return
            if isinstance(found, BadRow):  # continue at the next line, even if it belongs to the same record
                self.read = text.find("\n", start) + 1 or len(text)
            self._line += text.count("\n", start, self.read)
            yield found

    def _record(self, start: int) -> RawRecord | BadRow | None:
        text, at, cells = self._text, start, list[str | None]()
        while True:
            if text.startswith('"', at):
                quoted = _QUOTED.match(text, at)
                if quoted is None:
                    if self._final or len(text) - start >= LONGEST_RECORD:
                        return self._bad(start, "a quote opens here and is never closed", cells)
                    return None
                cell, at = quoted[1].replace('""', '"'), quoted.end()
                if not (at == len(text) or text.startswith((self._delimiter, "\n", self._end), at)):
                    return self._bad(start, f"{text[at : at + 20]!r} follows a closing quote", cells)
                cells.append(cell)
            else:
                plain = _unquoted(self._delimiter).match(text, at)
                cell, at = plain[0] if plain else "", plain.end() if plain else at
                if self._end == "\r\n" and cell.endswith("\r") and not text.startswith(self._delimiter, at):
                    cell = cell[:-1]
                cells.append(None if self._null and cell == "null" else cell)
            if text.startswith(self._delimiter, at):
                at += 1
                continue
            at += len(self._end) if text.startswith(self._end, at) else 1
            self.read = min(at, len(text))
            raw = text[start : self.read].removesuffix("\n").removesuffix("\r")
            if not is_unicode(raw):
                whole = list(takewhile(lambda cell: is_unicode(cell or ""), cells))
                return self._bad(start, "the bytes are not UTF-8", whole)
            return RawRecord(self._line, cells, raw)

    def _bad(self, start: int, message: str, before: list[str | None]) -> BadRow:
        line = self._text[start:].partition("\n")[0]
        return BadRow(message, line=self._line, column=len(before) + 1, text=line)


def is_unicode(text: str) -> bool:
    """Return whether ``text`` was decoded without surrogate escapes, which stand for invalid bytes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def cells_of(content: bytes, delimiter: str) -> Iterator[list[str]]:
    """Yield the cells of each record of a small file, whose numbers may differ; raises `BadRow`."""
    text = content.decode("utf-8-sig")
    crlf = text.partition("\n")[0].endswith("\r")
    for found in Exact(text, delimiter=delimiter, line=1, crlf=crlf, null=False, final=True):
        if isinstance(found, BadRow):
            raise found
        if found.text:
            yield [cell or "" for cell in found.cells]
