"""The values of programs: type, channel, tags, costs and dates, each checked against the instance."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import msgspec

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.families.asset_arguments import json_field
from marketo_async.sandbox.parameters import wrong_type
from marketo_async.sandbox.records.channels import Channel, program_type
from marketo_async.sandbox.records.drafts import refused
from marketo_async.sandbox.records.programs import Cost


class _Cost(msgspec.Struct, rename="camel"):
    start_date: str
    cost: int
    note: str = ""


class _Tag(msgspec.Struct, rename="camel"):
    tag_type: str
    tag_value: str


def known_type(call: Call) -> str:
    """Return the type of a new program."""
    found = program_type(call.body_text("type") or "")
    if found is None:
        raise wrong_type("type", "program type")
    return found


def known_channel(call: Call, type: str) -> Channel:
    """Return the channel of a new program, which must be a channel for its type."""
    name = call.body_text("channel") or ""
    channel = call.instance.program_assets.channel(name)
    if channel is None:
        raise refused(f"There is no channel '{name}'")
    if channel.program_type != type:
        raise refused(f"Channel '{name}' is not for programs of this type")
    return channel


def known_tag(call: Call, type: str, name: str, value: str) -> tuple[str, str]:
    """Return a tag that is allowed for programs of this type."""
    tag_type = call.instance.program_assets.tag_type(name)
    if tag_type is None or type not in tag_type.program_types:
        raise refused(f"There is no tag type '{name}' for programs of this type")
    if value not in tag_type.values:
        raise refused(f"'{value}' is not a value of tag type '{name}'")
    return name, value


def given_tags(call: Call, type: str) -> dict[str, str]:
    """Return the tags of the call."""
    given = json_field(call, "tags", list[_Tag]) or []
    return dict(known_tag(call, type, tag.tag_type, tag.tag_value) for tag in given)


def check_tags(call: Call, type: str, tags: Collection[str]) -> None:
    """Raise 709 if a required tag for programs of this type is missing."""
    for tag_type in call.instance.program_assets.tag_types:
        if tag_type.required and type in tag_type.program_types and tag_type.name not in tags:
            raise refused(f"Tag '{tag_type.name}' is required for programs of this type")


def given_costs(call: Call) -> list[Cost]:
    """Return the costs of the call."""
    return [Cost(_day(cost.start_date), cost.cost, cost.note) for cost in json_field(call, "costs", list[_Cost]) or []]


def given_date(call: Call, name: str) -> str | None:
    """Return a date and time as given, after checking it."""
    text = call.body_text(name)
    return None if text is None else _checked(text)


def _day(text: str) -> str:
    return _checked(text)[:10]


def _checked(text: str) -> str:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise ApiError("704", f"Invalid date: {text}") from None
    return text
