"""``marketo.segmentations``: the segments of people for which dynamic content varies; read-only."""

from __future__ import annotations

from marketo_async.models.assets import Version
from marketo_async.models.segmentations import Segment, Segmentation
from marketo_async.operation import Page, Paging, Plan, many, page
from marketo_async.resources.base import Resource
from marketo_async.resources.descriptors import endpoint, paged
from marketo_async.resources.mixins import distinct


class Segmentations(Resource):
    """Segmentations and their segments, which dynamic content is made for.

    See https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/assets/dynamic-content
    """

    name, area, root = "segmentations", "Assets", "/rest/asset/v1/segmentation"

    @endpoint("GET", "{root}.json")
    def browse(self, *, status: Version | None = None) -> Plan[list[Segmentation]]:
        """Return all segmentations at once."""
        return many(Segmentation, query={"status": status})

    @paged("{root}/{id}/segments.json", rule=Paging.OFFSET)
    def segments(self, id: int, *, status: Version | None = None, token: str | None = None) -> Plan[Page[Segment]]:
        """Iterate the segments of a segmentation."""
        return page(Segment, path={"id": id}, query={"status": status}, token=token, sift=distinct(Segment))
