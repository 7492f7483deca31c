"""Reads audit files: their records, filtered, and the check of a file with its anchor and the file before it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from marketo_async.errors import AuditUnavailable
from marketo_async.mcp.audit.chain import Verification, verify
from marketo_async.mcp.audit.files import last_hash_before
from marketo_async.mcp.audit.records import AuditRecord


class _Anchor(Struct, frozen=True):
    file: str
    n: int
    hash: str


class NumberedRecord(AuditRecord, frozen=True, kw_only=True):
    """A record of a file, with its number there."""

    n: int


def read_records(
    path: Path, *, agent: str | None = None, about: str | None = None, since: str | None = None
) -> Iterator[NumberedRecord]:
    """Yield the records of a file, those of one ``agent``, ``about`` a keyed hash, or at or after ``since`` in UTC.

    Raises `AuditUnavailable` for a file that can't be read, and for the first line that is not a record.
    """
    decode = msgspec.json.Decoder(NumberedRecord).decode
    number = 0
    try:
        with path.open("rb") as file:
            for line in file:
                number += 1
                record = decode(line)
                if (
                    (agent is None or record.agent == agent)
                    and (about is None or about in record.about)
                    and (since is None or record.at >= since)
                ):
                    yield record
    except OSError as error:
        raise AuditUnavailable(f"{path}: it can't be read ({error.strerror})", hint="check the path") from error
    except msgspec.DecodeError as error:
        raise AuditUnavailable(f"{path}: line {number} is not a record", hint="verify the file") from error


def verify_file(path: Path, *, key: bytes | None = None, anchor: Path | None = None) -> Verification:
    """Check a file, with the file of the same instance before it where that is in the same folder.

    Raises `AuditUnavailable` for a file or an anchor that can't be read.
    """
    try:
        anchors = _anchors(anchor, path.name) if anchor is not None else None
        with path.open("rb") as file:
            return verify(file, key=key, anchors=anchors, first=last_hash_before(path))
    except OSError as error:
        raise AuditUnavailable(
            f"{error.filename}: it can't be read ({error.strerror})", hint="check the path"
        ) from error


def _anchors(anchor: Path, name: str) -> dict[int, str]:
    try:
        entries = [msgspec.json.decode(line, type=_Anchor) for line in anchor.read_bytes().splitlines()]
    except msgspec.DecodeError as error:
        raise AuditUnavailable(f"{anchor}: it is not an anchor", hint="pass the file that the policy names") from error
    return {entry.n: entry.hash for entry in entries if entry.file == name}
