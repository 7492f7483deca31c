"""``operations``: lists the client's operations with their permissions, as a table or as JSON. Makes no call."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from rich import box
from rich.table import Table

from marketo_async import Operation, operations
from marketo_async.effects import effect_of
from marketo_async.schema import callees, schema, signature


class OperationRow(Struct, frozen=True, kw_only=True, rename="camel"):
    """One operation; a caller needs all ``permissions`` if ``every`` is true, otherwise any one of them.

    ``schema`` is the JSON Schema of its arguments; the calls that only the session makes take none.
    """

    name: str
    method: str
    path: str
    permissions: tuple[str, ...]
    every: bool
    write: bool
    effect: str
    repeat: str
    source: str
    summary: str
    signature: str
    schema: dict[str, Any] | None


def rows(part: str | None = None) -> list[OperationRow]:
    """Return the operations sorted by name; with ``part``, only those whose name or path contains it."""
    return [_row(found) for _, found in sorted(operations().items()) if part is None or part in found.name + found.path]


def _row(operation: Operation) -> OperationRow:
    called = operation.name in callees()
    return OperationRow(
        name=operation.name,
        method=operation.method,
        path=operation.path,
        permissions=operation.permissions,
        every=operation.every,
        write=operation.write,
        effect=effect_of(operation).name.lower(),
        repeat=operation.repeat.name.lower(),
        source=operation.source.name.lower(),
        summary=operation.summary,
        signature=signature(operation.name) if called else f"{operation.name}()",
        schema=schema(operation.name) if called else None,
    )


def table(found: list[OperationRow]) -> Table:
    """Return the operations as a table with their number as its caption."""
    shown = Table("operation", "call", "permission", "what it does", box=box.SIMPLE_HEAD, pad_edge=False)
    shown.caption, shown.caption_justify = f"{len(found)} operations", "left"
    for row in found:
        permission = (" and " if row.every else " or ").join(row.permissions) or "none"
        shown.add_row(row.name, f"{row.method} {row.path}", permission, row.summary)
    return shown
