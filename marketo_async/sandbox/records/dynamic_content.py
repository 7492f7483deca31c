"""Dynamic content: every segment of a segmentation has its own variant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.records.segmentations import DEFAULT_SEGMENT, Segment, Segmentation

T = TypeVar("T")


@dataclass(slots=True)
class DynamicContent(Generic[T]):
    """The variants of one piece of content, by segment id."""

    id: str
    segmentation: Segmentation
    variants: dict[int, T] = field(default_factory=dict)

    @property
    def default(self) -> T:
        """The variant for people in no other segment."""
        return self.variants[self.segment(None).id]

    def segment(self, name: str | None) -> Segment:
        """Return a segment by name, by default the default segment, or raise 702."""
        segment = self.segmentation.segment(DEFAULT_SEGMENT if name is None else name)
        if segment is None:
            raise ApiError("702", f"Segment '{name}' not found in segmentation '{self.segmentation.name}'")
        return segment

    def items(self) -> list[tuple[Segment, T]]:
        """Return the segments and their variants, in order."""
        return [(segment, self.variants[segment.id]) for segment in self.segmentation.segments]


def varied(content_id: str, segmentation: Segmentation, content: T) -> DynamicContent[T]:
    """Return dynamic content with the same initial content for every segment."""
    return DynamicContent(content_id, segmentation, {segment.id: content for segment in segmentation.segments})


def find_segmentation(segmentations: Mapping[int, Segmentation], text: str) -> Segmentation:
    """Return the segmentation with the id of a request, or raise 704."""
    found = segmentations.get(int(text)) if text.isdecimal() else None
    if found is None:
        raise ApiError("704", f"Invalid dynamic content: there is no segmentation '{text}'")
    return found
