"""Arguments and rows that all asset operations share: names, descriptions, JSON fields, update dates, no results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

import msgspec

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.clock import asset_iso
from marketo_async.sandbox.envelope import NOTHING_FOUND, Answer, Members
from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.lenient import read_json
from marketo_async.sandbox.parameters import wrong_type

LONGEST_NAME = 255
LONGEST_DESCRIPTION = 2_000

UPDATED = ("earliestUpdatedAt", "latestUpdatedAt")

T = TypeVar("T")


class Dated(Protocol):
    """An object with the time of its last update."""

    @property
    def updated_at(self) -> float:
        """The time of the last update."""
        ...


class Described(Protocol):
    """The members of all assets in answers."""

    @property
    def id(self) -> int:
        """The id."""
        ...

    @property
    def name(self) -> str:
        """The name."""
        ...

    @property
    def description(self) -> str:
        """The description, empty without one."""
        ...

    @property
    def created_at(self) -> float:
        """The time of creation."""
        ...

    @property
    def updated_at(self) -> float:
        """The time of the last update."""
        ...


D = TypeVar("D", bound=Dated)


def described(asset: Described) -> Members:
    """Return the first members of every asset's row."""
    return {
        "id": asset.id,
        "name": asset.name,
        "description": asset.description,
        "createdAt": asset_iso(asset.created_at),
        "updatedAt": asset_iso(asset.updated_at),
    }


def found(rows: Sequence[object]) -> Answer:
    """Return the rows, or the warning that there are none."""
    return Answer(rows) if rows else Answer(warnings=[NOTHING_FOUND])


def limited(name: str, text: str, most: int) -> str:
    """Return a text, or raise 701 if it is blank or too long."""
    if not text.strip():
        raise ApiError("701", f"'{name}' must not be blank")
    if len(text) > most:
        raise ApiError("701", f"'{name}' exceeds the maximum of {most} characters")
    return text


def asset_name(call: Call) -> str:
    """Return the name for a new asset, which the route must require."""
    return limited("name", call.body_text("name") or "", LONGEST_NAME)


def asset_description(call: Call) -> str | None:
    """Return the description, if one is given."""
    text = call.body_text("description")
    return limited("description", text, LONGEST_DESCRIPTION) if text else text


def new_name_and_description(call: Call) -> tuple[str | None, str | None]:
    """Return the name and the description of an update, each if given."""
    return None if call.body_text("name") is None else asset_name(call), asset_description(call)


def updated_between(call: Call, assets: Iterable[D]) -> list[D]:
    """Return the assets that were updated in the call's time range."""
    earliest, latest = (call.moment(name) for name in UPDATED)
    return [
        asset
        for asset in assets
        if (earliest is None or asset.updated_at >= earliest) and (latest is None or asset.updated_at <= latest)
    ]


def json_field(call: Call, name: str, kind: type[T]) -> T | None:
    """Return the value of an optional field that holds JSON text."""
    return None if call.body_text(name) is None else required_json_field(call, name, kind)


def required_json_field(call: Call, name: str, kind: type[T]) -> T:
    """Return the value of a field that holds JSON text."""
    try:
        return msgspec.convert(read_json(call.body_text(name) or ""), type=kind)
    except msgspec.MsgspecError:
        raise wrong_type(name, "JSON") from None
