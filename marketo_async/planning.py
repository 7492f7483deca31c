"""From JSON arguments to a plan, and from a plan to the requests that it would send; makes no call. Pure.

The command line and the MCP server call operations this way: `plan_of` decodes and checks the arguments, and a
`resources.base.Sender` then sends, pages or writes the plan. `requests` writes each call as it would go out, which
shows a call before it is made. See ``schema`` for the parameters of an operation.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import Any, TypeAlias, cast

import msgspec
from msgspec import Raw, Struct

from marketo_async.errors import InvalidRequest, RecordRefused
from marketo_async.models.leads import Record
from marketo_async.operation import Deferred, Merged, Operation, Ordered, Plan
from marketo_async.paging import turn
from marketo_async.request import Request, build
from marketo_async.resources.base import Resource, Sender
from marketo_async.schema import Callee, Parameter, callee, signature
from marketo_async.writes import Batches
from marketo_async.writes.chunks import Cutter

Planned: TypeAlias = Plan[Any] | Ordered[Any] | Merged[Any] | Deferred[Any] | Batches[Any]


class Refused(Struct, frozen=True):
    """A record of a write that can't be sent: its index in the input, and why."""

    index: int
    why: str


def plan_of(
    name: str, arguments: Mapping[str, object], *, munchkin_id: str = "", sender: Sender | None = None
) -> tuple[Operation, Planned]:
    """Return an operation and its plan, made of arguments as JSON carries them.

    The plan is a `Plan` to ``send``, a listing for ``pages``, or `Batches` for ``writes``. Text is read as a number or
    a boolean where the operation takes one, and as a moment where it takes a datetime. ``munchkin_id`` is needed by
    data ingestion only. A `Deferred` listing, which asks the instance for its arguments, asks through ``sender``.
    Raises `InvalidRequest`, which names the argument, what was expected, and the signature.
    """
    found = callee(name)
    given = _decoded(found, arguments)
    family = _family(found.family, sender, munchkin_id, str(given.pop("api_name")) if _of_a_type(found) else "")
    made: Planned = found.declared.planner(family, **given)
    return found.operation, made


def parts(planned: Planned) -> Iterator[Plan[Any]]:
    """Yield the plans of the calls that something planned consists of; a write has one, with no record in its body.

    A `Deferred` listing has none that is known before the instance is asked.
    """
    match planned:
        case Deferred():
            return
        case Ordered(plans):
            yield from plans()
        case Merged(plans):
            yield from plans
        case Batches():
            yield planned.plan(Raw(b"[]"))
        case _:
            yield planned


def unsendable(batches: Batches[Any]) -> list[Refused]:
    """Return the records of a write that can't be sent, each with the reason; the records must be a list."""
    cutter, found = Cutter(batches), []
    for index, record in enumerate(_records(batches)):
        try:
            cutter.check([record])
        except RecordRefused as error:
            found.append(Refused(index, str(error.args[0])))
    return found


def chunks(batches: Batches[Any]) -> Iterator[Plan[Any]]:
    """Yield the plan of each call of a write, cut as the engine cuts them when no other write is under way.

    Raises `RecordRefused` for a record that can't be sent.
    """
    records = _records(batches)
    cutter = Cutter(batches)
    cutter.check(records)
    rest = iter(enumerate(records))
    while True:
        cutter.refill()
        while not cutter.full and (numbered := next(rest, None)) is not None:
            cutter.add(*numbered)
        chunk = cutter.take() if cutter.opened else None
        if chunk is None:
            return
        yield batches.plan(chunk.encoded)


def requests(operation: Operation, planned: Planned, base: str) -> Iterator[Request]:
    """Yield the requests that a plan sends to ``base`` first: all of a write, the first page of each part of a listing.

    A listing by date begins with the call for its paging token, and what follows depends on the answer. Nothing is
    known of a `Deferred` listing.
    """
    if isinstance(planned, Batches):
        yield from (build(operation, part, base) for part in chunks(planned))
        return
    token = planned.token
    for number, part in enumerate(parts(planned)):
        if operation.paging is None:
            yield build(operation, part, base)
        elif token is None and part.opening is not None:
            yield build(part.opening.operation, part.opening.plan, base)
        else:
            cursor = token if number == 0 and not isinstance(planned, Ordered | Merged) else None
            yield build(operation, turn(operation.paging, part, cursor), base)


