"""``mcp audit``: reads the records of agents' calls as text, JSON lines or CSV, and verifies their chain."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:  # only the command pays for them
    from marketo_async.mcp.audit.query import NumberedRecord
    from marketo_async.mcp.policy import AuditSettings

_COLUMNS = (
    "n", "at", "kind", "agent", "via", "tool", "operation", "effect", "where", "decision", "rule", "approved_by",
    "plan", "calls", "waited", "ms", "records", "code", "says",
)  # fmt: skip


class AuditFormat(StrEnum):
    """How records are printed."""

    TEXT = "text"
    JSONL = "jsonl"
    CSV = "csv"


class AuditPlace:
    """Where the records of one policy are, and the keys to read and verify them."""

    def __init__(
        self, settings: AuditSettings, state: Path, environment: Mapping[str, str], anchor: Path | None
    ) -> None:
        from marketo_async.instances import read_credential  # noqa: PLC0415

        self.folder = state / "audit" if settings.folder is None else Path(settings.folder)
        self._key = None if settings.key is None else read_credential("audit.key", settings.key, environment).encode()
        self._anchor = anchor or (None if settings.anchor is None else Path(settings.anchor))

    def files(self) -> list[Path]:
        """Return the files of all months and instances, in the order of their names."""
        return sorted(self.folder.glob("*.jsonl"))

    def verified(self, path: Path) -> tuple[str, bool]:
        """Return a line about a file, and whether it is as it was written."""
        from marketo_async.mcp.audit.query import verify_file  # noqa: PLC0415

        found = verify_file(path, key=self._key, anchor=self._anchor)
        if found.good:
            return f"{path}: {found.records:,} records, all as they were written", True
        return f"{path}: line {found.bad_line}: {found.why}", False

    def hash_of(self, path: Path, address: str) -> str:
        """Return the keyed hash under which records about an address are found."""
        from marketo_async.errors import InvalidRequest  # noqa: PLC0415
        from marketo_async.mcp.audit import Masker  # noqa: PLC0415

        key = path.parent / "masking.key"
        if not key.exists():
            raise InvalidRequest(
                f"{key} is missing, and addresses are found by it; run this where the records are made"
            )
        return Masker(key.read_bytes()).hashed(address)


def audit_lines(
    place: AuditPlace,
    files: Sequence[Path],
    *,
    about: str | None,
    agent: str | None,
    since: datetime | None,
    format: AuditFormat,
) -> Iterator[str]:
    """Yield the records of files as lines, those that all the filters accept."""
    from marketo_async.mcp.audit.query import read_records  # noqa: PLC0415

    first = None if since is None else since.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if format is AuditFormat.CSV:
        yield ",".join(_COLUMNS)
    for path in files:
        hashed = None if about is None else place.hash_of(path, about)
        for record in read_records(path, agent=agent, about=hashed, since=first):
            yield _line(record, format)


def _line(record: NumberedRecord, format: AuditFormat) -> str:
    if format is AuditFormat.JSONL:
        return msgspec.json.encode(record).decode()
    if format is AuditFormat.TEXT:
        return f"{record.at} {record.says}"
    row = StringIO()
    csv.writer(row, lineterminator="").writerow([_safe(str(getattr(record, name))) for name in _COLUMNS])
    return row.getvalue()


def _safe(cell: str) -> str:
    """Keep a spreadsheet from reading a text as a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@")) else cell
