"""Segmentations and their segments, which are read-only."""

from __future__ import annotations

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.clock import asset_iso
from marketo_async.sandbox.envelope import Answer
from marketo_async.sandbox.families.asset_arguments import described, found
from marketo_async.sandbox.paging import offset_page
from marketo_async.sandbox.permissions import ASSET_READERS
from marketo_async.sandbox.records.drafts import not_found
from marketo_async.sandbox.records.segmentations import Segmentation
from marketo_async.sandbox.routing import Routes

routes = Routes()


def _url(segmentation: Segmentation) -> str:
    return f"https://app-sb.marketo.com/#SG{segmentation.id}A1"


@routes.get("/rest/asset/v1/segmentation.json", ASSET_READERS, optional=("status",))
def segmentations(call: Call) -> Answer:
    """Answer all segmentations, optionally of one status; there are no pages."""
    status = call.text("status")
    return found(
        [
            {
                **described(segmentation),
                "url": _url(segmentation),
                "status": segmentation.status,
                "folder": call.instance.folders.reference(segmentation.folder),
                "workspace": segmentation.workspace,
            }
            for segmentation in call.instance.segmentations.values()
            if status is None or segmentation.status == status.lower()
        ]
    )


@routes.get("/rest/asset/v1/segmentation/{id}/segments.json", ASSET_READERS, optional=("status", "offset", "maxReturn"))
def segments(call: Call) -> Answer:
    """Answer the segments of a segmentation."""
    segmentation_id, status = call.path_id("id"), call.text("status")
    segmentation = call.instance.segmentations.get(segmentation_id)
    if segmentation is None:
        raise not_found("Segmentation", segmentation_id)
    rows = [
        {
            "id": segment.id,
            "name": segment.name,
            "description": segment.description,
            "createdAt": asset_iso(segmentation.created_at),
            "updatedAt": asset_iso(segmentation.updated_at),
            "url": _url(segmentation),
            "status": segmentation.status,
            "segmentationId": segmentation.id,
        }
        for segment in segmentation.segments
    ]
    return offset_page(call, rows if status is None or segmentation.status == status.lower() else [])
