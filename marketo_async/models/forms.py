"""Forms and their follow-up pages. See ``form_fields`` for their fields."""

from __future__ import annotations

from msgspec import Struct, field

from marketo_async.models.assets import DesignedAsset


class KnownVisitor(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The content for a known visitor: the ``form``, or a custom ``template``."""

    type: str | None = None
    template: str | None = None


class FollowUp(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Where a form leads: ``lp`` and the id of a landing page, or ``url``; Marketo also returns ``none``.

    A rule compares a field with values; the ``default`` rule has neither field nor values.
    """

    followup_type: str
    followup_value: int | str | None = None
    default: bool | None = None
    subject_field: str | None = None
    operator: str | None = None
    values: list[str] = []


class ThankYouPage(Struct, frozen=True, kw_only=True, rename="camel"):
    """The follow-up rules of a form."""

    id: int | None = None
    thank_you_list: list[FollowUp] = []


class Form(DesignedAsset, frozen=True, kw_only=True, rename="camel"):
    """A form without its fields."""

    url: str | None = None
    theme: str | None = None
    language: str | None = None
    locale: str | None = None
    progressive_profiling: bool | None = None
    label_position: str | None = None
    font_family: str | None = None
    font_size: str | None = None
    known_visitor: KnownVisitor | None = None
    thank_you_list: list[FollowUp] = field(default_factory=list)
    button_location: int | None = None
    button_label: str | None = None
    waiting_label: str | None = None
