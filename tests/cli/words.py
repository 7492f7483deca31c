"""The words of a command line that call an operation with given JSON arguments: the inverse of what the command reads.

Written from the rules of its help, not from the command's code: required arguments by position, the others as options,
lists repeated, structures as JSON.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from marketo_async.schema import Callee, Parameter


def words_of(found: Callee, arguments: Mapping[str, Any], folder: Path) -> list[str]:
    """Return the words after the name of the operation; files and JSON are put into ``folder``."""
    positional: list[str] = []
    options: list[str] = []
    structures: dict[str, Any] = {}
    for parameter in found.parameters:
        value, option = arguments.get(parameter.name), "--" + parameter.name.replace("_", "-")
        if value is None:
            continue
        if isinstance(value, bool):
            options.append(option if value else "--no-" + option[2:])
        elif (words := _words(parameter, value, folder)) is None:
            structures[parameter.name] = value
        elif parameter.required:
            positional += words
        else:
            options += [part for word in words for part in (option, word)]
    options += _json(found, structures, folder)
    return [*options, "--", *positional] if positional else options


def _words(parameter: Parameter, value: Any, folder: Path) -> list[str] | None:
    """Return the words of an argument, ``None`` if it is JSON."""
    if _is_file(parameter):
        path = folder / (value["name"] if isinstance(value, dict) else "content.csv")
        path.write_bytes(base64.b64decode(value["content"]) if isinstance(value, dict) else value.encode())
        return [str(path)]
    members = value if isinstance(value, list) else [value]
    return [_word(member) for member in members] if all(isinstance(one, str | int | float) for one in members) else None


def _json(found: Callee, structures: Mapping[str, Any], folder: Path) -> list[str]:
    """Return the words of the structures: the first one in a file, the others as options."""
    words: list[str] = []
    several = sum(_is_structure(one) for one in found.parameters) > 1
    for number, (name, value) in enumerate(structures.items()):
        if number:
            words += ["--" + name.replace("_", "-"), msgspec.json.encode(value).decode()]
        else:
            path = folder / "arguments.json"
            path.write_bytes(msgspec.json.encode({name: value} if several else value))
            words += ["--json", str(path)]
    return words


def _is_file(parameter: Parameter) -> bool:
    return parameter.encoded or "operation.File" in str(parameter.kind)


def _is_structure(parameter: Parameter) -> bool:
    kind = str(parameter.kind)
    return ("marketo_async" in kind and not _is_file(parameter)) or "dict[" in kind


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return {"PT0S": "0s"}.get(str(value), str(value))
