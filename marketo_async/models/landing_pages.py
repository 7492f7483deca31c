"""Landing pages, their sections and variables. See ``landing_page_templates`` for their templates."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from marketo_async.models.assets import DesignedAsset


class LandingPage(DesignedAsset, frozen=True, kw_only=True, rename="camel"):
    """A landing page: visitors open ``url``, users edit it at ``computed_url``."""

    url: str | None = field(default=None, name="URL")
    computed_url: str | None = None
    workspace: str | None = None
    template: int | None = None
    title: str | None = None
    keywords: str | None = None
    robots: str | None = None
    custom_head_html: str | None = field(default=None, name="customHeadHTML")
    facebook_og_tags: str | None = None
    form_prefill: bool | None = None
    mobile_enabled: bool | None = None


class PageVariable(Struct, frozen=True, kw_only=True):
    """A variable of a guided page."""

    id: str
    type: str | None = None
    value: str | int | float | bool | None = None


class SegmentChoice(Struct, frozen=True, kw_only=True, rename="camel"):
    """A segment that a preview assumes for its visitor."""

    segmentation_id: int
    segment_id: int


class PageSection(Struct, frozen=True, kw_only=True, rename="camel"):
    """A section of a page; ``content`` is markup, an id or an image's members, depending on ``type``."""

    id: str | int
    type: str | None = None
    index: int | None = None
    content: Any = None
    followup_type: str | None = None
    followup_value: str | int | None = None
    formatting_options: dict[str, Any] | None = None


class SectionLayout(Struct, kw_only=True, rename="camel", omit_defaults=True):
    """The layout of a section, in CSS terms; members that are ``None`` are not sent."""

    background_color: str | None = None
    border_color: str | None = None
    border_style: str | None = None
    border_width: str | None = None
    height: str | None = None
    hide_desktop: bool | None = None
    hide_mobile: bool | None = None
    image_open_new_window: str | None = None
    left: str | None = None
    link_url: str | None = None
    opacity: str | None = None
    top: str | None = None
    width: str | None = None
    z_index: str | None = None
