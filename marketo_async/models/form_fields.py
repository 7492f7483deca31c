"""The fields of forms: present ones, available ones, and their settings."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

RuleType = Literal["show", "hide", "alwaysShow"]


class PicklistValue(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One choice of a select list."""

    label: str | None = None
    value: str | None = None
    is_default: bool | None = None
    selected: bool | None = None


class VisibilityRule(Struct, frozen=True, kw_only=True, rename="camel"):
    """One condition on another field."""

    subject_field: str | None = None
    operator: str | None = None
    values: list[str] = []
    alt_label: str | None = None
    picklist_filter_values: list[PicklistValue] = []


class VisibilityRules(Struct, frozen=True, kw_only=True, rename="camel"):
    """The conditions under which a field is visible; the first rule that matches applies."""

    rule_type: str | None = None
    rules: list[VisibilityRule] = []
    form_field_id: str | None = None


class FormField(Struct, frozen=True, kw_only=True, rename="camel"):
    """A field of a form, or a rich text or a fieldset in it; ids are text, like ``FirstName``."""

    id: str
    label: str | None = None
    data_type: str | None = None
    default_value: str | None = None
    validation_message: Any = None
    row_number: int | None = None
    column_number: int | None = None
    max_length: int | None = None
    required: bool | None = None
    form_prefill: bool | None = None
    is_sensitive: bool | None = None
    field_width: int | None = None
    label_width: int | None = None
    hint_text: str | None = None
    instructions: str | None = None
    text: str | None = None
    blank_fields: int | None = None
    fields: list[str] = []
    field_meta_data: Any = None
    visibility_rules: VisibilityRules | None = None


class AvailableField(Struct, frozen=True, kw_only=True, rename="camel"):
    """A field that a form can have, with its default settings."""

    id: str
    data_type: str | None = None
    is_required: bool | None = None
    max_length: int | None = None
    default_value: str | None = None
    description: str | None = None
    field_mask_values: str | None = None
    field_width: int | None = None
    initially_checked: bool | None = None
    is_label_to_right: bool | None = None
    is_multiselect: bool | None = None
    is_sensitive: bool | None = None
    label_width: int | None = None
    maximum_number: float | None = None
    minimum_number: float | None = None
    picklist_values: str | None = None
    placeholder_text: str | None = None
    validation_message: str | None = None
    visible_rows: int | None = None


class FieldSettings(Struct, kw_only=True, rename="camel", omit_defaults=True):
    """The settings of a field of a form; members that are ``None`` are not sent."""

    label: str | None = None
    field_type: str | None = None
    required: bool | None = None
    default_value: str | None = None
    hint_text: str | None = None
    instructions: str | None = None
    validation_message: str | None = None
    values: list[PicklistValue] | None = None
    max_length: int | None = None
    min_value: float | None = None
    max_value: float | None = None
    mask_input: str | None = None
    multi_select: bool | None = None
    visible_lines: int | None = None
    initially_checked: bool | None = None
    label_to_right: bool | None = None
    label_width: int | None = None
    field_width: int | None = None
    form_prefill: bool | None = None
    is_sensitive: bool | None = None
    blank_fields: int | None = None


class NewVisibilityRule(Struct, kw_only=True, rename="camel", omit_defaults=True):
    """A condition to set: an ``operator`` such as ``is``, ``isEmpty``, ``contains`` or ``between``, and its values."""

    subject_field: str
    operator: str
    values: list[str]
    alt_label: str | None = None
    pick_list_values: list[PicklistValue] | None = None


class FieldPosition(Struct, kw_only=True, rename="camel", omit_defaults=True):
    """The place of a field: 3 columns and 10 rows, counted from 0; ``field_list`` holds the fields of a fieldset."""

    field_name: str
    column_number: int
    row_number: int
    field_list: list[FieldPosition] | None = None
