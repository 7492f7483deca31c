"""Reads the file of ``--values-from``: one value on each line, quoted as in CSV if needed."""

from __future__ import annotations

import re
from pathlib import Path

import typer

from marketo_async.cli.output import STDOUT
from marketo_async.errors import InvalidRequest

_END = r"(?:\r\n|\r|\n|\Z)"
_QUOTED = re.compile(rf'[ \t]*"((?:[^"]|"")*)"[ \t]*{_END}')
_PLAIN = re.compile(rf"([^\r\n]*){_END}")


def read_values(path: Path | None) -> list[str]:
    """Return the values of a UTF-8 file, without blank lines; ``-`` is stdin."""
    if path is None:
        return []
    content = typer.get_binary_stream("stdin").read() if path == STDOUT else path.read_bytes()
    try:
        return values_of(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InvalidRequest(
            f"line {line} of the --values-from file is not UTF-8 ({error}); convert the file to UTF-8"
        ) from error


def values_of(text: str) -> list[str]:
    """Return the value on each line.

    A quoted value may contain line ends, spaces at its ends, and ``""`` for a quote. A comma is always part of the
    value. Raises `InvalidRequest` for a line that starts with a quote but is not one quoted value.
    """
    values, at = list[str](), 0
    while at < len(text):
        quoted, plain = _QUOTED.match(text, at), _PLAIN.match(text, at)
        if quoted:
            values.append(quoted[1].replace('""', '"'))
        elif plain and (value := plain[1].strip()):
            if value.startswith('"'):
                line = len(re.findall(r"\r\n|\r|\n", text[:at])) + 1
                raise InvalidRequest(
                    f"--values-from, line {line}: {value[:40]} is not one quoted value;"
                    ' close the quote at the end of the value, and write "" for a quote inside it'
                )
            values.append(value)
        end = quoted or plain
        at = end.end() if end else len(text)
    return values
