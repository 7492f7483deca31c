"""``marketo.landing_page_content``: the sections of landing pages. See ``landing_pages`` for the pages."""

from __future__ import annotations

from typing import Literal

from marketo_async.models.assets import AssetId, DynamicContent, Version
from marketo_async.models.landing_pages import PageSection, SectionLayout
from marketo_async.operation import Plan, Repeat, first, many, one
from marketo_async.resources.base import Resource
from marketo_async.resources.descriptors import endpoint
from marketo_async.resources.mixins import form_members

NewSectionType = Literal["Form", "HTML", "Image", "Rectangle", "RichText", "Snippet"]
PageSectionType = NewSectionType | Literal["DynamicContent"]


class LandingPageContent(Resource):
    """Sections of pages: predefined on guided pages, added on free-form pages. Changes go to the draft.

    The content of a section is markup, or the id of a form, an image or a snippet; a rectangle has none.
    See https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/assets/landing-pages
    """

    name, area, root = "landing_page_content", "Assets", "/rest/asset/v1/landingPage"

    @endpoint("GET", "{root}/{id}/content.json")
    def browse(self, page_id: int, *, status: Version | None = None) -> Plan[list[PageSection]]:
        """Return the sections of a page."""
        return many(PageSection, path={"id": page_id}, query={"status": status})

    @endpoint("POST", "{root}/{id}/content.json", repeat=Repeat.SETTLES)
    def add(
        self,
        page_id: int,
        content_id: str,
        type: NewSectionType,
        *,
        value: str | int | None = None,
        layout: SectionLayout | None = None,
    ) -> Plan[AssetId]:
        """Add a section under an id that you choose."""
        form = {"contentId": content_id, "type": type, "value": value, **form_members(layout)}
        return one(AssetId, path={"id": page_id}, form=form)

    @endpoint("POST", "{root}/{id}/content/{contentId}.json", repeat=Repeat.SAFE)
    def update(
        self,
        page_id: int,
        content_id: str | int,
        type: PageSectionType,
        *,
        value: str | int | None = None,
        index: int | None = None,
        layout: SectionLayout | None = None,
    ) -> Plan[AssetId]:
        """Change a section; ``DynamicContent`` and a segmentation's id give every segment its own copy."""
        form = {"type": type, "value": value, "index": index, **form_members(layout)}
        return one(AssetId, path={"id": page_id, "contentId": content_id}, form=form)

    @endpoint("POST", "{root}/{id}/content/{contentId}/delete.json", repeat=Repeat.SETTLES)
    def delete(self, page_id: int, content_id: str | int) -> Plan[AssetId]:
        """Remove a section from a page."""
        return one(AssetId, path={"id": page_id, "contentId": content_id})

    @endpoint("GET", "{root}/{id}/dynamicContent/{contentId}.json")
    def dynamic_content(self, page_id: int, content_id: str) -> Plan[DynamicContent | None]:
        """Return the variants of a dynamic section, or ``None`` if there are none.

        ``content_id`` is the section's content.
        """
        return first(DynamicContent, path={"id": page_id, "contentId": content_id})

    @endpoint("POST", "{root}/{id}/dynamicContent/{contentId}.json", repeat=Repeat.SAFE)
    def update_dynamic_content(
        self,
        page_id: int,
        content_id: str,
        segment: str,
        *,
        type: str | None = None,
        value: str | int | None = None,
        layout: SectionLayout | None = None,
    ) -> Plan[AssetId]:
        """Set the content for one segment, given by its name."""
        form = {"segment": segment, "type": type, "value": value, **form_members(layout)}
        return one(AssetId, path={"id": page_id, "contentId": content_id}, form=form)
