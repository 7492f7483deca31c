"""The lead database's data about leads: fields, partitions, memberships. A lead itself is a ``Record``."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from marketo_async.models.moment import Moment

Record = dict[str, Any]


class ChannelName(Struct, frozen=True, rename="camel"):
    """A field's name in one of the two APIs."""

    name: str
    read_only: bool = False


class LeadAttribute(Struct, frozen=True, kw_only=True, rename="camel"):
    """A lead field as the older describe call returns it; without ``rest`` the REST API can't use the field."""

    id: int
    display_name: str
    data_type: str
    length: int | None = None
    rest: ChannelName | None = None
    soap: ChannelName | None = None


class FieldSummary(Struct, frozen=True, kw_only=True, rename="camel"):
    """A field of a record type, as describe calls return it."""

    name: str
    display_name: str | None = None
    data_type: str | None = None
    length: int | None = None
    description: str | None = None
    updateable: bool | None = None
    crm_managed: bool | None = None


class Description(Struct, frozen=True, kw_only=True, rename="camel"):
    """A record type: its fields, and the names (or sets of names) of its searchable fields."""

    name: str | None = None
    searchable_fields: list[list[str]] = []
    dedupe_fields: list[str] = []
    fields: list[FieldSummary] = []


class FieldMetadata(Struct, frozen=True, kw_only=True, rename="camel"):
    """The full metadata of one field, which may be hidden."""

    name: str
    display_name: str | None = None
    description: str | None = None
    data_type: str | None = None
    length: int | None = None
    is_hidden: bool | None = None
    is_html_encoding_in_email: bool | None = None
    is_sensitive: bool | None = None
    is_custom: bool | None = None
    is_api_created: bool | None = None


class Partition(Struct, frozen=True, kw_only=True):
    """A lead partition."""

    id: int
    name: str
    description: str | None = None


class ListMembership(Struct, frozen=True, kw_only=True, rename="camel"):
    """One static list of a lead."""

    list_id: int
    created_at: Moment | None = None
    updated_at: Moment | None = None


class ProgramMembership(Struct, frozen=True, kw_only=True, rename="camel"):
    """One program of a lead."""

    id: int
    progression_status: str | None = None
    progression_status_type: str | None = None
    is_exhausted: bool | None = None
    acquired_by: bool | None = None
    reached_success: bool | None = None
    membership_date: Moment | None = None
    updated_at: Moment | None = None
    stream: str | None = None
    nurture_cadence: str | None = None


class SmartCampaignMembership(Struct, frozen=True, kw_only=True, rename="camel"):
    """One smart campaign of a lead."""

    smart_campaign_id: int
    created_at: Moment | None = None
    updated_at: Moment | None = None


class NewField(Struct, kw_only=True, rename="camel", omit_defaults=True):
    """A custom field to create; it can be hidden later, but never deleted. ``name`` begins with a letter."""

    name: str
    display_name: str
    data_type: str
    description: str | None = None
    is_hidden: bool | None = None
    is_html_encoding_in_email: bool | None = None
    is_sensitive: bool | None = None


class FieldChange(Struct, kw_only=True, rename="camel", omit_defaults=True):
    """The changes to a field; members that are ``None`` keep their values. Type, name and length never change."""

    display_name: str | None = None
    description: str | None = None
    is_hidden: bool | None = None
    is_html_encoding_in_email: bool | None = None
    is_sensitive: bool | None = None


class VisitorData(
    Struct,
    kw_only=True,
    omit_defaults=True,
    rename={
        "page_url": "pageURL",
        "query_string": "queryString",
        "lead_client_ip_address": "leadClientIpAddress",
        "user_agent_string": "userAgentString",
    },
):
    """The page and the visitor of a form submission."""

    page_url: str | None = None
    query_string: str | None = None
    lead_client_ip_address: str | None = None
    user_agent_string: str | None = None
