"""Fits decoded JSON to a model if its members came as another type. Pure.

A text may come as a number or a boolean, a list of texts as one text, and a missing value as null or an empty text.
`fitted` corrects that by the model's types, at any depth. It leaves other values as they are; the conversion after it
reads or refuses them. See ``envelope``, which calls it only for a body that could not be decoded directly.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

from marketo_async.models.moment import Moment


def fitted(value: object, model: Any) -> object:
    """Return decoded JSON as ``model`` expects it, if only the spelling differs."""
    return _fitted(value, _kind_of(model))


@cache
def _kind_of(model: Any) -> inspect.Type:
    return inspect.type_info(model)


def _fitted(value: object, kind: inspect.Type) -> object:
    kind = _member_of(value, kind)
    match value, kind:
        case dict(), inspect.StructType():
            return _members(value, kind)
        case dict(), inspect.DictType():
            return {name: _fitted(member, kind.value_type) for name, member in value.items()}
        case list(), inspect.ListType():
            return [_fitted(item, kind.item_type) for item in value]
        case str() | int() | float(), inspect.ListType() if value != "" and _takes_text(kind.item_type):
            return [_fitted(value, kind.item_type)]
        case bool() | int() | float(), inspect.StrType():
            return msgspec.json.encode(value).decode()
    return value


def _members(value: Mapping[str, object], kind: inspect.StructType) -> dict[str, object]:
    """Fit an object's members; leave out a null or an empty text if the model does not accept it."""
    fields = {field.encode_name: field.type for field in kind.fields}
    found = {}
    for name, member in value.items():
        if (own := fields.get(name)) is None:
            found[name] = member
        elif not (member is None and not _takes_null(own)) and not (member == "" and not _takes_text(own)):
            found[name] = _fitted(member, own)
    return found


def _member_of(value: object, kind: inspect.Type) -> inspect.Type:
    """Return the member of a union that fits a value: its own kind, else text, else a list, else the whole union."""
    if not isinstance(kind, inspect.UnionType) or value is None:
        return kind
    wanted = _KINDS.get(type(value), ())
    for choices in (wanted, (inspect.StrType,), _LISTS):
        for one in kind.types:
            if isinstance(one, choices):
                return one
    return kind


_LISTS = (inspect.ListType,)
_KINDS: Mapping[type, tuple[type[inspect.Type], ...]] = {
    dict: (inspect.StructType, inspect.DictType),
    list: _LISTS,
    str: (inspect.StrType,),
    bool: (inspect.BoolType,),
    int: (inspect.IntType, inspect.FloatType),
    float: (inspect.FloatType,),
}


def _takes_text(kind: inspect.Type) -> bool:
    if isinstance(kind, inspect.UnionType):
        return any(_takes_text(one) for one in kind.types)
    if isinstance(kind, inspect.CustomType):
        return kind.cls is not Moment
    return isinstance(kind, inspect.StrType | inspect.AnyType | inspect.LiteralType | inspect.EnumType)


def _takes_null(kind: inspect.Type) -> bool:
    if isinstance(kind, inspect.UnionType):
        return any(_takes_null(one) for one in kind.types)
    if isinstance(kind, inspect.CustomType):
        return kind.cls is not Moment
    return isinstance(kind, inspect.NoneType | inspect.AnyType)
