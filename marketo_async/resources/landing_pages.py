"""``marketo.landing_pages``: landing pages, variables and previews. See ``landing_page_content`` for sections."""

from __future__ import annotations

from collections.abc import Sequence

from marketo_async.models.assets import Document, FolderId, Version
from marketo_async.models.landing_pages import LandingPage, PageVariable, SegmentChoice
from marketo_async.operation import Plan, Repeat, first, many, one
from marketo_async.resources.base import endpoint
from marketo_async.resources.mixins import BrowseFolder, ByNameVersion, DeleteAsset, Drafts, GetVersion, as_json


class LandingPages(GetVersion[LandingPage], ByNameVersion[LandingPage], BrowseFolder[LandingPage], Drafts, DeleteAsset):
    """Landing pages. One with social buttons can't be deleted here, nor unapproved while a form leads to it.

    See https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/assets/landing-pages
    """

    name, area, root = "landing_pages", "Assets", "/rest/asset/v1/landingPage"
    model = LandingPage

    @endpoint("POST", "{root}s.json", repeat=Repeat.SETTLES)
    def create(  # noqa: PLR0913 - as many as Marketo takes
        self,
        name: str,
        folder: FolderId,
        template: int,
        *,
        description: str | None = None,
        title: str | None = None,
        keywords: str | None = None,
        robots: str | None = None,
        custom_head_html: str | None = None,
        facebook_og_tags: str | None = None,
        mobile_enabled: bool | None = None,
        prefill_form: bool | None = None,
        url_page_name: str | None = None,
        workspace: str | None = None,
    ) -> Plan[LandingPage]:
        """Create a page from a template, as a draft; its name must be unique in the folder (709 otherwise)."""
        form = {
            "name": name,
            "folder": folder,
            "template": template,
            "description": description,
            "title": title,
            "keywords": keywords,
            "robots": robots,
            "customHeadHTML": custom_head_html,
            "facebookOgTags": facebook_og_tags,
            "mobileEnabled": mobile_enabled,
            "prefillForm": prefill_form,
            "urlPageName": url_page_name,
            "workspace": workspace,
        }
        return one(LandingPage, form=form)

    @endpoint("POST", "{root}/{id}.json", repeat=Repeat.SAFE)
    def update(
        self,
        id: int,
        *,
        name: str | None = None,
        description: str | None = None,
        title: str | None = None,
        keywords: str | None = None,
        robots: str | None = None,
        custom_head_html: str | None = None,
        facebook_og_tags: str | None = None,
        meta_tags_description: str | None = None,
        mobile_enabled: bool | None = None,
        style_override: str | None = None,
        url_page_name: str | None = None,
    ) -> Plan[LandingPage]:
        """Change the metadata of a page and the contents of its head."""
        form = {
            "name": name,
            "description": description,
            "title": title,
            "keywords": keywords,
            "robots": robots,
            "customHeadHTML": custom_head_html,
            "facebookOgTags": facebook_og_tags,
            "metaTagsDescription": meta_tags_description,
            "mobileEnabled": mobile_enabled,
            "styleOverRide": style_override,
            "urlPageName": url_page_name,
        }
        return one(LandingPage, path={"id": id}, form=form)

    @endpoint("POST", "{root}/{id}/clone.json")
    def clone(
        self, id: int, name: str, folder: FolderId, *, description: str | None = None, template: int | None = None
    ) -> Plan[LandingPage]:
        """Copy a page, on another template if one is given; never retried automatically."""
        form = {"name": name, "folder": folder, "description": description, "template": template}
        return one(LandingPage, path={"id": id}, form=form)

    @endpoint("GET", "{root}/{id}/fullContent.json")
    def full_content(
        self, id: int, *, lead_id: int | None = None, segments: Sequence[SegmentChoice] | None = None
    ) -> Plan[Document | None]:
        """Return the HTML of a page as a lead, or a visitor in ``segments``, sees it, or ``None`` if there is none."""
        return first(Document, path={"id": id}, query={"leadId": lead_id, "segmentation": as_json(segments)})

    @endpoint("GET", "{root}/{id}/variables.json")
    def variables(self, id: int, *, status: Version | None = None) -> Plan[list[PageVariable]]:
        """Return the variables of a guided page."""
        return many(PageVariable, path={"id": id}, query={"status": status})

    @endpoint("POST", "{root}/{id}/variable/{variableId}.json", repeat=Repeat.SAFE)
    def update_variable(self, id: int, variable_id: str, value: str | float) -> Plan[PageVariable]:
        """Set a variable of a guided page."""
        return one(PageVariable, path={"id": id, "variableId": variable_id}, query={"value": value})
