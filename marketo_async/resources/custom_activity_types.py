"""``marketo.custom_activity_types``: the types of custom activities, with drafts and approval."""

from __future__ import annotations

from collections.abc import Iterable

from marketo_async.models.activities import CustomActivityType, NewActivityType, NewAttribute
from marketo_async.operation import Plan, Repeat, many, one
from marketo_async.resources.arguments import within
from marketo_async.resources.base import Resource
from marketo_async.resources.descriptors import endpoint

_ATTRIBUTES = 20
_TYPE = "/rest/v1/activities/external/type/{apiName}"


class CustomActivityTypes(Resource):
    """Custom activity types, at most ten per instance; a type has at most 20 attributes besides its primary one.

    Changes go to a draft, which ``approve`` publishes and ``discard_draft`` drops. See
    https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/activities
    """

    name, area = "custom_activity_types", "Activity Metadata"

    @endpoint("GET", "/rest/v1/activities/external/types.json", timeout=30)
    def browse(self) -> Plan[list[CustomActivityType]]:
        """Return all custom types."""
        return many(CustomActivityType)

    @endpoint("GET", _TYPE + "/describe.json", timeout=30)
    def describe(self, api_name: str, *, draft: bool | None = None) -> Plan[CustomActivityType]:
        """Return one type with its attributes: the approved version, or the draft with ``draft``."""
        return one(CustomActivityType, path={"apiName": api_name}, query={"draft": draft})

    @endpoint("POST", "/rest/v1/activities/external/type.json", repeat=Repeat.SETTLES, timeout=30)
    def create(self, new: NewActivityType) -> Plan[CustomActivityType]:
        """Create a type as a draft."""
        return one(CustomActivityType, json=new)

    @endpoint("POST", _TYPE + ".json", repeat=Repeat.SAFE, timeout=30)
    def update(self, api_name: str, change: NewActivityType) -> Plan[CustomActivityType]:
        """Change the draft of a type; pass all five names again."""
        return one(CustomActivityType, path={"apiName": api_name}, json=change)

    @endpoint("POST", _TYPE + "/approve.json", repeat=Repeat.SETTLES, timeout=30)
    def approve(self, api_name: str) -> Plan[CustomActivityType]:
        """Publish the draft of a type."""
        return one(CustomActivityType, path={"apiName": api_name})

    @endpoint("POST", _TYPE + "/discardDraft.json", repeat=Repeat.SETTLES, timeout=30)
    def discard_draft(self, api_name: str) -> Plan[CustomActivityType]:
        """Drop the draft of a type."""
        return one(CustomActivityType, path={"apiName": api_name})

    @endpoint("POST", _TYPE + "/delete.json", repeat=Repeat.SETTLES, proof=("1013",), timeout=30)
    def delete(self, api_name: str) -> Plan[CustomActivityType]:
        """Delete a type that is not in use (1022 otherwise); this can't be undone."""
        return one(CustomActivityType, path={"apiName": api_name})

    @endpoint("POST", _TYPE + "/attributes/create.json", repeat=Repeat.SETTLES, timeout=30)
    def create_attributes(self, api_name: str, attributes: Iterable[NewAttribute]) -> Plan[CustomActivityType]:
        """Add attributes to the draft of a type."""
        body = {"attributes": within("attributes", attributes, _ATTRIBUTES)}
        return one(CustomActivityType, path={"apiName": api_name}, json=body)

    @endpoint("POST", _TYPE + "/attributes/update.json", repeat=Repeat.SAFE, timeout=30)
    def update_attributes(self, api_name: str, attributes: Iterable[NewAttribute]) -> Plan[CustomActivityType]:
        """Change attributes of the draft of a type, found by their ``api_name``."""
        body = {"attributes": within("attributes", attributes, _ATTRIBUTES)}
        return one(CustomActivityType, path={"apiName": api_name}, json=body)

    @endpoint("POST", _TYPE + "/attributes/delete.json", repeat=Repeat.SETTLES, timeout=30)
    def delete_attributes(self, api_name: str, attributes: Iterable[str]) -> Plan[CustomActivityType]:
        """Drop attributes, by their API names, from the draft of a type."""
        named = [{"apiName": name} for name in within("attributes", attributes, _ATTRIBUTES)]
        return one(CustomActivityType, path={"apiName": api_name}, json={"attributes": named})
