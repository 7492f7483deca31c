"""``marketo.form_fields``: the fields of a form, their places and visibility. See ``forms`` for the forms."""

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
    """Fields of forms. Their ids are text, like ``FirstName``; changes go to the form's draft.

    See https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/assets/forms
    """

    name, area, root = "form_fields", "Assets", "/rest/asset/v1/form"

    @paged("{root}/fields.json", rule=Paging.OFFSET)
    def lead_fields(self, *, token: str | None = None) -> Plan[Page[AvailableField]]:
        """Iterate the lead fields that a form can have."""
        return page(AvailableField, token=token, sift=distinct(AvailableField))

    @paged("{root}/programMemberFields.json", rule=Paging.OFFSET)
    def program_member_fields(self, *, token: str | None = None) -> Plan[Page[AvailableField]]:
        """Iterate the program member fields that a form in a program can have."""
        return page(AvailableField, token=token, sift=distinct(AvailableField))

    @endpoint("GET", "{root}/{id}/fields.json")
    def browse(self, form_id: int, *, status: Version | None = None) -> Plan[list[FormField]]:
        """Return the fields of a form."""
        return many(FormField, path={"id": form_id}, query={"status": status})

    @endpoint("POST", "{root}/{id}/fields.json", repeat=Repeat.SETTLES)
    def add(self, form_id: int, field_id: str, *, settings: FieldSettings | None = None) -> Plan[FormField]:
        """Add a field to a form; a form has each field at most once."""
        return one(FormField, path={"id": form_id}, form={"fieldId": field_id, **form_members(settings)})

    @endpoint("POST", "{root}/{id}/field/{fieldId}.json", repeat=Repeat.SAFE)
    def update(self, form_id: int, field_id: str, settings: FieldSettings) -> Plan[FormField]:
        """Change the settings of a field on a form."""
        return one(FormField, path={"id": form_id, "fieldId": field_id}, form=form_members(settings))

    @endpoint("POST", "{root}/{id}/field/{fieldId}/delete.json", repeat=Repeat.SETTLES)
    def delete(self, form_id: int, field_id: str) -> Plan[AssetId]:
        """Remove a field from a form."""
        return one(AssetId, path={"id": form_id, "fieldId": field_id})

    @endpoint("POST", "{root}/{formId}/field/{fieldId}/visibility.json", repeat=Repeat.SAFE)
    def update_visibility(
        self, form_id: int, field_id: str, rule_type: RuleType, rules: Iterable[NewVisibilityRule] = ()
    ) -> Plan[VisibilityRules]:
        """Replace all visibility rules of a field; the first rule that matches applies."""
        form = {"visibilityRule": {"ruleType": rule_type, "rules": list(rules)}}
        return one(VisibilityRules, path={"formId": form_id, "fieldId": field_id}, form=form)

    @endpoint("POST", "{root}/{id}/reArrange.json", repeat=Repeat.SAFE)
    def rearrange(self, form_id: int, positions: Iterable[FieldPosition]) -> Plan[AssetId]:
        """Set the places of all fields of a form; name every field, and use each place once."""
        return one(AssetId, path={"id": form_id}, form={"positions": within("positions", positions)})

    @endpoint("POST", "{root}/{id}/richText.json")
    def add_rich_text(self, form_id: int, text: str) -> Plan[FormField]:
        """Add rich text of at most 65,535 bytes, without script, meta or link tags; never retried automatically."""
        if len(text.encode()) > _RICH_TEXT:
            raise InvalidRequest(f"text has {len(text.encode()):,} bytes; shorten it to at most {_RICH_TEXT:,}")
        return one(FormField, path={"id": form_id}, files=html_part("text", text))

    @endpoint("POST", "{root}/{id}/fieldSet.json")
    def add_fieldset(self, form_id: int, label: str) -> Plan[FormField]:
        """Add an empty fieldset, which ``rearrange`` fills; never retried automatically."""
        return one(FormField, path={"id": form_id}, form={"label": label})

    @endpoint("POST", "{root}/{id}/fieldSet/{fieldSetId}/field/{fieldId}/delete.json", repeat=Repeat.SETTLES)
    def delete_from_fieldset(self, form_id: int, fieldset_id: str, field_id: str) -> Plan[AssetId]:
        """Remove a field from a fieldset and from the form."""
        return one(AssetId, path={"id": form_id, "fieldSetId": fieldset_id, "fieldId": field_id})
