"""``marketo.tags``: the tag types that an administrator defines. See ``programs`` for the tags of a program."""

from __future__ import annotations

from marketo_async.models.tags import TagType
from marketo_async.operation import Page, Paging, Plan, page
from marketo_async.paging import Distinct
from marketo_async.resources.descriptors import paged
from marketo_async.resources.mixins import ByName


class Tags(ByName[TagType]):
    """Tag types that programs can have; only ``by_name`` returns the allowed values.

    See https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/tags
    """

    name, area, root = "tags", "Assets", "/rest/asset/v1/tagType"
    model = TagType

    @paged("{root}s.json", rule=Paging.OFFSET)
    def browse(self, *, token: str | None = None) -> Plan[Page[TagType]]:
        """Iterate all tag types without their values."""
        return page(TagType, token=token, sift=lambda: Distinct(lambda found: found.tag_type))
