"""``marketo.static_lists``: static lists as assets in folders. See ``lists`` for their members."""

from __future__ import annotations

from marketo_async.models.static_lists import StaticListAsset
from marketo_async.resources.mixins import BrowseRecent, ByName, Create, DeleteAsset, Get, Update


class StaticLists(
    Get[StaticListAsset],
    ByName[StaticListAsset],
    BrowseRecent[StaticListAsset],
    Create[StaticListAsset],
    Update[StaticListAsset],
    DeleteAsset,
):
    """Static lists as assets; one that an import, an export or another asset uses can't be deleted.

    See https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/assets/static-lists
    """

    name, area, root = "static_lists", "Assets", "/rest/asset/v1/staticList"
    model = StaticListAsset
