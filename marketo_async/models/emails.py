"""Emails, their parts and their settings. See ``email_templates`` for their templates."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct, field

from marketo_async.models.assets import DesignedAsset


class HeaderField(Struct, frozen=True, kw_only=True):
    """Subject, sender or reply address: text, or the id of a segmentation for ``DynamicContent``."""

    value: str | int | None = None
    type: str = "Text"


class CcField(Struct, frozen=True, kw_only=True, rename="camel"):
    """A field of leads or companies whose address can receive a copy."""

    attribute_id: str
    object_name: str | None = None
    display_name: str | None = None
    api_name: str | None = None


class Email(DesignedAsset, frozen=True, kw_only=True, rename="camel"):
    """An email without its sections; the addresses in ``cc_fields`` receive a copy."""

    url: str | None = None
    workspace: str | None = None
    subject: HeaderField | None = None
    from_name: HeaderField | None = None
    from_email: HeaderField | None = None
    reply_email: HeaderField | None = None
    template: int | None = None
    version: int | None = None
    operational: bool | None = None
    text_only: bool | None = None
    web_view: bool | None = None
    auto_copy_to_text: bool | None = None
    pre_header: str | None = None
    publish_to_msi: bool | None = field(default=None, name="publishToMSI")
    is_open_tracking_disabled: bool | None = None
    cc_fields: list[CcField] | None = None


class SectionText(Struct, frozen=True, kw_only=True):
    """A section as ``HTML`` or as ``Text``."""

    type: str
    value: str | None = None


class EmailSection(Struct, frozen=True, kw_only=True, rename="camel"):
    """An editable section or a module; all calls name it by ``html_id``.

    ``value`` is a list of texts, the members of an image or a video, or an id; modules have none.
    """

    html_id: str
    content_type: str | None = None
    value: list[SectionText] | dict[str, Any] | str | int | None = None
    index: int | None = None
    parent_html_id: str | None = None
    is_locked: bool | None = None


class SectionLook(Struct, kw_only=True, rename="camel", omit_defaults=True):
    """The look of an image or a video in a section; members that are ``None`` are not sent."""

    alt_text: str | None = None
    external_url: str | None = None
    height: int | None = None
    image: str | None = None
    link_url: str | None = None
    over_write: bool | None = None
    style: str | None = None
    video_url: str | None = None
    width: int | None = None


class ModulePosition(Struct, frozen=True, kw_only=True, rename="camel"):
    """The new position of a module."""

    module_id: str
    index: int


class EmailVariable(Struct, frozen=True, kw_only=True, rename="camel"):
    """A variable of an email; with ``module_scope`` every module has its own value."""

    name: str
    value: str | None = None
    module_scope: bool | None = None
    module_id: str | None = None


class SampleResult(Struct, frozen=True, kw_only=True):
    """The result of sending a sample."""

    service: str | None = None
    result: bool | None = None


SectionType = Literal["Text", "DynamicContent", "Snippet"]
