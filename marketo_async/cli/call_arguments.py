"""The arguments of an operation as words of a command line: how each is written, and how words become JSON. Pure.

See ``planning`` for how JSON arguments become a plan, and ``call_commands`` for the options made of them.
"""

from __future__ import annotations

import base64
import mimetypes
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum
from pathlib import PurePath
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import Struct

from marketo_async.cli.relative_time import duration, moment_or_ago
from marketo_async.errors import InvalidRequest
from marketo_async.operation import File
from marketo_async.schema import Callee, Parameter

_MOMENTS = frozenset({"since", "until"})


class Notation(Enum):
    """How an argument is written on the command line."""

    TEXT = "one word"
    LIST = "one word for each member"
    FLAG = "an option without a value"
    MOMENT = "a date, a time, or how long ago"
    DURATION = "a number and a unit"
    FILE = "the path of a file"
    JSON = "JSON"


def notation_of(parameter: Parameter) -> Notation:
    """Return how a parameter is written."""
    kinds = _kinds(parameter.kind)
    if parameter.encoded or File in kinds:
        return Notation.FILE
    members = [member for kind in kinds if get_origin(kind) is list for member in _kinds(*get_args(kind))]
    if any(_structured(kind) for kind in (*kinds, *members)):
        return Notation.JSON
    if members:
        return Notation.LIST
    if datetime in kinds or parameter.name in _MOMENTS:
        return Notation.MOMENT
    if timedelta in kinds:
        return Notation.DURATION
    return Notation.FLAG if kinds == [bool] and not parameter.required else Notation.TEXT


def choices_of(parameter: Parameter) -> list[str]:
    """Return the values that a parameter names one by one."""
    return [str(value) for kind in _kinds(parameter.kind) if get_origin(kind) is Literal for value in get_args(kind)]


def structured(found: Callee) -> list[Parameter]:
    """Return the parameters that are written as JSON."""
    return [parameter for parameter in found.parameters if notation_of(parameter) is Notation.JSON]


def arguments_of(
    found: Callee, given: Mapping[str, object], json: bytes | None, files: Mapping[str, bytes], *, now: datetime
) -> dict[str, object]:
    """Return JSON arguments from words by parameter, the content of ``--json``, and the content of ``files``.

    Raises `InvalidRequest`, which names the option, for text that is not JSON, a date or a duration.
    """
    arguments: dict[str, object] = {}
    for parameter in found.parameters:
        value = given.get(parameter.name)
        if value is not None and value != []:
            arguments[parameter.name] = _argument(parameter, value, files, now)
    whole = {} if json is None else _from_json(structured(found), json)
    if twice := sorted(arguments.keys() & whole.keys()):
        raise InvalidRequest(f"{option(twice[0])} and --json both have {twice[0]}; give it once")
    return arguments | whole


def option(name: str) -> str:
    """Return the option of a parameter."""
    return "--" + name.replace("_", "-")


def _argument(parameter: Parameter, value: object, files: Mapping[str, bytes], now: datetime) -> object:
    notation = notation_of(parameter)
    positional = parameter.required and notation is not Notation.JSON
    name = parameter.name.upper() if positional else option(parameter.name)
    match notation, value:
        case Notation.FILE, _:
            return _file(parameter, str(value), files[parameter.name])
        case Notation.JSON, str():
            return _decoded(name, value.encode(), parameter)
        case Notation.LIST, list():
            return _list(parameter, value)
        case Notation.MOMENT, str():
            return moment_or_ago(name, value, now=now).isoformat()
        case Notation.DURATION, str():
            return msgspec.to_builtins(duration(name, value))
        case _:
            return value


def _file(parameter: Parameter, path: str, content: bytes) -> object:
    if parameter.encoded:
        return content
    kind, _ = mimetypes.guess_type(path)
    return {
        "name": PurePath(path).name,
        "content": base64.b64encode(content).decode(),
        "content_type": kind or "application/octet-stream",
    }


def _list(parameter: Parameter, words: Sequence[str]) -> object:
    kinds = _kinds(parameter.kind)
    if len(words) == 1 and words[0] in choices_of(parameter):
        return words[0]
    numbers_first = any(get_args(kind) and _kinds(*get_args(kind)) == [int, str] for kind in kinds)
    return [int(word) if numbers_first and word.isdecimal() else word for word in words]


def _from_json(parameters: Sequence[Parameter], content: bytes) -> dict[str, object]:
    """Return the arguments in ``--json``: the value of the only one, or an object with a member for each."""
    if len(parameters) == 1:
        return {parameters[0].name: _decoded("--json", content, parameters[0])}
    names = [parameter.name for parameter in parameters]
    found = _decoded("--json", content, None)
    if not isinstance(found, dict) or not found.keys() <= set(names):
        raise InvalidRequest(f"--json must be an object with these members, of which it may leave out some: {names}")
    return found


def _decoded(name: str, content: bytes, parameter: Parameter | None) -> object:
    """Read JSON, or JSON lines where the argument is a list."""
    listed = parameter is not None and any(get_origin(kind) is list for kind in _kinds(parameter.kind))
    try:
        found: object = msgspec.json.decode(content)
    except msgspec.DecodeError as error:
        why = error
        if listed and content.strip():
            try:
                return msgspec.json.Decoder().decode_lines(content)
            except msgspec.DecodeError as line_error:
                why = line_error
        raise InvalidRequest(f"{name} is not JSON: {why}") from why
    return [found] if listed and isinstance(found, dict) else found


def _kinds(*kinds: Any) -> list[Any]:
    """Return the types of unions, without None and annotations."""
    found: list[Any] = []
    for kind in kinds:
        if get_origin(kind) in {Union, UnionType}:
            found += _kinds(*get_args(kind))
        elif get_origin(kind) is Annotated:
            found += _kinds(get_args(kind)[0])
        elif kind is not NoneType:
            found.append(kind)
    return found


def _structured(kind: Any) -> bool:
    return get_origin(kind) is dict or (isinstance(kind, type) and issubclass(kind, Struct))
