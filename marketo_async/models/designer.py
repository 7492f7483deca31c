"""Assets of the new designer (v2): emails, email templates and fragments. Their ids are text."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from marketo_async.models.moment import Moment

Transition = Literal["approve", "unapprove", "discard", "create_draft"]


class Html(Struct, kw_only=True, omit_defaults=True):
    """The HTML part of a content."""

    body: str | None = None


class PlainText(Struct, kw_only=True, rename="camel", omit_defaults=True):
    """The plain text part of a content, or whether Marketo makes it from the HTML."""

    body: str | None = None
    sync_from_html: bool | None = None


class Content(Struct, kw_only=True, omit_defaults=True):
    """The content of an asset."""

    html: Html | None = None
    text: PlainText | None = None


class EditorContext(Struct, kw_only=True, rename="camel", omit_defaults=True):
    """The designer's own data about the content."""

    dynamic_content: dict[str, Any] | None = None


class Place(Struct, kw_only=True, rename="camel", omit_defaults=True):
    """The place of a new asset: a folder, or at least a workspace."""

    folder_id: str | None = None
    workspace_id: str | None = None
    editor_type: str | None = None


class EmailPlace(Place, kw_only=True, rename="camel", omit_defaults=True):
    """The place of a new email, which can also be a program."""

    program_id: str | None = None


class Location(Struct, frozen=True, kw_only=True, rename="camel"):
    """The place of an asset."""

    editor_type: str | None = None
    workspace_id: str | None = None
    folder_id: str | None = None


class EmailLocation(Location, frozen=True, kw_only=True, rename="camel"):
    """The place of an email, which can also be a program."""

    program_id: str | None = None
    program_name: str | None = None
    program_type: str | None = None


class Authorship(Struct, frozen=True, kw_only=True, rename="camel"):
    """The users who created an asset and last changed it."""

    created_by: str | None = None
    created_at: Moment | None = None
    created_by_id: str | None = None
    created_by_aep_id: str | None = None
    modified_by: str | None = None
    modified_at: Moment | None = None
    modified_by_id: str | None = None
    modified_by_aep_id: str | None = None


class AssociatedState(Struct, frozen=True, kw_only=True, rename="camel"):
    """The other version of the same asset."""

    content_id: str | None = None
    external_id: str | None = None
    state: str | None = None


class EmailHeaders(Struct, kw_only=True, rename="camel", omit_defaults=True):
    """The header fields of an email."""

    subject: str
    from_name: str | None = None
    from_email: str | None = None
    reply_email: str | None = None
    preheader: str | None = None
    cc_emails: list[str] | None = None


class HeadersChange(Struct, kw_only=True, rename="camel", omit_defaults=True):
    """The changes to the header fields; members that are left out keep their values."""

    subject: str | UnsetType = UNSET
    from_name: str | UnsetType = UNSET
    from_email: str | UnsetType = UNSET
    reply_email: str | UnsetType = UNSET
    preheader: str | UnsetType = UNSET
    cc_emails: list[str] | UnsetType = UNSET


class EmailSettings(Struct, kw_only=True, rename="camel", omit_defaults=True):
    """Settings for sending an email."""

    is_operational: bool | None = None
    is_text_only: bool | None = None
    is_web_page_view: bool | None = None
    enable_url_tracking: bool | None = None
    branded_domain: str | None = None
    dedicated_ip: str | None = None


class SentSettings(Struct, frozen=True, kw_only=True, rename="camel"):
    """Settings for sending an email, as Marketo returns them."""

    is_operational: bool | None = None
    is_text_only: bool | None = None
    is_web_page_view: bool | None = None
    enable_url_tracking: bool | None = None
    disable_open_tracking: bool | None = None


class FragmentSettings(Struct, kw_only=True, rename="camel", omit_defaults=True):
    """The purpose of a fragment, or changes to it."""

    fragment_type: str | None = None
    fragment_sub_type: str | None = None
    supported_channels: list[str] | None = None


class NewFragmentSettings(Struct, kw_only=True, rename="camel", omit_defaults=True):
    """The purpose of a new fragment."""

    fragment_type: str
    supported_channels: list[str]
    fragment_sub_type: str | None = None


class Thumbnail(Struct, frozen=True, kw_only=True):
    """A picture of a fragment."""

    url: str | None = None


class Designed(Struct, frozen=True, kw_only=True, rename="camel"):
    """The members that the three kinds share."""

    id: str
    name: str | None = None
    description: str | None = None
    app_type: str | None = None
    app_data: Location | None = None
    metadata: Authorship | None = None
    status: str | None = None
    state: str | None = None
    virtual_id: str | None = None
    external_id: str | None = None
    script_engine: str | None = None
    associated_states: list[AssociatedState] = []
    data: Content | None = None


class DesignedEmail(Designed, frozen=True, kw_only=True, rename="camel"):
    """An email of the new designer."""

    app_data: EmailLocation | None = None
    headers: EmailHeaders | None = None
    settings: SentSettings | None = None
    template_id: str | None = None
    editor_context: EditorContext | None = None


class DesignedTemplate(Designed, frozen=True, kw_only=True, rename="camel"):
    """An email template of the new designer."""

    version: int | None = None


class Fragment(Designed, frozen=True, kw_only=True, rename="camel"):
    """A piece of content that emails share."""

    settings: FragmentSettings | None = None
    thumbnail: Thumbnail | None = None
    editor_context: EditorContext | None = None
    theme_id: str | None = None


class TemplateChange(Struct, kw_only=True, rename="camel", omit_defaults=True):
    """The changes to an asset; members that are left out keep their values."""

    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    data: Content | UnsetType = UNSET
    editor_context: EditorContext | UnsetType = UNSET


class EmailChange(TemplateChange, kw_only=True, rename="camel", omit_defaults=True):
    """The changes to an email."""

    headers: HeadersChange | UnsetType = UNSET
    settings: EmailSettings | UnsetType = UNSET
    template_id: str | UnsetType = UNSET


class FragmentChange(TemplateChange, kw_only=True, rename="camel", omit_defaults=True):
    """The changes to a fragment."""

    settings: FragmentSettings | UnsetType = UNSET


class UsedBy(Struct, frozen=True, kw_only=True, rename="camel"):
    """An object that uses an asset."""

    id: str
    name: str | None = None
    app_data: Location | None = None
    channel: str | None = None
    content_type: str | None = None
    external_id: str | None = None


class UseCount(Struct, frozen=True, kw_only=True):
    """How often an asset is used."""

    id: str
    name: str | None = None
    count: int | None = None
    used: bool | None = None


class Search(Struct, kw_only=True, rename="camel"):
    """A search; an asset must match everything that is set. ``status`` holds states, dates are aware datetimes."""

    name: str | None = None
    folder_id: str | None = None
    folder_type: Literal["Folder", "Program"] | None = None
    status: list[str] | None = None
    created_at_start: datetime | None = None
    created_at_end: datetime | None = None
    modified_at_start: datetime | None = None
    modified_at_end: datetime | None = None
    is_created_by_me: bool | None = None
    is_modified_by_me: bool | None = None
    script_engine: str | None = None
    is_value_non_nullable: str | None = None
    include_archived: bool | None = None
    sort_key: str | None = None
    sort_order: Literal["ASC", "DESC"] | None = None


class EmailSearch(Search, kw_only=True, rename="camel"):
    """A search for emails."""

    template_id: str | None = None


class FragmentSearch(Search, kw_only=True, rename="camel"):
    """A search for fragments."""

    fragment_type: str | None = None
