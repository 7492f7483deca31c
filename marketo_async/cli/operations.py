"""``operations``: every operation of the client with its permissions, as a table or as JSON. Costs no call."""

from __future__ import annotations

from msgspec import Struct
from rich import box
from rich.table import Table

from marketo_async import Operation, operations


class OperationRow(Struct, frozen=True, kw_only=True, rename="camel"):
    """One operation, as the list tells it; ``permissions`` are all needed where ``every`` says so, else any one is."""

    name: str
    method: str
    path: str
    permissions: tuple[str, ...]
    every: bool
    write: bool
    repeat: str
    source: str
    summary: str


def rows(part: str | None = None) -> list[OperationRow]:
    """Return the operations in order of name, or those whose name or path holds *part*."""
    return [_row(found) for _, found in sorted(operations().items()) if part is None or part in found.name + found.path]


def _row(operation: Operation) -> OperationRow:
    return OperationRow(
        name=operation.name,
        method=operation.method,
        path=operation.path,
        permissions=operation.permissions,
        every=operation.every,
        write=operation.write,
        repeat=operation.repeat.name.lower(),
        source=operation.source.name.lower(),
        summary=operation.summary,
    )


def table(found: list[OperationRow]) -> Table:
    """Return the operations as a table, and how many there are."""
    shown = Table("operation", "call", "permission", "what it does", box=box.SIMPLE_HEAD, pad_edge=False)
    shown.caption, shown.caption_justify = f"{len(found)} operations", "left"
    for row in found:
        permission = (" and " if row.every else " or ").join(row.permissions) or "none"
        shown.add_row(row.name, f"{row.method} {row.path}", permission, row.summary)
    return shown
