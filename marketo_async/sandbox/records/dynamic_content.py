"""Content that varies by segment: every segment of a segmentation has a variant of its own."""

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
        """The variant for those who are in no other segment."""
        return self.variants[self.segment(None).id]

    def segment(self, name: str | None) -> Segment:
        """Return a segment by its name, the default one without a name, or raise 702."""
        segment = self.segmentation.segment(DEFAULT_SEGMENT if name is None else name)
        if segment is None:
            raise ApiError("702", f"Segment '{name}' not found in segmentation '{self.segmentation.name}'")
        return segment

    def items(self) -> list[tuple[Segment, T]]:
        """Return the segments with their variants, in the order of the segments."""
        return [(segment, self.variants[segment.id]) for segment in self.segmentation.segments]


def varied(content_id: str, segmentation: Segmentation, content: T) -> DynamicContent[T]:
    """Return dynamic content that begins with the same content for every segment."""
    return DynamicContent(content_id, segmentation, {segment.id: content for segment in segmentation.segments})


def find_segmentation(segmentations: Mapping[int, Segmentation], text: str) -> Segmentation:
    """Return a segmentation by the id that a request names, or raise 704."""
    found = segmentations.get(int(text)) if text.isdecimal() else None
    if found is None:
        raise ApiError("704", f"Invalid dynamic content: there is no segmentation '{text}'")
    return found
