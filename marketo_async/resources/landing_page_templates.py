"""``marketo.landing_page_templates``: templates of landing pages, guided or free-form."""

from __future__ import annotations

from marketo_async.models.assets import FolderId, Version
from marketo_async.models.landing_page_templates import LandingPageDocument, LandingPageTemplate, TemplateType
from marketo_async.operation import Plan, Repeat, first, one
from marketo_async.resources.base import endpoint
from marketo_async.resources.mixins import BrowseFolder, ByName, Clone, DeleteAsset, Drafts, GetVersion, UpdateDocument


class LandingPageTemplates(
    GetVersion[LandingPageTemplate],
    ByName[LandingPageTemplate],
    BrowseFolder[LandingPageTemplate],
    UpdateDocument,
    Drafts,
    Clone[LandingPageTemplate],
    DeleteAsset,
):
    """Landing page templates: one HTML document each.

    See https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/assets/landing-page-templates
    """

    name, area, root = "landing_page_templates", "Assets", "/rest/asset/v1/landingPageTemplate"
    model = LandingPageTemplate

    @endpoint("POST", "{root}s.json", repeat=Repeat.SETTLES)
    def create(
        self,
        name: str,
        folder: FolderId,
        *,
        description: str | None = None,
        template_type: TemplateType | None = None,
        enable_munchkin: bool | None = None,
    ) -> Plan[LandingPageTemplate]:
        """Create an empty template as a draft; it is free-form unless ``template_type`` says guided."""
        form = {
            "name": name,
            "folder": folder,
            "description": description,
            "templateType": template_type,
            "enableMunchkin": enable_munchkin,
        }
        return one(LandingPageTemplate, form=form)

    @endpoint("POST", "{root}/{id}.json", repeat=Repeat.SAFE)
    def update(
        self, id: int, *, name: str | None = None, description: str | None = None, enable_munchkin: bool | None = None
    ) -> Plan[LandingPageTemplate]:
        """Change the metadata of a template."""
        form = {"name": name, "description": description, "enableMunchkin": enable_munchkin}
        return one(LandingPageTemplate, path={"id": id}, form=form)

    @endpoint("GET", "{root}/{id}/content.json")
    def content(self, id: int, *, status: Version | None = None) -> Plan[LandingPageDocument | None]:
        """Return the HTML of a template, or ``None`` if there is none."""
        return first(LandingPageDocument, path={"id": id}, query={"status": status})
