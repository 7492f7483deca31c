"""``marketo.snippets``: pieces of content that emails and landing pages share."""

from __future__ import annotations

from typing import Literal

from marketo_async.models.assets import AssetId, DynamicContent, Version
from marketo_async.models.snippets import Snippet, SnippetContent, SnippetType
from marketo_async.operation import Plan, Repeat, first, many, one
from marketo_async.resources.base import endpoint
from marketo_async.resources.mixins import BrowseVersion, Clone, Create, DeleteAsset, Drafts, GetVersion


class Snippets(GetVersion[Snippet], BrowseVersion[Snippet], Create[Snippet], Drafts, Clone[Snippet], DeleteAsset):
    """Snippets. They are created empty, and can't be found by name.

    See https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/assets/snippets
    """

    name, area, root = "snippets", "Assets", "/rest/asset/v1/snippet"
    model = Snippet

    @endpoint("POST", "{root}/{id}.json", repeat=Repeat.SAFE)
    def update(
        self, id: int, *, name: str | None = None, description: str | None = None, is_archive: bool | None = None
    ) -> Plan[Snippet]:
        """Change the metadata of a snippet; this does not create a draft."""
        return one(Snippet, path={"id": id}, form={"name": name, "description": description, "isArchive": is_archive})

    @endpoint("GET", "{root}/{id}/content.json")
    def content(self, id: int, *, status: Version | None = None) -> Plan[list[SnippetContent]]:
        """Return the content of a snippet, as HTML and as text."""
        return many(SnippetContent, path={"id": id}, query={"status": status})

    @endpoint("POST", "{root}/{id}/content.json", repeat=Repeat.SAFE)
    def update_content(self, id: int, type: SnippetType, content: str | int) -> Plan[AssetId]:
        """Replace the HTML or the text of a snippet, or make it dynamic with the id of a segmentation."""
        return one(AssetId, path={"id": id}, form={"type": type, "content": content})

    @endpoint("GET", "{root}/{id}/dynamicContent.json")
    def dynamic_content(self, id: int, *, status: Version | None = None) -> Plan[DynamicContent | None]:
        """Return the variants of a dynamic snippet, or ``None`` if there are none."""
        return first(DynamicContent, path={"id": id}, query={"status": status})

    @endpoint("POST", "{root}/{id}/dynamicContent/{segmentId}.json", repeat=Repeat.SAFE)
    def update_dynamic_content(
        self, id: int, segment_id: int, *, type: Literal["HTML", "Text"] | None = None, value: str | None = None
    ) -> Plan[AssetId]:
        """Set the content for one segment, given by its id."""
        return one(AssetId, path={"id": id, "segmentId": segment_id}, form={"type": type, "value": value})
