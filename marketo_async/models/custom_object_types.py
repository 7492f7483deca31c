"""Custom object types: requests to create and change their fields, and the objects and assets linked to them."""

from __future__ import annotations

from msgspec import Struct


class Link(Struct, frozen=True, kw_only=True):
    """The target of a link field: an object by its API name, and a field of it."""

    name: str
    field: str


class NewObjectField(Struct, kw_only=True, rename="camel", omit_defaults=True):
    """A field to add to the draft of a type; 1 to 3 fields of a type are its dedupe fields."""

    name: str
    display_name: str
    data_type: str
    description: str | None = None
    is_dedupe_field: bool | None = None
    related_to: Link | None = None


class ObjectFieldChange(Struct, kw_only=True, rename="camel", omit_defaults=True):
    """The changes to a field of a draft; members that are ``None`` keep their values."""

    name: str | None = None
    display_name: str | None = None
    data_type: str | None = None
    description: str | None = None
    is_dedupe_field: bool | None = None
    related_to: Link | None = None


class LinkableField(Struct, frozen=True, kw_only=True, rename="camel"):
    """A field that a link can point to."""

    name: str
    display_name: str | None = None
    data_type: str | None = None


class LinkableObject(Struct, frozen=True, kw_only=True, rename="camel"):
    """An object that a link can point to."""

    name: str
    display_name: str | None = None
    fields: list[LinkableField] = []


class DependentAsset(Struct, frozen=True, kw_only=True, rename="camel"):
    """An asset that uses a custom object type, and the fields that it uses."""

    asset_type: str
    asset_id: int
    asset_name: str | None = None
    used_fields: list[str] = []
