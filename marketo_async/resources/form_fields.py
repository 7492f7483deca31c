"""``marketo.form_fields``: the fields of a form, where they stand and when they show. Forms are ``marketo.forms``."""

from __future__ import annotations

from collections.abc import Iterable

from marketo_async.errors import InvalidRequest
from marketo_async.models.assets import AssetId, Version
from marketo_async.models.form_fields import (
    AvailableField,
    FieldPosition,
    FieldSettings,
    FormField,
    NewVisibilityRule,
    RuleType,
    VisibilityRules,
)
from marketo_async.operation import Page, Paging, Plan, Repeat, many, one, page
from marketo_async.resources.arguments import within
from marketo_async.resources.base import Resource
from marketo_async.resources.descriptors import endpoint, paged
from marketo_async.resources.mixins import distinct, form_members, html_part

_RICH_TEXT = 65_535  # bytes


class FormFields(Resource):
    """Fields of forms. Their ids are text, like ``FirstName``; changes go to the form's draft."""

    name, area, root = "form_fields", "Assets", "/rest/asset/v1/form"

    @paged("{root}/fields.json", rule=Paging.OFFSET)
    def lead_fields(self, *, token: str | None = None) -> Plan[Page[AvailableField]]:
        """Iterate the lead fields that forms can have."""
        return page(AvailableField, token=token, sift=distinct(AvailableField))

    @paged("{root}/programMemberFields.json", rule=Paging.OFFSET)
    def program_member_fields(self, *, token: str | None = None) -> Plan[Page[AvailableField]]:
        """Iterate the program member fields that forms can have, if they stand in a program."""
        return page(AvailableField, token=token, sift=distinct(AvailableField))

    @endpoint("GET", "{root}/{id}/fields.json")
    def browse(self, form_id: int, *, status: Version | None = None) -> Plan[list[FormField]]:
        """Return the fields of a form."""
        return many(FormField, path={"id": form_id}, query={"status": status})

    @endpoint("POST", "{root}/{id}/fields.json", repeat=Repeat.SETTLES)
    def add(self, form_id: int, field_id: str, *, settings: FieldSettings | None = None) -> Plan[FormField]:
        """Add a field to a form, which has it at most once."""
        return one(FormField, path={"id": form_id}, form={"fieldId": field_id, **form_members(settings)})

    @endpoint("POST", "{root}/{id}/field/{fieldId}.json", repeat=Repeat.SAFE)
    def update(self, form_id: int, field_id: str, settings: FieldSettings) -> Plan[FormField]:
        """Change how a field is on a form."""
        return one(FormField, path={"id": form_id, "fieldId": field_id}, form=form_members(settings))

    @endpoint("POST", "{root}/{id}/field/{fieldId}/delete.json", repeat=Repeat.SETTLES)
    def delete(self, form_id: int, field_id: str) -> Plan[AssetId]:
        """Take a field off a form."""
        return one(AssetId, path={"id": form_id, "fieldId": field_id})

    @endpoint("POST", "{root}/{formId}/field/{fieldId}/visibility.json", repeat=Repeat.SAFE)
    def update_visibility(
        self, form_id: int, field_id: str, rule_type: RuleType, rules: Iterable[NewVisibilityRule] = ()
    ) -> Plan[VisibilityRules]:
        """Replace all rules of when a field shows; the first one that matches counts."""
        form = {"visibilityRule": {"ruleType": rule_type, "rules": list(rules)}}
        return one(VisibilityRules, path={"formId": form_id, "fieldId": field_id}, form=form)

    @endpoint("POST", "{root}/{id}/reArrange.json", repeat=Repeat.SAFE)
    def rearrange(self, form_id: int, positions: Iterable[FieldPosition]) -> Plan[AssetId]:
        """Put all fields of a form in their places: every field must be there, and no place taken twice."""
        return one(AssetId, path={"id": form_id}, form={"positions": within("positions", positions)})

    @endpoint("POST", "{root}/{id}/richText.json")
    def add_rich_text(self, form_id: int, text: str) -> Plan[FormField]:
        """Add a rich text of at most 65,535 bytes, without scripts, meta and links; never repeated by itself."""
        if len(text.encode()) > _RICH_TEXT:
            raise InvalidRequest(f"text: {len(text.encode()):,} bytes given, a rich text has at most {_RICH_TEXT:,}")
        return one(FormField, path={"id": form_id}, files=html_part("text", text))

    @endpoint("POST", "{root}/{id}/fieldSet.json")
    def add_fieldset(self, form_id: int, label: str) -> Plan[FormField]:
        """Add an empty fieldset, which ``rearrange`` fills; never repeated by itself."""
        return one(FormField, path={"id": form_id}, form={"label": label})

    @endpoint("POST", "{root}/{id}/fieldSet/{fieldSetId}/field/{fieldId}/delete.json", repeat=Repeat.SETTLES)
    def delete_from_fieldset(self, form_id: int, fieldset_id: str, field_id: str) -> Plan[AssetId]:
        """Take a field out of a fieldset and off the form."""
        return one(AssetId, path={"id": form_id, "fieldSetId": fieldset_id, "fieldId": field_id})
