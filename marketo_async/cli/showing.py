"""Writes the answers of `call`: JSON lines as they come, or one table on a terminal.

See ``calling`` for the calls.
"""

from __future__ import annotations

import sys
from typing import Any, Protocol

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from marketo_async.request import Request

TABLE_ROWS = 100  # a table is in memory, and more than a reader looks at


class Answers(Protocol):
    """Takes the values of an answer, one by one."""

    most: int | None
    """How many values it takes if the command does not say, ``None`` for all."""

    def add(self, value: object) -> None:
        """Take a value."""
        ...

    def finish(self) -> None:
        """Write what is left."""
        ...


class JsonLines:
    """Writes each value as one line of JSON."""

    most: int | None = None

    def add(self, value: object) -> None:
        """Write a value."""
        sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")
        sys.stdout.buffer.flush()

    def finish(self) -> None:
        """Do nothing; all lines are written."""


class AnswerTable:
    """Keeps the values, and writes them as one table: a row for each, or a row for each member of a single one."""

    most: int | None = TABLE_ROWS

    def __init__(self) -> None:
        self._rows: list[Any] = []

    def add(self, value: object) -> None:
        """Keep a value."""
        self._rows.append(msgspec.to_builtins(value, str_keys=True))

    def finish(self) -> None:
        """Write the table."""
        if self._rows:
            Console().print(self._table())

    def _table(self) -> Table:
        rows = [row if isinstance(row, dict) else {"value": row} for row in self._rows]
        if len(rows) == 1:
            single = Table("member", "value", box=box.SIMPLE_HEAD, pad_edge=False)
            for name, value in rows[0].items():
                single.add_row(_cell(name), _cell(value))
            return single
        columns = dict.fromkeys(name for row in rows for name, value in row.items() if value not in (None, [], {}))
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for name in columns:
            table.add_column(_cell(name))
        for row in rows:
            table.add_row(*(_cell(row.get(name)) for name in columns))
        return table


def print_requests(requests: list[Request]) -> None:
    """Write requests as HTTP writes them, with whole URLs and without the token."""
    shown = []
    for request in requests:
        lines = [f"{request.method} {request.url}", *(f"{name}: {value}" for name, value in request.headers.items())]
        head = "\n".join(lines).encode()
        shown.append(head if request.body is None else head + b"\n\n" + request.body)
    sys.stdout.buffer.write(b"\n\n".join(shown) + b"\n")
    sys.stdout.buffer.flush()


def _cell(value: object) -> Text:
    if value is None:
        return Text("")
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    # A value of an instance must not control the terminal.
    return Text("".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text))
