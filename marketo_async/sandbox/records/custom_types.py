"""Custom activity types: a live version, a draft, and the life cycle between them.

See ``families.activity_types`` for the operations and ``families.custom_activities`` for their activities.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import cast

from marketo_async.sandbox.errors import ApiError

FIRST_TYPE_ID = 100_001
MOST_TYPES = 10
MOST_ATTRIBUTES = 20
LONGEST_API_NAME = 255

DATA_TYPES = frozenset(
    ("string", "boolean", "integer", "float", "link", "email", "currency", "date", "datetime", "phone", "text")
)

_API_NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9]+")
_DISPLAY_NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 _]+")


def check_api_name(name: str) -> None:
    """Raise 1003 for an API name that Marketo does not accept."""
    if not _API_NAME.fullmatch(name) or len(name) > LONGEST_API_NAME:
        raise ApiError("1003", f"Invalid apiName '{name}'")


def check_display_name(name: str) -> None:
    """Raise 1003 for a display name that Marketo does not accept."""
    if not _DISPLAY_NAME.fullmatch(name):
        raise ApiError("1003", f"Invalid name '{name}'")


@dataclass(frozen=True, slots=True)
class TypeAttribute:
    """An attribute of a custom activity type."""

    api_name: str
    name: str
    data_type: str = "string"
    description: str = ""
    is_primary: bool = False


@dataclass(slots=True)
class TypeVersion:
    """The members that differ between the draft and the live version."""

    name: str
    trigger_name: str
    filter_name: str
    description: str
    attributes: dict[str, TypeAttribute] = field(default_factory=dict)

    @property
    def primary(self) -> TypeAttribute | None:
        """The primary attribute; a draft may lack it while it is edited."""
        return next((attribute for attribute in self.attributes.values() if attribute.is_primary), None)

    @property
    def secondary(self) -> list[TypeAttribute]:
        """All other attributes."""
        return [attribute for attribute in self.attributes.values() if not attribute.is_primary]

    def add(self, attribute: TypeAttribute) -> None:
        """Add an attribute, or raise 1017, 1028 or 1003."""
        if attribute.api_name in self.attributes:
            raise ApiError("1017", f"Attribute '{attribute.api_name}' already exists")
        if attribute.is_primary:
            self._make_room_for_primary(attribute.api_name)
        elif len(self.secondary) >= MOST_ATTRIBUTES:
            raise ApiError("1028", f"Limit of {MOST_ATTRIBUTES} attributes reached")
        self.attributes[attribute.api_name] = attribute

    def change(self, attribute: TypeAttribute) -> None:
        """Replace an attribute, or raise 1003 if two would be primary."""
        if attribute.is_primary:
            self._make_room_for_primary(attribute.api_name)
        self.attributes[attribute.api_name] = attribute

    def get(self, api_name: str) -> TypeAttribute:
        """Return an attribute, or raise 1013."""
        if api_name not in self.attributes:
            raise ApiError("1013", f"Attribute '{api_name}' not found")
        return self.attributes[api_name]

    def _make_room_for_primary(self, api_name: str) -> None:
        if self.primary is not None and self.primary.api_name != api_name:
            raise ApiError("1003", f"'{self.primary.api_name}' is the primary attribute already")


@dataclass(slots=True)
class CustomType:
    """A custom activity type."""

    id: int
    api_name: str
    created_at: float
    updated_at: float
    live: TypeVersion | None = None
    draft: TypeVersion | None = None

    @property
    def status(self) -> str:
        """The status in Marketo's words."""
        if self.live is None:
            return "draft"
        return "approved with draft" if self.draft is not None else "approved"

    @property
    def newest(self) -> TypeVersion:
        """The draft, or the live version if there is no draft."""
        return self.draft or cast(TypeVersion, self.live)

    def proposal(self) -> TypeVersion:
        """Return a copy of the newest version for editing; it has no effect until it is accepted."""
        return deepcopy(self.newest)

    def accept(self, draft: TypeVersion, now: float) -> None:
        """Accept an edited copy as the draft."""
        self.draft, self.updated_at = draft, now

    def approve(self, now: float) -> TypeVersion:
        """Make the draft the live version and return it."""
        if self.draft is None:
            raise ApiError("1003", f"'{self.api_name}' has no draft to approve")
        if self.draft.primary is None:
            raise ApiError("1003", f"'{self.api_name}' has no primary attribute")
        self.live, self.draft, self.updated_at = self.draft, None, now
        return self.live

    def discard_draft(self, now: float) -> TypeVersion:
        """Drop the draft of an approved type, and return the live version."""
        if self.draft is None or self.live is None:
            raise ApiError("1048", f"'{self.api_name}' has no draft that can be discarded")
        self.draft, self.updated_at = None, now
        return self.live


class CustomTypes:
    """The custom activity types of an instance, by API name."""

    def __init__(self) -> None:
        self._by_name: dict[str, CustomType] = {}
        self._next_id = FIRST_TYPE_ID

    def __iter__(self) -> Iterator[CustomType]:
        return iter(self._by_name.values())

    def get(self, api_name: str) -> CustomType:
        """Return a type, or raise 1013."""
        if api_name not in self._by_name:
            raise ApiError("1013", f"Activity type '{api_name}' not found")
        return self._by_name[api_name]

    def live(self, type_id: int) -> CustomType | None:
        """Return an approved type by its id."""
        return next((kind for kind in self if kind.id == type_id and kind.live is not None), None)

    def add(self, api_name: str, draft: TypeVersion, now: float) -> CustomType:
        """Create a type as a draft, or raise 1017 or 1027."""
        if api_name in self._by_name:
            raise ApiError("1017", f"Activity type '{api_name}' already exists")
        if len(self._by_name) >= MOST_TYPES:
            raise ApiError("1027", f"Limit of {MOST_TYPES} activity types reached")
        kind = self._by_name[api_name] = CustomType(self._next_id, api_name, now, now, draft=draft)
        self._next_id += 1
        return kind

    def rename(self, kind: CustomType, api_name: str) -> None:
        """Change the API name of a type."""
        if api_name in self._by_name:
            raise ApiError("1017", f"Activity type '{api_name}' already exists")
        del self._by_name[kind.api_name]
        kind.api_name = api_name
        self._by_name[api_name] = kind

    def remove(self, kind: CustomType) -> None:
        """Delete a type."""
        del self._by_name[kind.api_name]


def changed(attribute: TypeAttribute, **changes: str | bool) -> TypeAttribute:
    """Return the attribute with some of its metadata changed."""
    return replace(attribute, **changes)  # type: ignore[arg-type]  # callers convert each change
