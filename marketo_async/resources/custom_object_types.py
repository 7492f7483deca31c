"""``marketo.custom_object_types``: types of custom objects and their fields. See ``custom_objects`` for records.

A type starts as a draft, gets fields, and is approved; every edit makes a new draft. Approval freezes its name, links
and dedupe fields. 616 if the subscription does not include custom objects.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from marketo_async.models.custom_object_types import (
    DependentAsset,
    LinkableObject,
    NewObjectField,
    ObjectFieldChange,
)
from marketo_async.models.objects import ObjectDescription
from marketo_async.operation import Plan, Repeat, many, nothing, one
from marketo_async.resources.arguments import drop_none, within
from marketo_async.resources.base import Resource
from marketo_async.resources.descriptors import endpoint
from marketo_async.resources.record_mixins import SyncAction

TypeState = Literal["draft", "approved", "approvedWithDraft"]

_FIELDS = 50  # of one type
_ROOT = "/rest/v1/customobjects/schema"
_TYPE = _ROOT + "/{apiName}"


class CustomObjectTypes(Resource):
    """Types of custom objects, at most 10 per instance; a type is identified by its API name.

    See https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/custom-objects
    """

    name, area = "custom_object_types", "Custom Object Type"

    @endpoint("GET", _ROOT + ".json", timeout=30)
    def browse(
        self, *, names: Iterable[str] | None = None, state: TypeState | None = None
    ) -> Plan[list[ObjectDescription]]:
        """Return the types, drafts included, or only those with one of ``names`` or in a ``state``."""
        query = {"names": None if names is None else within("names", names), "state": state}
        return many(ObjectDescription, query=query)

    @endpoint("GET", _TYPE + "/describe.json", timeout=30)
    def describe(self, api_name: str, *, state: TypeState | None = None) -> Plan[ObjectDescription]:
        """Return one type; without ``state``, the approved version if there is one."""
        return one(ObjectDescription, path={"apiName": api_name}, query={"state": state})

    @endpoint("POST", _ROOT + ".json", repeat=Repeat.SAFE, timeout=30)
    def sync(
        self,
        api_name: str,
        display_name: str,
        *,
        action: SyncAction | None = None,
        plural_name: str | None = None,
        description: str | None = None,
        show_in_lead_detail: bool | None = None,
    ) -> Plan[None]:
        """Create a type as a draft, or change one; a type made here can't be edited in the web interface."""
        body = {
            "action": action,
            "apiName": api_name,
            "displayName": display_name,
            "pluralName": plural_name,
            "description": description,
            "showInLeadDetail": show_in_lead_detail,
        }
        return nothing(json=drop_none(body))

    @endpoint("POST", _TYPE + "/approve.json", repeat=Repeat.SETTLES, timeout=30)
    def approve(self, api_name: str) -> Plan[None]:
        """Replace the approved version with the draft; the draft needs at least one dedupe field."""
        return nothing(path={"apiName": api_name})

    @endpoint("POST", _TYPE + "/discardDraft.json", repeat=Repeat.SETTLES, timeout=30)
    def discard_draft(self, api_name: str) -> Plan[None]:
        """Drop the draft; raises `Conflict` (1048) if there is none."""
        return nothing(path={"apiName": api_name})

    @endpoint("POST", _TYPE + "/delete.json", repeat=Repeat.SETTLES, proof=("1013",), timeout=60)
    def delete(self, api_name: str) -> Plan[None]:
        """Delete a type and all its records for good; refused while it is in use (``used_by``)."""
        return nothing(path={"apiName": api_name})

    @endpoint("POST", _TYPE + "/addField.json", repeat=Repeat.SETTLES, timeout=30)
    def create_fields(self, api_name: str, fields: Iterable[NewObjectField]) -> Plan[None]:
        """Add fields to the draft: at most 50 per type, of which at most 20 after its first approval."""
        return nothing(path={"apiName": api_name}, json={"input": within("fields", fields, _FIELDS)})

    @endpoint("POST", _TYPE + "/{fieldApiName}/updateField.json", repeat=Repeat.SAFE, timeout=30)
    def update_field(self, api_name: str, field_name: str, change: ObjectFieldChange) -> Plan[None]:
        """Change a field of the draft."""
        return nothing(path={"apiName": api_name, "fieldApiName": field_name}, json=change)

    @endpoint("POST", _TYPE + "/deleteField.json", repeat=Repeat.SETTLES, timeout=30)
    def delete_fields(self, api_name: str, names: Iterable[str]) -> Plan[None]:
        """Remove fields from the draft."""
        fields = [{"name": name} for name in within("names", names, _FIELDS)]
        return nothing(path={"apiName": api_name}, json={"input": fields})

    @endpoint("GET", _ROOT + "/fieldDataTypes.json", timeout=30)
    def data_types(self) -> Plan[list[str]]:
        """Return the data types that a field can have."""
        return many(str)

    @endpoint("GET", _ROOT + "/linkableObjects.json", timeout=30)
    def linkable_objects(self) -> Plan[list[LinkableObject]]:
        """Return the objects, and their fields, that a link field can point to."""
        return many(LinkableObject)

    @endpoint("GET", _TYPE + "/dependentAssets.json", timeout=30)
    def used_by(self, api_name: str) -> Plan[list[DependentAsset]]:
        """Return the assets that use a type."""
        return many(DependentAsset, path={"apiName": api_name})
