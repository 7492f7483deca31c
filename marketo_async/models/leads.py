"""What the lead database says about leads: fields, partitions, memberships. A lead itself is a ``Record``."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from marketo_async.models.moment import Moment

Record = dict[str, Any]


class ChannelName(Struct, frozen=True, rename="camel"):
    """A field's name on one of the two APIs."""

    name: str
    read_only: bool = False


class LeadAttribute(Struct, frozen=True, kw_only=True, rename="camel"):
    """A lead field as the older describe call tells it; without ``rest`` the field can't be used here."""

    id: int
    display_name: str
    data_type: str
    length: int | None = None
    rest: ChannelName | None = None
    soap: ChannelName | None = None


class FieldSummary(Struct, frozen=True, kw_only=True, rename="camel"):
    """A field of a record type, as describe calls tell it."""

    name: str
    display_name: str | None = None
    data_type: str | None = None
    length: int | None = None
    description: str | None = None
    updateable: bool | None = None
    crm_managed: bool | None = None


class Description(Struct, frozen=True, kw_only=True, rename="camel"):
    """A record type: its fields, and the names (or sets of names) that it can be searched by."""

    name: str | None = None
    searchable_fields: list[list[str]] = []
    dedupe_fields: list[str] = []
    fields: list[FieldSummary] = []


class FieldMetadata(Struct, frozen=True, kw_only=True, rename="camel"):
    """Everything about one field, hidden ones included."""

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
    """One static list that a lead is in."""

    list_id: int
    created_at: Moment | None = None
    updated_at: Moment | None = None


class ProgramMembership(Struct, frozen=True, kw_only=True, rename="camel"):
    """One program that a lead is in."""

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
    """One smart campaign that a lead is in."""

    smart_campaign_id: int
    created_at: Moment | None = None
    updated_at: Moment | None = None


class NewField(Struct, kw_only=True, rename="camel", omit_defaults=True):
    """A custom field to create; it can be hidden later, never deleted. ``name`` begins with a letter."""

    name: str
    display_name: str
    data_type: str
    description: str | None = None
    is_hidden: bool | None = None
    is_html_encoding_in_email: bool | None = None
    is_sensitive: bool | None = None


class FieldChange(Struct, kw_only=True, rename="camel", omit_defaults=True):
    """What to change about a field; what is left ``None`` stays. Type, name and length never change."""

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
    """Where a form was filled in."""

    page_url: str | None = None
    query_string: str | None = None
    lead_client_ip_address: str | None = None
    user_agent_string: str | None = None
