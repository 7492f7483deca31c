"""``marketo.smart_lists``: smart lists that users made, and their rules."""

from __future__ import annotations

from marketo_async.models.smart_lists import SmartList
from marketo_async.operation import Plan, first
from marketo_async.resources.base import endpoint
from marketo_async.resources.mixins import BrowseRecent, ByName, Clone, DeleteAsset


class SmartLists(BrowseRecent[SmartList], ByName[SmartList], Clone[SmartList], DeleteAsset):
    """Smart lists that users made, without those of the system; their rules are read-only.

    See https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/assets/smart-lists
    """

    name, area, root = "smart_lists", "Assets", "/rest/asset/v1/smartList"
    model = SmartList

    @endpoint("GET", "{root}/{id}.json")
    def get(self, id: int, *, include_rules: bool | None = None) -> Plan[SmartList | None]:
        """Return the smart list with this id, or ``None`` if there is none, with its rules on request."""
        return first(SmartList, path={"id": id}, query={"includeRules": include_rules})
