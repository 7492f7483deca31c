"""The format of an audit file, and its check: each line holds the hash of the line before it. Pure.

A line is a JSON object whose last members are ``prev`` and ``hash``: ``hash`` is the HMAC-SHA256 of all that is before
it in the line, with the key of the policy, or SHA-256 without a key. Lines are numbered from 1 in each file; the first
line's ``prev`` is the last hash of the file before, or zeros.

What the check finds
    Any change, removal, insertion, repetition or exchange of lines, at the first line that it concerns. Lines cut off
    at the end leave a valid chain: an anchor, which holds numbers and hashes in another place, shows that they are
    missing. Without a key, one who can write the file can also compute all of its hashes again from a changed line on;
    the anchor shows that too, as far as it can't be changed by the same person.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping

import msgspec
from msgspec import Struct

START = "0" * 64  # what the first line of all has in place of a hash
_HEX = 64
_TAIL = len(b',"hash":"') + _HEX + len(b'"}\n')


class ChainLink(Struct, frozen=True):
    """The number and the hash of a line, by which the next one is chained."""

    n: int
    hash: str


class Verification(Struct, frozen=True, kw_only=True):
    """The result of a check: how many ``records`` are good, and the number and fault of the first ``bad_line``."""

    records: int
    last: str = START
    bad_line: int | None = None
    why: str = ""

    @property
    def good(self) -> bool:
        """Whether no fault was found."""
        return self.bad_line is None


def sealed(members: Mapping[str, object], link: ChainLink, key: bytes | None) -> tuple[bytes, ChainLink]:
    """Return the line, with its newline, of a record that follows ``link``, and its own link."""
    body = msgspec.json.encode({"n": link.n + 1, **members, "prev": link.hash})[:-1]
    digest = _digest_of(key)(body)
    return b'%b,"hash":"%b"}\n' % (body, digest.encode()), ChainLink(link.n + 1, digest)


def link_of(line: bytes) -> ChainLink | None:
    """Return the link of a line without its newline, or ``None`` where it is not a line of an audit."""
    try:
        return msgspec.json.decode(line, type=ChainLink)
    except msgspec.DecodeError:
        return None


def verify(
    lines: Iterable[bytes],
    *,
    key: bytes | None = None,
    anchors: Mapping[int, str] | None = None,
    first: str | None = None,
) -> Verification:
    """Check the lines of one file, each with its newline, and return the number of the first bad one.

    ``anchors`` maps numbers of lines to their hashes. ``first`` is the last hash of the file before; by default, the
    first line may follow anything.
    """
    known, digest = anchors or {}, _digest_of(key)
    prev = b"" if first is None else first.encode()
    n = 0
    for line in lines:
        n += 1
        body = line[:-_TAIL]
        found = digest(body).encode()
        if line[-_TAIL:] != b',"hash":"%b"}\n' % found:
            return Verification(records=n - 1, bad_line=n, why=_CHANGED if line.endswith(b'"}\n') else _NO_LINE)
        if not body.startswith(b'{"n":%d,' % n):
            return Verification(records=n - 1, bad_line=n, why=_MISNUMBERED)
        if prev and body[-_HEX - 1 : -1] != prev:
            return Verification(records=n - 1, bad_line=n, why="it does not follow the line before it")
        if known and known.get(n, found.decode()) != found.decode():
            return Verification(records=n - 1, bad_line=n, why=_REWRITTEN)
        prev = found
    if known and max(known) > n:
        why = f"the file ends before line {max(known)}, which the anchor knows"
        return Verification(records=n, bad_line=n + 1, why=why)
    return Verification(records=n, last=prev.decode() if n else START)


_NO_LINE = "it is not a line of an audit"
_CHANGED = "its hash does not fit its content: it was changed, or written with another key"
_MISNUMBERED = "its number is not that of the line: records before it are missing, or were inserted"
_REWRITTEN = "the anchor knows another hash of this line: it was written again"


def _digest_of(key: bytes | None) -> Callable[[bytes], str]:
    """Return the function that hashes the body of a line."""
    if key is None:
        return lambda body: hashlib.sha256(body).hexdigest()
    started = hmac.new(key, digestmod="sha256")  # a copy is twice as fast as a new one

    def keyed(body: bytes) -> str:
        copied = started.copy()
        copied.update(body)
        return copied.hexdigest()

    return keyed
