"""Custom object types: an approved version with the records of the type, a draft, and the life cycle between them.

The operations choose the version and the layout of answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field

from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.records.lead_fields import Field, Fields
from marketo_async.sandbox.records.object_description import (
    GUID,
    ObjectDescription,
    Relationship,
    State,
    Version,
)
from marketo_async.sandbox.records.object_store import ObjectStore

MOST_TYPES = 10
MOST_FIELDS = 50
MOST_ADDED_FIELDS = 20
MOST_DEDUPE_FIELDS = 3
MOST_LINKS = 2

DATA_TYPES = (
    "string",
    "boolean",
    "integer",
    "float",
    "link",
    "email",
    "currency",
    "date",
    "datetime",
    "phone",
    "text",
)

_API_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)


def check_name(name: str) -> None:
    """Raise 1003 for an API name that Marketo does not accept."""
    if not _API_NAME.fullmatch(name):
        raise ApiError("1003", f"Invalid name '{name}'")


@dataclass(frozen=True, slots=True)
class TypeField:
    """A field of a custom object type."""

    name: str
    display_name: str
    data_type: str
    description: str = ""
    is_dedupe_field: bool = False
    related_to: tuple[str, str] | None = None
    """The object, and its field, that this field links to."""


@dataclass(slots=True)
class TypeVersion:
    """The members that differ between the draft and the approved version."""

    display_name: str
    plural_name: str
    description: str = ""
    show_in_lead_detail: bool = False
    fields: dict[str, TypeField] = field(default_factory=dict)

    @property
    def dedupe_fields(self) -> tuple[str, ...]:
        """The names of the fields that identify a record."""
        return tuple(kept.name for kept in self.fields.values() if kept.is_dedupe_field)

    @property
    def links(self) -> list[TypeField]:
        """The fields that link to other objects."""
        return [kept for kept in self.fields.values() if kept.related_to is not None]

    def get(self, name: str) -> TypeField:
        """Return a field, or raise 1013."""
        if name not in self.fields:
            raise ApiError("1013", f"Field '{name}' not found")
        return self.fields[name]

    def put(self, new: TypeField, instead_of: str | None = None) -> None:
        """Add a field, or replace another one, or raise 1017."""
        if new.name in self.fields and new.name != instead_of:
            raise ApiError("1017", f"Field '{new.name}' already exists")
        if instead_of is None:
            self.fields[new.name] = new
        else:
            kept = [new if old.name == instead_of else old for old in self.fields.values()]
            self.fields = {old.name: old for old in kept}

    def check(self) -> None:
        """Raise 1003 if there are more fields than a type can have."""
        if len(self.fields) > MOST_FIELDS:
            raise ApiError("1003", f"A custom object type has at most {MOST_FIELDS} fields")
        if len(self.dedupe_fields) > MOST_DEDUPE_FIELDS:
            raise ApiError("1003", f"A custom object type has at most {MOST_DEDUPE_FIELDS} dedupe fields")
        if len(self.links) > MOST_LINKS:
            raise ApiError("1003", f"A custom object type has at most {MOST_LINKS} link fields")


@dataclass(frozen=True, slots=True)
class DependentAsset:
    """An asset that uses a custom object type."""

    asset_type: str
    asset_id: int
    asset_name: str
    used_fields: tuple[str, ...] = ()


@dataclass(slots=True)
class CustomObjectType:
    """A custom object type, and its records after approval."""

    id: int
    api_name: str
    created_at: float
    updated_at: float
    live: TypeVersion | None = None
    draft: TypeVersion | None = None
    records: ObjectStore | None = None
    first_fields: int = 0
    """The number of fields at its first approval."""
    dependents: list[DependentAsset] = field(default_factory=list)

    @property
    def state(self) -> State:
        """The approval state in Marketo's words."""
        if self.live is None:
            return "draft"
        return "approvedWithDraft" if self.draft is not None else "approved"

    def version(self, state: State | None = None) -> tuple[TypeVersion, Version]:
        """Return the approved version, or the draft if there is none; raise 1013 if the requested state is missing."""
        if state in (None, "approved") and self.live is not None:
            return self.live, "approved"
        if (state is None or state in ("draft", self.state)) and self.draft is not None:
            return self.draft, "draft"
        raise ApiError("1013", f"'{self.api_name}' has no version in state '{state}'")

    def proposal(self) -> TypeVersion:
        """Return a copy of the newest version for editing; it has no effect until it is accepted."""
        return deepcopy(self.version("draft")[0] if self.draft is not None else self.version()[0])

    def accept(self, draft: TypeVersion, now: float) -> None:
        """Accept an edited copy as the draft, or raise 1003 if it changes a member that approval froze."""
        draft.check()
        if self.live is not None:
            if draft.display_name != self.live.display_name:
                raise ApiError("1003", "'displayName' cannot be changed after approval")
            if draft.dedupe_fields != self.live.dedupe_fields:
                raise ApiError("1003", "Dedupe fields cannot be changed after approval")
            if draft.links != self.live.links:
                raise ApiError("1003", "Link fields cannot be changed after approval")
            if len(draft.fields) > self.first_fields + MOST_ADDED_FIELDS:
                raise ApiError("1003", f"At most {MOST_ADDED_FIELDS} fields can be added after approval")
        self.draft, self.updated_at = draft, now

    def approve(self, now: float) -> None:
        """Make the draft the approved version, which new records follow."""
        if self.draft is None:
            raise ApiError("1003", f"'{self.api_name}' has no draft to approve")
        if not self.draft.dedupe_fields:
            raise ApiError("1003", f"'{self.api_name}' has no dedupe field")
        if self.live is None:
            self.first_fields = len(self.draft.fields)
        self.live, self.draft, self.updated_at = self.draft, None, now
        description = self.describe(self.live, "approved")
        if self.records is None:
            self.records = ObjectStore(description)
        else:
            self.records.description = description

    def discard_draft(self, now: float) -> None:
        """Drop the draft of an approved type, or raise 1048."""
        if self.draft is None or self.live is None:
            raise ApiError("1048", f"'{self.api_name}' has no draft that can be discarded")
        self.draft, self.updated_at = None, now

    def describe(self, version: TypeVersion, version_name: Version) -> ObjectDescription:
        """Return the description of one version."""
        dedupe_fields = version.dedupe_fields
        singles = [(kept.name,) for kept in version.links]
        return ObjectDescription(
            name=self.api_name,
            display_name=version.display_name,
            plural_name=version.plural_name,
            description=version.description,
            fields=_fields(version),
            dedupe_fields=dedupe_fields,
            searchable=tuple(dict.fromkeys(filter(None, (dedupe_fields, (GUID,), *singles)))),
            relationships=tuple(
                Relationship(kept.name, *kept.related_to) for kept in version.links if kept.related_to is not None
            ),
            state=self.state,
            version=version_name,
            created_at=self.created_at,
            updated_at=self.updated_at,
        )


