"""Segmentations and their segments, by which dynamic content varies. REST can't create or change them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from marketo_async.sandbox.records.folders import LEAD_DATABASE, Key

DEFAULT_SEGMENT = "Default"


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment; leads that match no other segment are in ``Default``."""

    id: int
    name: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Segmentation:
    """A segmentation with its segments in order, the default segment last."""

    id: int
    name: str
    segments: tuple[Segment, ...]
    created_at: float
    updated_at: float
    description: str = ""
    folder: Key = LEAD_DATABASE
    status: str = "approved"
    workspace: str = "Default"

    def segment(self, name: str) -> Segment | None:
        """Return a segment by its name."""
        return next((segment for segment in self.segments if segment.name == name), None)


def seeded_segmentations(now: float) -> Mapping[int, Segmentation]:
    """Return two segmentations by id."""
    region = (Segment(1101, "Europe"), Segment(1102, "Asia"), Segment(1103, DEFAULT_SEGMENT))
    size = (Segment(1201, "Enterprise"), Segment(1202, DEFAULT_SEGMENT))
    return {
        1001: Segmentation(1001, "Region", region, now, now),
        1002: Segmentation(1002, "Company Size", size, now, now),
    }
