"""From a bulk file's bytes, in any pieces, to blocks of whole records; and the exact way to read one. Pure.

A record ends at a line feed outside of quotes. A cell that begins with a quote ends with one, and two inside of it are
one; any other cell is what stands there, carriage returns, NULs and Unicode's own line ends included. Not here: the
fast way, and what a row is made of (``rows``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import takewhile

from msgspec import Struct

from marketo_async.errors import BadRow

LONGEST_RECORD = 4_194_304  # bytes; a quote that nobody closed must not take the whole file into memory


class Blocks:
    """Cuts a file at line feeds that look to be outside of quotes; what is behind the last one waits for more."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> bytes:
        """Take some more of the file, and return what can be read now, which may be nothing."""
        data = self._rest + chunk
        end = data.rfind(b"\n") + 1
        if len(data) <= LONGEST_RECORD:
            while data.count(b'"', 0, end) % 2:
                end = data.rfind(b"\n", 0, data.rfind(b'"', 0, end)) + 1
        self._rest = data[end:]
        return data[:end]

    def back(self, unread: bytes) -> None:
        """Take back what turned out to be no whole record."""
        self._rest = unread + self._rest

    def close(self) -> bytes:
        """Return what is left at the end of the file."""
        rest, self._rest = self._rest, b""
        return rest


class Count:
    """Counts the records of a file as its bytes come, in any pieces; a last one without a line feed counts too."""

    def __init__(self) -> None:
        self._ends, self._quoted, self._ended = 0, False, True

    @property
    def records(self) -> int:
        """How many records have come, without the header."""
        return max(self._ends + (not self._ended) - 1, 0)

    def feed(self, piece: bytes) -> None:
        """Take some more of the file."""
        if not piece:
            return
        segments = piece.split(b'"')
        first = int(self._quoted)  # of the segments, every other one is outside of quotes
        self._ends += sum(segment.count(b"\n") for segment in segments[first::2])
        self._quoted ^= len(segments) % 2 == 0
        self._ended = piece.endswith(b"\n") and not self._quoted


class Ends:
    """Replaces the line end ``end`` of each record by ``wanted``; line ends in quotes stay as they are."""

    def __init__(self, end: bytes, wanted: bytes) -> None:
        self._end, self.wanted = end, wanted
        self._blocks = Blocks() if end and end != wanted else None

    def feed(self, piece: bytes) -> bytes:
        """Take some more of the file, and return what can be written now, which may be nothing."""
        return piece if self._blocks is None else self._ended(self._blocks.feed(piece))

    def close(self) -> bytes:
        """Return what is left at the end of the file."""
        return b"" if self._blocks is None else self._ended(self._blocks.close())

    def _ended(self, block: bytes) -> bytes:
        segments = block.split(b'"')
        segments[::2] = [segment.replace(self._end, self.wanted) for segment in segments[::2]]
        return b'"'.join(segments)


class RawRecord(Struct, frozen=True):
    """One record: where it begins, its cells (``None`` for null), and how it stands in the file."""

    line: int
    cells: list[str | None]
    text: str


@cache
def _plain(delimiter: str) -> re.Pattern[str]:
    return re.compile(f"[^{re.escape(delimiter)}\n]*")


_QUOTED = re.compile(r'"([^"]*(?:""[^"]*)*)"')


class Exact:
    """Reads ``text`` record by record, from line number ``line`` on; ``read`` is how many characters have been read.

    Where ``final`` is false, a quote that is not closed is left for more text to come.
    """

    def __init__(self, text: str, *, delimiter: str, line: int, crlf: bool, null: bool, final: bool) -> None:
        self._text, self._delimiter, self._line = text, delimiter, line
        self._end, self._null, self._final = "\r\n" if crlf else "\n", null, final
        self.read = 0

    def __iter__(self) -> Iterator[RawRecord | BadRow]:
        """Yield records, and a `BadRow` in the place of each line where none could be read."""
        text = self._text
        while self.read < len(text):
            start = self.read
            found = self._record(start)
            if found is None:
                return
            if isinstance(found, BadRow):  # go on at the next line, whatever it belongs to
                self.read = text.find("\n", start) + 1 or len(text)
            self._line += text.count("\n", start, self.read)
            yield found

    def _record(self, start: int) -> RawRecord | BadRow | None:
        text, at, cells = self._text, start, list[str | None]()
        while True:
            if text.startswith('"', at):
                quoted = _QUOTED.match(text, at)
                if quoted is None:
                    return self._bad(start, "a quote opens here and is never closed", cells) if self._final else None
                cell, at = quoted[1].replace('""', '"'), quoted.end()
                if not (at == len(text) or text.startswith((self._delimiter, "\n", self._end), at)):
                    return self._bad(start, f"{text[at : at + 20]!r} follows a closing quote", cells)
                cells.append(cell)
            else:
                plain = _plain(self._delimiter).match(text, at)
                cell, at = plain[0] if plain else "", plain.end() if plain else at
                if self._end == "\r\n" and cell.endswith("\r") and not text.startswith(self._delimiter, at):
                    cell = cell[:-1]
                cells.append(None if self._null and cell == "null" else cell)
            if text.startswith(self._delimiter, at):
                at += 1
                continue
            at += len(self._end) if text.startswith(self._end, at) else 1
            self.read = min(at, len(text))
            stands = text[start : self.read].removesuffix("\n").removesuffix("\r")
            if not is_unicode(stands):
                whole = list(takewhile(lambda cell: is_unicode(cell or ""), cells))
                return self._bad(start, "the bytes are not UTF-8", whole)
            return RawRecord(self._line, cells, stands)

    def _bad(self, start: int, message: str, before: list[str | None]) -> BadRow:
        line = self._text[start:].partition("\n")[0]
        return BadRow(message, line=self._line, column=len(before) + 1, text=line)


def is_unicode(text: str) -> bool:
    """Tell whether no byte had to be smuggled through the decoding of ``text``."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def cells_of(content: bytes, delimiter: str) -> Iterator[list[str]]:
    """Yield the cells of all records of a small file, however many each has; raises `BadRow`."""
    text = content.decode("utf-8-sig")
    crlf = text.partition("\n")[0].endswith("\r")
    for found in Exact(text, delimiter=delimiter, line=1, crlf=crlf, null=False, final=True):
        if isinstance(found, BadRow):
            raise found
        if found.text:
            yield [cell or "" for cell in found.cells]
