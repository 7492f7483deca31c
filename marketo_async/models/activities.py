"""Activities, changes of leads, and the types of both."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from marketo_async.models.moment import GivenMoment, Moment

# The standard types that mean more than an activity: the lead, its lists and its programs change.
NEW_LEAD = 12
CHANGE_DATA_VALUE = 13
ADD_TO_LIST = 24
REMOVE_FROM_LIST = 25
MERGE_LEADS = 32
DELETE_LEAD = 37
CHANGE_PROGRAM_STATUS = 104


class Attribute(Struct, frozen=True, kw_only=True, rename="camel"):
    """One attribute of an activity; its value is text, a number or a boolean, depending on its type."""

    name: str | None = None
    api_name: str | None = None
    value: Any = None


class Activity(Struct, frozen=True, kw_only=True, rename="camel"):
    """An event in the life of a lead, identified by its ``marketo_guid``; ``id`` may repeat or be missing."""

    marketo_guid: str | None = field(default=None, name="marketoGUID")
    id: int | None = None
    lead_id: int
    activity_date: Moment
    activity_type_id: int
    campaign_id: int | None = None
    primary_attribute_value_id: int | None = None
    primary_attribute_value: str | None = None
    attributes: list[Attribute] = []


class FieldValueChange(Struct, frozen=True, kw_only=True, rename="camel"):
    """One field that changed; each value is text or ``None``."""

    id: int | None = None
    name: str
    new_value: str | None = None
    old_value: str | None = None


class LeadChange(Struct, frozen=True, kw_only=True, rename="camel"):
    """A new lead (type 12) or a change of its values (type 13)."""

    marketo_guid: str | None = field(default=None, name="marketoGUID")
    id: int | None = None
    lead_id: int
    activity_date: Moment
    activity_type_id: int
    campaign_id: int | None = None
    primary_attribute_value_id: int | None = None
    primary_attribute_value: str | None = None
    fields: list[FieldValueChange] = []
    attributes: list[Attribute] = []


class AttributeType(Struct, frozen=True, kw_only=True, rename="camel"):
    """An attribute of the activities of a type."""

    name: str
    api_name: str | None = None
    data_type: str | None = None
    description: str | None = None
    is_primary: bool | None = None


class ActivityType(Struct, frozen=True, kw_only=True, rename="camel"):
    """A type of activity, standard or custom."""

    id: int
    name: str
    api_name: str | None = None
    description: str | None = None
    primary_attribute: AttributeType | None = None
    attributes: list[AttributeType] = []


class CustomActivityType(Struct, frozen=True, kw_only=True, rename="camel"):
    """A custom type of activity: draft, approved, or both."""

    id: int | None = None
    api_name: str | None = None
    name: str | None = None
    description: str | None = None
    trigger_name: str | None = None
    filter_name: str | None = None
    status: str | None = None
    primary_attribute: AttributeType | None = None
    attributes: list[AttributeType] = []
    created_at: Moment | None = None
    updated_at: Moment | None = None


class NewAttribute(Struct, kw_only=True, rename="camel", omit_defaults=True):
    """An attribute to create or change; ``api_name`` is its key."""

    api_name: str
    name: str
    data_type: str | None = None
    description: str | None = None
    is_primary: bool | None = None


class NewActivityType(Struct, kw_only=True, rename="camel", omit_defaults=True):
    """A custom type to create; after approval and first use, only its description can change."""

    api_name: str
    name: str
    trigger_name: str
    filter_name: str
    primary_attribute: NewAttribute
    description: str | None = None


class AttributeValue(Struct, kw_only=True, rename="camel", omit_defaults=True):
    """The value of one attribute of a custom activity; set ``api_name`` if names are not unique."""

    name: str
    value: Any
    api_name: str | None = None


class NewActivity(Struct, kw_only=True, rename="camel"):
    """A custom activity to add. It can't be changed or removed, and Marketo does not detect a repeat."""

    lead_id: int
    activity_date: GivenMoment
    activity_type_id: int
    primary_attribute_value: str
    attributes: list[AttributeValue] = []