def _fields(version: TypeVersion) -> Fields:
    system = (
        Field(1, GUID, "Marketo GUID", "string", read_only=True),
        Field(2, "createdAt", "Created At", "datetime", read_only=True),
        Field(3, "updatedAt", "Updated At", "datetime", read_only=True),
    )
    own = (
        Field(number, kept.name, kept.display_name, kept.data_type, description=kept.description)
        for number, kept in enumerate(version.fields.values(), start=4)
    )
    return Fields((*system, *own))


class CustomObjects:
    """The custom object types of an instance, by API name."""

    def __init__(self) -> None:
        self._by_name: dict[str, CustomObjectType] = {}
        self._last_id = 0

    def __iter__(self) -> Iterator[CustomObjectType]:
        return iter(self._by_name.values())

    def find(self, api_name: str) -> CustomObjectType | None:
        """Return a type in any state."""
        return self._by_name.get(api_name)

    def get(self, api_name: str) -> CustomObjectType:
        """Return a type in any state, or raise 1013."""
        kind = self.find(api_name)
        if kind is None:
            raise ApiError("1013", f"Object '{api_name}' not found")
        return kind

    def records(self, api_name: str) -> ObjectStore:
        """Return the records of an approved type, or raise 1013."""
        records = self.get(api_name).records
        if records is None:
            raise ApiError("1013", f"Object '{api_name}' not found")
        return records

    def add(self, api_name: str, draft: TypeVersion, now: float) -> CustomObjectType:
        """Create a type as a draft, or raise 1003."""
        check_name(api_name)
        if len(self._by_name) >= MOST_TYPES:
            raise ApiError("1003", f"Limit of {MOST_TYPES} custom object types reached")
        self._last_id += 1
        kind = self._by_name[api_name] = CustomObjectType(self._last_id, api_name, now, now, draft=draft)
        return kind

    def dependents(self, kind: CustomObjectType) -> list[DependentAsset]:
        """Return the uses of a type: assets, and types that link to it."""
        linked = [
            DependentAsset("Custom Object", other.id, other.api_name, tuple(used))
            for other in self
            if (
                used := dict.fromkeys(
                    link.name for link in _links(other) if (link.related_to or ("",))[0] == kind.api_name
                )
            )
        ]
        return [*kind.dependents, *linked]

    def remove(self, kind: CustomObjectType) -> None:
        """Delete a type with all its records, or raise 1022 if it is used."""
        if self.dependents(kind):
            raise ApiError("1022", f"Object '{kind.api_name}' is in use")
        del self._by_name[kind.api_name]


def _links(kind: CustomObjectType) -> list[TypeField]:
    return [link for version in (kind.live, kind.draft) if version is not None for link in version.links]
