"""Checks of arguments by their kind, derived from their annotations. Pure.

`checked` wraps a planner, or a method built of several operations, and checks every argument against its annotation
before it runs. So each operation and each bulk method refuses alike, and the annotation alone says which values are
allowed. `positive` does the same for durations and counts that a constructor takes.

What an annotation means
    A collection is any iterable except text, bytes and a mapping. Its members are checked too, and an iterator becomes
    a list. An optional collection must not be empty: leaving it out asks for everything. ``Literal["all"]`` allows
    that word. A number is finite and not a bool. Text has no lone surrogate. A pair has two members. Type
    variables without a bound, and ``Any``, allow everything.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterable, Callable, Iterable, Iterator, Mapping, Sequence
from functools import wraps
from math import isfinite
from numbers import Integral, Real
from types import NoneType, UnionType
from typing import Any, Literal, ParamSpec, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from msgspec import Struct

from marketo_async.errors import InvalidRequest

P = ParamSpec("P")
R = TypeVar("R")

_SHOWN = 80  # characters of a value in a message
_CHECKED = "__arguments_checked__"


class Kind(Struct, frozen=True):
    """One kind of argument: in words, and as a test of one value.

    ``members`` are the kinds that a member of a collection may have. ``lazy`` means that the members are read later,
    when they are sent.
    """

    words: str
    takes: Callable[[object], bool]
    members: tuple[Kind, ...] = ()
    collection: bool = False
    lazy: bool = False


def checked(method: Callable[P, R]) -> Callable[P, R]:
    """Return ``method`` with a check of its arguments before it runs; ``self`` is not checked.

    The check raises `InvalidRequest`, which names the argument and the place within it.
    """
    if hasattr(method, _CHECKED):
        return method
    found: list[tuple[tuple[str, ...], dict[str, Argument]]] = []

    @wraps(method)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if not found:  # annotations are read at the first call: most methods are never called
            found.append(_arguments(method))
        names, arguments = found[0]
        given = list(args)
        for place, name in enumerate(names[: len(given)]):
            if name in arguments:
                given[place] = arguments[name].of(name, given[place])
        named = dict(kwargs)
        for name in named.keys() & arguments.keys():
            named[name] = arguments[name].of(name, named[name])
        return method(*given, **named)  # type: ignore[arg-type]

    setattr(run, _CHECKED, True)
    return run


def positive(name: str, value: object, *, whole: bool = False) -> None:
    """Refuse a duration or a count that is not a finite number above 0, with a ``ValueError`` (`InvalidRequest`)."""
    kind = _WHOLE if whole else _NUMBER
    if not kind.takes(value) or not isinstance(value, Real) or value <= 0:
        raise InvalidRequest(f"{name} must be {kind.words} above 0, not {shown(value)}")


def one_of(name: str, value: object, options: Sequence[str]) -> None:
    """Refuse a word that is not one of the ``options``."""
    if value not in options:
        raise InvalidRequest(f"{name} must be one of {', '.join(map(repr, options))}, not {shown(value)}")


def shown(value: object) -> str:
    """Return a value as a message shows it: short, and without a lone surrogate."""
    text = ascii(value) if isinstance(value, str) and not _encodable(value) else repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


class Argument(Struct, frozen=True):
    """One parameter: its allowed kinds, and whether it is optional."""

    kinds: tuple[Kind, ...]
    optional: bool

    def of(self, name: str, value: Any) -> Any:
        """Return ``value`` as it is passed on; raise `InvalidRequest` if no kind allows it."""
        if value is None and self.optional:
            return value
        kind = next((kind for kind in self.kinds if kind.takes(value)), None)
        if kind is None:
            lone = isinstance(value, str) and any(kind.collection for kind in self.kinds)
            remedy = f"the text {shown(value)}; pass [{shown(value)}]" if lone else shown(value)
            raise InvalidRequest(f"{name} must be {_either(self.kinds)}, not {remedy}")
        if not kind.collection or kind.lazy:
            return value
        members = list(value) if isinstance(value, Iterator) else cast("Iterable[object]", value)
        if self.optional and not _any(members):
            raise InvalidRequest(f"{name} is empty; pass at least one member, or leave it out")
        if kind.members:
            _check_members(name, members, kind.members)
        return members


def _any(members: Iterable[object]) -> bool:
    return next((True for _ in members), False)


def _check_members(name: str, members: Iterable[object], kinds: tuple[Kind, ...]) -> None:
    for index, member in enumerate(members):
        if not any(kind.takes(member) for kind in kinds):
            raise InvalidRequest(f"{name}[{index}] must be {_either(kinds)}, not {shown(member)}")


def _arguments(method: Callable[..., object]) -> tuple[tuple[str, ...], dict[str, Argument]]:
    """Return the names of a method's parameters in order, and the checks of those that can be checked."""
    parameters = inspect.signature(method).parameters
    hints = get_type_hints(method)
    found = {}
    for name, parameter in parameters.items():
        hint = hints.get(name)
        options = _options(hint)
        kinds = [_kind(option) for option in options if option is not NoneType]
        if hint is not None and all(kind is not None for kind in kinds):
            optional = NoneType in options or parameter.default is None
            found[name] = Argument(_lazy([kind for kind in kinds if kind is not None]), optional)
    positional = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}
    return tuple(name for name, parameter in parameters.items() if parameter.kind in positional), found


