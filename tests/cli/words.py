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

from marketo_async.schema import Callee

_TEXT = (str, int, float)


def words_of(found: Callee, arguments: Mapping[str, Any], folder: Path) -> list[str]:
    """Return the words after the name of the operation; files and JSON are put into ``folder``."""
    positional: list[str] = []
    options: list[str] = []
    structured: dict[str, Any] = {}
    for parameter in found.parameters:
        if parameter.name not in arguments or arguments[parameter.name] is None:
            continue
        value, option = arguments[parameter.name], "--" + parameter.name.replace("_", "-")
        if parameter.encoded or (parameter.name == "file" and isinstance(value, dict)):
            path = folder / (value["name"] if isinstance(value, dict) else "content.csv")
            path.write_bytes(base64.b64decode(value["content"]) if isinstance(value, dict) else value.encode())
            positional.append(str(path))
        elif isinstance(value, bool):
            options.append(option if value else "--no-" + option[2:])
        elif isinstance(value, list) and all(isinstance(member, _TEXT) for member in value):
            words = [_word(member) for member in value]
            if parameter.required:
                positional += words
            else:
                options += [part for word in words for part in (option, word)]
        elif isinstance(value, _TEXT):
            if parameter.required:
                positional.append(_word(value))
            else:
                options += [option, _word(value)]
        else:
            structured[parameter.name] = value
    for number, (name, value) in enumerate(structured.items()):
        if number:
            options += ["--" + name.replace("_", "-"), msgspec.json.encode(value).decode()]
        else:
            path = folder / "arguments.json"
            several = sum(_is_structure(one) for one in found.parameters) > 1
            path.write_bytes(msgspec.json.encode({name: value} if several else value))
            options += ["--json", str(path)]
    return [*options, "--", *positional] if positional else options


def _is_structure(parameter: Any) -> bool:
    kind = str(parameter.kind)
    return ("marketo_async" in kind and "operation.File" not in kind) or "dict[" in kind


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return {"PT0S": "0s"}.get(str(value), str(value))
