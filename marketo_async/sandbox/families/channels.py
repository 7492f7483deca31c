"""Channels and tag types: browsing them, and finding one by its name."""

from __future__ import annotations

from collections.abc import Iterable

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.clock import asset_iso
from marketo_async.sandbox.envelope import Answer, Members
from marketo_async.sandbox.families.asset_arguments import found
from marketo_async.sandbox.paging import offset_page
from marketo_async.sandbox.parameters import missing
from marketo_async.sandbox.permissions import ASSET_READERS
from marketo_async.sandbox.records.channels import Channel, TagType, applicable
from marketo_async.sandbox.routing import Routes

routes = Routes()


def _channel_row(channel: Channel) -> Members:
    return {
        "id": channel.id,
        "name": channel.name,
        "applicableProgramType": applicable(channel.program_type),
        "createdAt": asset_iso(channel.created_at),
        "updatedAt": asset_iso(channel.created_at),
        "progressionStatuses": [
            {
                "name": status.name,
                "description": "",
                "hidden": False,
                "type": None,
                "step": status.step,
                "success": status.success,
            }
            for status in channel.statuses
        ],
    }


@routes.get("/rest/asset/v1/channels.json", ASSET_READERS, optional=("maxReturn", "offset"))
def channels(call: Call) -> Answer:
    """Answer all channels with their progression statuses."""
    return offset_page(call, [_channel_row(channel) for channel in call.instance.program_assets.channels])


@routes.get("/rest/asset/v1/channel/byName.json", ASSET_READERS, optional=("Name", "name"))
def channel_by_name(call: Call) -> Answer:
    """Answer the channel of exactly this name; the parameter has two spellings."""
    name = call.text("name") or call.text("Name")
    if name is None:
        raise missing("name")
    channel = call.instance.program_assets.channel(name)
    return found([] if channel is None else [_channel_row(channel)])


def _listed(items: Iterable[str]) -> str:
    # The value looks like JSON but is not JSON.
    return f"[{','.join(items)}]"


def _tag_row(tag_type: TagType) -> Members:
    return {
        "tagType": tag_type.name,
        "applicableProgramTypes": _listed(map(applicable, tag_type.program_types)),
        "required": tag_type.required,
    }


@routes.get("/rest/asset/v1/tagTypes.json", ASSET_READERS, optional=("maxReturn", "offset"))
def tag_types(call: Call) -> Answer:
    """Answer all tag types, without their allowed values."""
    return offset_page(call, [_tag_row(tag_type) for tag_type in call.instance.program_assets.tag_types])


@routes.get("/rest/asset/v1/tagType/byName.json", ASSET_READERS, required=("name",))
def tag_type_by_name(call: Call) -> Answer:
    """Answer the tag type of exactly this name, with its allowed values."""
    tag_type = call.instance.program_assets.tag_type(call.text("name") or "")
    if tag_type is None:
        return found([])
    return Answer([{**_tag_row(tag_type), "allowableValues": _listed(tag_type.values)}])
