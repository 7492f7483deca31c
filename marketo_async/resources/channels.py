"""``marketo.channels``: what programs are for; an administrator sets them up."""

from __future__ import annotations

from marketo_async.models.channels import Channel
from marketo_async.operation import Page, Paging, Plan, page
from marketo_async.resources.descriptors import paged
from marketo_async.resources.mixins import ByName, distinct


class Channels(ByName[Channel]):
    """Channels: what programs are for, and the statuses that their members can have."""

    name, area, root = "channels", "Assets", "/rest/asset/v1/channel"
    model = Channel

    @paged("{root}s.json", rule=Paging.OFFSET)
    def browse(self, *, token: str | None = None) -> Plan[Page[Channel]]:
        """Iterate all channels with their statuses."""
        return page(Channel, token=token, sift=distinct(Channel))