def _lazy(kinds: Sequence[Kind]) -> tuple[Kind, ...]:
    """Do not check members that may come from an async iterable: they are read as they are sent."""
    if _ASYNC not in kinds:
        return tuple(kinds)
    return tuple(Kind(kind.words, kind.takes, collection=kind.collection, lazy=True) for kind in kinds)


def _options(hint: object) -> tuple[object, ...]:
    """Return the alternatives of an annotation; a type variable is replaced by its constraints or its bound."""
    if isinstance(hint, TypeVar):
        inner = hint.__constraints__ or ((hint.__bound__,) if hint.__bound__ is not None else ())
        return tuple(option for one in inner for option in _options(one)) or (hint,)
    if get_origin(hint) in {Union, UnionType}:
        return tuple(option for one in get_args(hint) for option in _options(one))
    return (hint,)


def _kind(hint: object) -> Kind | None:
    """Return the kind of one alternative, or ``None`` for an annotation that can't be checked."""
    if isinstance(hint, type) and hint in _SIMPLE:
        return _SIMPLE[hint]
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Literal:
        return Kind(" or ".join(map(repr, parts)), lambda value: isinstance(value, str) and value in parts)
    if origin is tuple:
        return _pair(parts)
    if origin is AsyncIterable:
        return _ASYNC
    if origin is Callable or hint is Callable:
        return Kind("a function", callable)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return Kind("a dict", lambda value: isinstance(value, Mapping))
    if isinstance(origin, type) and issubclass(origin, Iterable):
        return _collection(parts)
    plain = origin or hint
    if isinstance(plain, type) and plain not in {object, type} and not getattr(plain, "_is_protocol", False):
        return Kind(f"a {plain.__name__}", lambda value: isinstance(value, plain))
    return None


def _collection(parts: tuple[object, ...]) -> Kind:
    options = [option for part in parts for option in _options(part)]
    kinds = [_kind(option) for option in options]
    known = tuple(kind for kind in kinds if kind is not None)
    return Kind("a list", _is_collection, known if len(known) == len(kinds) else (), collection=True)


def _pair(parts: tuple[object, ...]) -> Kind:
    sides = [[_kind(option) for option in _options(part)] for part in parts]

    def takes(value: object) -> bool:
        return (
            isinstance(value, tuple | list)
            and len(value) == len(sides)
            and all(
                any(kind is None or kind.takes(member) for kind in side)
                for member, side in zip(value, sides, strict=True)
            )
        )

    return Kind("a pair of moments, (since, until)", takes)


def _is_collection(value: object) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | bytearray | Mapping | Struct)


def _is_whole(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return not isinstance(value, bool) and isinstance(value, Real) and isfinite(value)


def _encodable(value: str) -> bool:
    return value.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in value)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and _encodable(value)


def _either(kinds: Sequence[Kind]) -> str:
    return " or ".join(dict.fromkeys(kind.words for kind in kinds))


_WHOLE = Kind("a whole number", _is_whole)
_NUMBER = Kind("a number", _is_number)
_ASYNC = Kind("an async iterable", lambda value: isinstance(value, AsyncIterable))
_SIMPLE: Mapping[type, Kind] = {
    int: _WHOLE,
    float: _NUMBER,
    str: Kind("text", _is_text),
    bool: Kind("True or False", lambda value: isinstance(value, bool)),
}