def describes(batches: Batches[Any]) -> bool:
    """Return whether a write first asks for the description of its record type, which is kept for a day."""
    return batches.described is not None and (batches.check or (batches.key is None and batches.scope is not None))


def _records(batches: Batches[Any]) -> Sequence[Any]:
    if not isinstance(batches.records, Sequence):
        raise InvalidRequest("the records are read while they are sent, so they can't be shown before; pass a list")
    return batches.records


def _decoded(found: Callee, arguments: Mapping[str, object]) -> dict[str, Any]:
    known = {parameter.name: parameter for parameter in found.parameters}
    name = found.operation.name
    if unknown := [one for one in arguments if one not in known]:
        raise InvalidRequest(f"{name}: {_quoted(unknown)} is not an argument; call {signature(name)}")
    missing = [one for one, parameter in known.items() if parameter.required and one not in arguments]
    if missing:
        raise InvalidRequest(f"{name}: {', '.join(missing)} is missing; call {signature(name)}")
    return {one: _value(found, known[one], value) for one, value in arguments.items()}


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(repr(name[:60]) for name in islice(names, 5))


def _value(found: Callee, parameter: Parameter, value: object) -> object:
    if value is None and parameter.default is None:
        return None
    if parameter.encoded and isinstance(value, bytes):  # a file that the caller has read
        return value
    name = found.operation.name
    try:
        decoded: object = msgspec.convert(value, parameter.kind, strict=False)
        _check_members(value, _described(parameter.kind))
    except msgspec.ValidationError as error:
        why, _, place = str(error).partition(" - at `$")
        where = parameter.name + place.rstrip("`")
        text = why[:1].lower() + why[1:].replace("`", "")
        raise InvalidRequest(f"{name}: {where}: {text}; call {signature(name)}") from error
    return cast(str, decoded).encode() if parameter.encoded else decoded


@cache
def _described(kind: Any) -> msgspec.inspect.Type:
    return msgspec.inspect.type_info(kind)


def _check_members(value: object, kind: msgspec.inspect.Type, place: str = "$") -> None:
    """Refuse a member that a Struct does not have; msgspec would drop it, and the call would do something else."""
    match kind, value:
        case msgspec.inspect.UnionType(types=types), _:
            for one in types:
                _check_members(value, one, place)
        case msgspec.inspect.ListType(item_type=item), list() | tuple():
            for index, member in enumerate(value):
                _check_members(member, item, f"{place}[{index}]")
        case msgspec.inspect.StructType(fields=fields), Mapping():
            known = {field.encode_name: field.type for field in fields}
            for name, member in value.items():
                if name not in known:
                    why = f"{str(name)[:60]!r} is not a member, the members are {', '.join(known)}"
                    raise msgspec.ValidationError(f"{why} - at `{place}`")
                _check_members(member, known[name], f"{place}.{name}")


def _of_a_type(found: Callee) -> bool:
    """Return whether the family of an operation is made for one type of custom object."""
    return "api_name" in _taken(found.family)


_TAKEN: dict[str, frozenset[str]] = {}  # by the name of a family


def _taken(kind: type[Resource]) -> frozenset[str]:
    if kind.name not in _TAKEN:
        _TAKEN[kind.name] = frozenset(inspect.signature(kind).parameters)
    return _TAKEN[kind.name]


def _family(kind: type[Resource], sender: Sender | None, munchkin_id: str, api_name: str) -> Resource:
    """Return a family that plans, and sends nothing but what a deferred listing asks."""
    given = {"model": Record, "munchkin_id": munchkin_id, "api_name": api_name, "slots": None, "used_today": None}
    taken = _taken(kind)
    return kind(cast(Sender, sender), **{name: value for name, value in given.items() if name in taken})
