"""The description of a kind of object: its fields, the identifying fields, and the searchable fields.

Standard objects have a fixed description; a custom object type gets a new one at each approval.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Literal
from uuid import UUID

from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.records.lead_fields import Field, Fields

GUID = "marketoGUID"

State = Literal["draft", "approved", "approvedWithDraft"]
Version = Literal["draft", "approved"]


@dataclass(frozen=True, slots=True)
class Relationship:
    """A field that links a record to a record of another object."""

    field: str
    object_name: str
    object_field: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectDescription:
    """One kind of object, as in its describe operation."""

    name: str
    display_name: str
    plural_name: str
    fields: Fields
    dedupe_fields: tuple[str, ...]
    searchable: tuple[tuple[str, ...], ...]
    created_at: float
    updated_at: float
    id_field: str = GUID
    description: str = ""
    relationships: tuple[Relationship, ...] = ()
    state: State = "approved"
    version: Version = "approved"
    defaults: Mapping[str, object] = field(default_factory=dict)
    """Values of a new record that its writer can't set."""
    all_by_default: bool = False
    """Whether a query without fields answers all fields with a value, instead of the usual few."""

    @property
    def default_fields(self) -> tuple[str, ...]:
        """The fields of a row if a query names none."""
        return tuple(dict.fromkeys((self.id_field, *self.dedupe_fields, "createdAt", "updatedAt")))

    def find_field(self, name: str) -> Field | None:
        """Return a field by its name in any case: describe and write operations use different cases."""
        exact = self.fields.find(name)
        if exact is not None:
            return exact
        return next((known for known in self.fields if known.name.casefold() == name.casefold()), None)

    def field(self, name: str) -> Field:
        """Return a field, or raise 1006."""
        found = self.find_field(name)
        if found is None:
            raise ApiError("1006", f"Field '{name}' not found")
        return found

    def filter_fields(self, filter_type: str) -> tuple[str, ...]:
        """Return the fields of a filter type, or raise 1006 or 1011."""
        if filter_type in ("idField", "idFields"):
            return (self.id_field,)
        if filter_type == "dedupeFields":
            return self.dedupe_fields
        found = self.field(filter_type)
        if (found.name,) not in self.searchable and not (found.custom and found.searchable):
            raise ApiError("1011", f"Field '{filter_type}' is not supported as a lookup or filter field")
        return (found.name,)

    def id_of(self, number: int) -> int | str:
        """Return the id of a record by its number: the number itself, or a fixed GUID for it."""
        if self.id_field != GUID:
            return number
        return str(UUID(bytes=blake2b(f"{self.name}:{number}".encode(), digest_size=16).digest()))


def described_fields(
    table: Iterable[tuple[str, str, str]], *, read_only: Iterable[str], custom: Iterable[tuple[str, str, str]] = ()
) -> Fields:
    """Return fields from tuples of name, display name and data type."""
    locked = frozenset(read_only)
    fields = Fields(
        Field(number, name, display_name, data_type, read_only=name in locked)
        for number, (name, display_name, data_type) in enumerate(table, start=1)
    )
    for name, display_name, data_type in custom:
        fields.add_custom(name, display_name, data_type)
    return fields
