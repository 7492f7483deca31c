"""``marketo.channels``: the channels of programs, which an administrator defines."""

from __future__ import annotations

from marketo_async.models.channels import Channel
from marketo_async.operation import Page, Paging, Plan, page
from marketo_async.resources.descriptors import paged
from marketo_async.resources.mixins import ByName, distinct


class Channels(ByName[Channel]):
    """Channels: the purposes of programs, and the statuses that their members can have.

    See https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/channels
    """

    name, area, root = "channels", "Assets", "/rest/asset/v1/channel"
    model = Channel

    @paged("{root}s.json", rule=Paging.OFFSET)
    def browse(self, *, token: str | None = None) -> Plan[Page[Channel]]:
        """Iterate all channels with their statuses."""
        return page(Channel, token=token, sift=distinct(Channel))
