"""What an operation takes, as JSON: its parameters, their JSON Schema (2020-12) and a signature of one line. Pure.

Both come from the annotations of the operation's planner, so a schema can't differ from the method. An annotation is
first reduced to what JSON can carry: any collection is a list, a record is an object, a moment is text. See
``planning`` for how JSON arguments become a plan.
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import AsyncIterable, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from types import MappingProxyType, UnionType
from typing import Annotated, Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, Struct

from marketo_async.errors import InvalidRequest
from marketo_async.operation import Operation
from marketo_async.resources import families
from marketo_async.resources.base import Resource
from marketo_async.resources.descriptors import Declared, Written

JsonSchema = dict[str, Any]

PAGING = frozenset({"token", "batch_size"})  # parameters that only say which page, and how long it is

# One line for a parameter whose name does not say enough.
ABOUT: Mapping[str, str] = {
    "winner_id": "id of the person who stays",
    "loser_ids": "ids of the people who are merged into the winner",
    "list_id": "id of a static list",
    "campaign_id": "id of a smart campaign",
    "asset_ids": "ids of assets, with one type",
    "types": "ids or names of activity types",
    "filter_type": "a searchable field",
    "records": "objects by REST field name",
    "since": "ISO 8601 date, or moment with a time zone",
    "until": "end of the range, not included",
    "lookup_field": "field that finds a person, email by default",
    "tokens": 'values by token name, for example {"{{my.name}}": "x"}',
    "api_name": "API name of the type",
    "workspace_id": "id of a workspace",
}
_CONTENT = "text of the file: its first line has the field names"


class Parameter(Struct, frozen=True):
    """One parameter of an operation: its name, its type as JSON carries it, and its default.

    ``encoded`` marks bytes, which JSON carries as text.
    """

    name: str
    kind: Any
    default: object = UNSET
    encoded: bool = False

    @property
    def required(self) -> bool:
        """Whether an argument must be given."""
        return self.default is UNSET


class Callee(Struct, frozen=True):
    """An operation as something to call with JSON: its family, its declaration and its parameters."""

    operation: Operation
    family: type[Resource]
    declared: Declared
    parameters: tuple[Parameter, ...]

    @property
    def listed(self) -> bool:
        """Whether it is a listing, which its records are read from page by page."""
        return self.operation.paging is not None

    @property
    def written(self) -> bool:
        """Whether it takes any number of records, each of which has a result."""
        return isinstance(self.declared, Written)


@cache
def callees() -> Mapping[str, Callee]:
    """Return every operation that can be called with arguments, by its dotted name: all but those of identity."""
    return MappingProxyType(
        {
            operation.name: _callee(family, operation, getattr(family, verb))
            for family in families()
            for verb, operation in family.operations.items()
        }
    )


def callee(name: str) -> Callee:
    """Return an operation by its dotted name; raises `InvalidRequest` for any other name."""
    found = callees().get(name)
    if found is None:
        raise InvalidRequest(f"{name!r} is not an operation; `marketo-async operations` lists them")
    return found


def schema(name: str, *, without: Collection[str] = ()) -> JsonSchema:
    """Return the JSON Schema of the arguments of an operation, ``without`` some of its parameters."""
    found = [parameter for parameter in callee(name).parameters if parameter.name not in without]
    return object_schema({parameter.name: (parameter.kind, parameter.default, about(parameter)) for parameter in found})


def object_schema(members: Mapping[str, tuple[Any, object, str | None]]) -> JsonSchema:
    """Return the schema of an object with exactly these members: each has a type, a default or UNSET, and a line."""
    kinds = [kind for kind, _, _ in members.values()]
    schemas, definitions = msgspec.json.schema_components(kinds, ref_template="#/$defs/{name}")
    properties = {}
    for (name, (_, default, line)), made in zip(members.items(), schemas, strict=True):
        found = _slim(made)
        if default is not UNSET and default is not None and not isinstance(default, tuple):
            found["default"] = msgspec.to_builtins(default)
        properties[name] = {**found, "description": line} if line else found
    whole: JsonSchema = {"type": "object", "properties": properties, "additionalProperties": False}
    if required := [name for name, (_, default, _) in members.items() if default is UNSET]:
        whole["required"] = required
    return _inlined(whole, {name: _slim(made) for name, made in definitions.items()})


def _inlined(whole: JsonSchema, definitions: dict[str, JsonSchema]) -> JsonSchema:
    """Put the definitions that are used once in their place; the others, and those within themselves, stay apart."""
    uses = Counter(_references(whole))
    for made in definitions.values():
        uses.update(_references(made))
    once = {name for name, made in definitions.items() if uses[name] == 1 and name not in _references(made)}

    def put(made: Any) -> Any:
        if isinstance(made, dict):
            name = _referred(made)
            return put(definitions[name]) if name in once else {key: put(value) for key, value in made.items()}
        return [put(member) for member in made] if isinstance(made, list) else made

    found: JsonSchema = put(whole)
    if kept := {name: put(made) for name, made in definitions.items() if name not in once}:
        found["$defs"] = kept
    return found


def _referred(made: Mapping[str, Any]) -> str:
    reference = made.get("$ref")
    return reference.rpartition("/")[2] if isinstance(reference, str) else ""


def _references(made: Any) -> list[str]:
    if isinstance(made, dict):
        inner = [name for value in made.values() for name in _references(value)]
        return [*inner, _referred(made)] if _referred(made) else inner
    return [name for member in made for name in _references(member)] if isinstance(made, list) else []


def signature(name: str, *, without: Collection[str] = ()) -> str:
    """Return an operation as one line: ``lists.add(list_id: int, lead_ids: [int])``; ``?`` marks what may be left out.

    The members of an object have the names that Marketo gives them.
    """
    whole = schema(name, without=without)
    definitions = whole.get("$defs", {})
    required = whole.get("required", ())
    parts = [
        f"{member}{'' if member in required else '?'}: {_written(kind, definitions)}"
        for member, kind in whole["properties"].items()
    ]
    return f"{name}({', '.join(parts)})"


def type_text(parameter: Parameter) -> str:
    """Return the type of a parameter as `signature` writes it: ``[int]``, or ``"approved"|"draft"``."""
    whole = object_schema({parameter.name: (parameter.kind, UNSET, None)})
    return _written(whole["properties"][parameter.name], whole.get("$defs", {}))


def about(parameter: Parameter) -> str | None:
    """Return the line that describes a parameter, or ``None`` if its name says enough."""
    return _CONTENT if parameter.encoded else ABOUT.get(parameter.name)


def _callee(family: type[Resource], operation: Operation, declared: Declared) -> Callee:
    planner = inspect.unwrap(declared.planner)
    hints = get_type_hints(planner)
    found = [
        Parameter(name, *_carried(hints[name], family), encoded=hints[name] is bytes)
        if one.default is inspect.Parameter.empty
        else Parameter(name, *_carried(hints[name], family), one.default)
        for name, one in list(inspect.signature(planner).parameters.items())[1:]
    ]
    # The bulk files of custom objects are a family for each type; JSON names the type first.
    if "{apiName}" in operation.path and all(parameter.name != "api_name" for parameter in found):
        found.insert(0, Parameter("api_name", str))
    return Callee(operation, family, declared, tuple(found))


def _carried(hint: Any, family: type[Resource]) -> tuple[Any]:
    return (_json_type(_selection(hint, family) if isinstance(hint, TypeVar) else hint),)


def _selection(variable: TypeVar, family: type[Resource]) -> Any:
    """Return what a type variable stands for in a family: the one of its constraints that a base names."""
    named = {argument for base in getattr(family, "__orig_bases__", ()) for argument in get_args(base)}
    return next(kind for kind in variable.__constraints__ if kind in named)


def _json_type(hint: Any) -> Any:
    """Return the type that msgspec reads and describes in the place of an annotation."""
    if hint is bytes:
        return str
    if hint is datetime:
        return Annotated[datetime, Meta(extra_json_schema={"format": "date-time"})]
    origin, parts = get_origin(hint), get_args(hint)
    if origin in {Union, UnionType}:
        return _union([part for part in parts if get_origin(part) is not AsyncIterable])
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return dict.__class_getitem__((parts[0], _json_type(parts[1])))
    if isinstance(origin, type) and issubclass(origin, Iterable):
        return list.__class_getitem__(_json_type(parts[0]))
    return hint


_AS_TEXT = frozenset({bytes, date, datetime, Decimal, UUID, Enum})


def _union(parts: Sequence[Any]) -> Any:
    """Return a union without the types that JSON carries as another of them."""
    if len(parts) > 1 and Struct in parts:  # a record: a dict, or a Struct of the caller's own
        return dict[str, Any]
    plain = [part for part in parts if not (part in _AS_TEXT and str in parts)]
    return Union[tuple(_json_type(part) for part in plain)]  # noqa: UP007 - built at run time


def _slim(made: JsonSchema) -> JsonSchema:
    """Return a schema without what a reader of JSON does not need: null branches, null defaults, long descriptions."""
    found = {name: value for name, value in made.items() if name != "title"}
    if found.get("default", UNSET) is None:
        del found["default"]
    if not found.get("required", True):
        del found["required"]
    if "description" in found:
        found["description"] = str(found["description"]).partition("\n")[0]
    if "anyOf" in found:
        options = [_slim(option) for option in found.pop("anyOf") if option != {"type": "null"}]
        found |= options[0] if len(options) == 1 else _merged(options)
    if "enum" in found and None in found["enum"]:
        found["enum"] = [value for value in found["enum"] if value is not None]
    if isinstance(found.get("items"), dict):
        found["items"] = _slim(found["items"])
    if "properties" in found:
        found["properties"] = {name: _slim(member) for name, member in found["properties"].items()}
        found["additionalProperties"] = False
    elif isinstance(found.get("additionalProperties"), dict):
        found["additionalProperties"] = _slim(found["additionalProperties"])
    return found


def _merged(options: list[JsonSchema]) -> JsonSchema:
    """Return ``anyOf``, or a list of types where the options say no more than their type."""
    if all(option.keys() == {"type"} for option in options):
        return {"type": [option["type"] for option in options]}
    return {"anyOf": options}


_WORDS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "null"}


def _written(made: JsonSchema, definitions: Mapping[str, JsonSchema]) -> str:
    """Write a schema as the type of a signature."""
    if "$ref" in made:
        name = _referred(made)
        if name not in definitions:  # within itself
            return name
        return _written(definitions[name], {other: one for other, one in definitions.items() if other != name})
    if "enum" in made:
        return "|".join(msgspec.json.encode(value).decode() for value in made["enum"])
    if "anyOf" in made:
        return "|".join(_written(option, definitions) for option in made["anyOf"])
    kind = made.get("type")
    if isinstance(kind, list):
        return "|".join(_WORDS[name] for name in kind)
    if kind == "array":
        return f"[{_written(cast('JsonSchema', made.get('items', {})), definitions)}]"
    if kind == "object":
        return _object(made, definitions)
    if made.get("format") == "date-time":
        return "datetime"
    return _WORDS.get(str(kind), "any")


def _object(made: JsonSchema, definitions: Mapping[str, JsonSchema]) -> str:
    if "properties" not in made:
        values = made.get("additionalProperties")
        return f"{{str: {_written(values, definitions)}}}" if isinstance(values, dict) else "object"
    required = made.get("required", ())
    members = (
        f"{name}{'' if name in required else '?'}: {_written(kind, definitions)}"
        for name, kind in made["properties"].items()
    )
    return "{" + ", ".join(members) + "}"
