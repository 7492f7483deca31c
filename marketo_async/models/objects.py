"""Descriptions of record types: companies, opportunities, named accounts, custom objects and others.

Their records are ``Record`` or the caller's own Struct. See ``models.leads`` for leads, and
``models.custom_object_types`` for requests to create a custom object type.
"""

from __future__ import annotations

from msgspec import Struct, field

from marketo_async.models.leads import FieldSummary
from marketo_async.models.moment import Moment
from marketo_async.models.records import Reason, RecordResult
from marketo_async.models.spellings import unify


class RelatedObject(Struct, frozen=True, kw_only=True):
    """The object, and its field, that a link points to."""

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
        """The target of the link, under either of its two names."""
        return self.related_to or self.object


class ObjectDescription(Struct, frozen=True, kw_only=True, rename="camel"):
    """A record type: its fields, those that identify a record, and the searchable ones.

    Describe calls send the name of the type as ``name``, schema calls as ``apiName``; both members have it.
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
    """The result of one deletion as Marketo sends it: the GUID of a named account may be in ``id``."""

    id: int | str | None = None
    marketo_guid: str | None = field(default=None, name="marketoGUID")
    seq: int | None = None
    status: str | None = None
    reasons: list[Reason] = []

    @property
    def result(self) -> RecordResult:
        """The same result, with a GUID in ``marketo_guid``."""
        number, guid = (None, self.id) if isinstance(self.id, str) else (self.id, self.marketo_guid)
        return RecordResult(id=number, marketo_guid=guid, seq=self.seq, status=self.status, reasons=self.reasons)


class NamedAccountList(Struct, frozen=True, kw_only=True, rename="camel"):
    """A list of named accounts; ``type`` is ``default``, or ``external`` for a list that the CRM manages."""

    marketo_guid: str = field(name="marketoGUID")
    name: str | None = None
    type: str | None = None
    updateable: bool | None = None
    created_at: Moment | None = None
    updated_at: Moment | None = None
    seq: int | None = None
