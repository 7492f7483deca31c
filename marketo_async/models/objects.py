"""What describe calls tell of record types: companies, opportunities, named accounts, custom objects and others.

The records themselves are ``Record`` or the caller's own Struct. Not here: leads (``models.leads``), and what is sent
to make a custom object type (``models.custom_object_types``).
"""

from __future__ import annotations

from msgspec import Struct, field

from marketo_async.models.leads import FieldSummary
from marketo_async.models.moment import Moment
from marketo_async.models.records import Reason, RecordResult
from marketo_async.models.spellings import unify


class RelatedObject(Struct, frozen=True, kw_only=True):
    """The object, and the field of it, that a link points to."""

    name: str | None = None
    field: str | None = None


class Relationship(Struct, frozen=True, kw_only=True, rename="camel"):
    """A field that links one kind of record to another."""

    field: str | None = None
    type: str | None = None
    related_to: RelatedObject | None = None
    object: RelatedObject | None = None

    @property
    def target(self) -> RelatedObject | None:
        """What the link points to, by whichever of its two names it came."""
        return self.related_to or self.object


class ObjectDescription(Struct, frozen=True, kw_only=True, rename="camel"):
    """A record type: its fields, what identifies a record, and what can be searched by.

    Describe calls send the name of the type as ``name``, schema calls as ``apiName``; either member has it.
    """

    api_name: str | None = None
    name: str | None = None
    display_name: str | None = None
    plural_name: str | None = None
    description: str | None = None
    id_field: str | None = None
    dedupe_fields: list[str] = []
    searchable_fields: list[list[str]] = []
    fields: list[FieldSummary] = []
    relationships: list[Relationship] = []
    state: str | None = None
    version: str | None = None
    created_at: Moment | None = None
    updated_at: Moment | None = None

    def __post_init__(self) -> None:
        unify(self, "api_name", "name")


class Deletion(Struct, frozen=True, kw_only=True, rename="camel"):
    """What became of a record to delete, as it comes: of two named accounts, one may be told by a GUID named ``id``."""

    id: int | str | None = None
    marketo_guid: str | None = field(default=None, name="marketoGUID")
    seq: int | None = None
    status: str | None = None
    reasons: list[Reason] = []

    @property
    def result(self) -> RecordResult:
        """The same, with a GUID in its place."""
        number, guid = (None, self.id) if isinstance(self.id, str) else (self.id, self.marketo_guid)
        return RecordResult(id=number, marketo_guid=guid, seq=self.seq, status=self.status, reasons=self.reasons)


class NamedAccountList(Struct, frozen=True, kw_only=True, rename="camel"):
    """A list of named accounts; ``type`` is ``default``, or ``external`` for one that the CRM keeps."""

    marketo_guid: str = field(name="marketoGUID")
    name: str | None = None
    type: str | None = None
    updateable: bool | None = None
    created_at: Moment | None = None
    updated_at: Moment | None = None
    seq: int | None = None
