"""The fields of forms: their own ids, and the input kind for each data type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from marketo_async.sandbox.records.lead_fields import Field, Fields

_INPUTS: Mapping[str, str] = {
    "boolean": "checkbox",
    "currency": "number",
    "date": "date",
    "datetime": "date",
    "email": "email",
    "float": "number",
    "integer": "number",
    "percent": "number",
    "phone": "telephone",
    "score": "number",
    "text": "textArea",
    "url": "url",
}


def form_field_id(field: Field) -> str:
    """Return the id of a field in forms, which starts with a capital letter."""
    return field.name[0].upper() + field.name[1:]


def form_field_type(field: Field) -> str:
    """Return the input kind of a field on a form."""
    return _INPUTS.get(field.data_type, "text")


def usable_fields(fields: Fields) -> Iterator[Field]:
    """Yield the fields that people may fill in."""
    return (field for field in fields if field.on_rest and not field.read_only and not field.hidden)


def find_form_field(fields: Fields, field_id: str) -> Field | None:
    """Return an available field by its id in forms."""
    return next((field for field in usable_fields(fields) if form_field_id(field) == field_id), None)
