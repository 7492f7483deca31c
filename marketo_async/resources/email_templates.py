"""``marketo.email_templates``: templates of the classic email editors, and the emails that use them."""

from __future__ import annotations

from marketo_async.models.assets import AssetUse, Document, FolderId, Version
from marketo_async.models.email_templates import EmailTemplate
from marketo_async.operation import Page, Paging, Plan, Repeat, first, one
from marketo_async.resources.base import endpoint, paged
from marketo_async.resources.mixins import (
    BrowseVersion,
    ByNameVersion,
    Clone,
    DeleteAsset,
    Drafts,
    GetVersion,
    Update,
    UpdateDocument,
    html,
    uses,
)


class EmailTemplates(
    GetVersion[EmailTemplate],
    ByNameVersion[EmailTemplate],
    BrowseVersion[EmailTemplate],
    Update[EmailTemplate],
    UpdateDocument,
    Drafts,
    Clone[EmailTemplate],
    DeleteAsset,
):
    """Email templates: one HTML document each.

    See https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/assets/email-templates
    """

    name, area, root = "email_templates", "Assets", "/rest/asset/v1/emailTemplate"
    model = EmailTemplate

    @endpoint("POST", "{root}s.json", repeat=Repeat.SETTLES)
    def create(
        self, name: str, folder: FolderId, content: str | bytes, *, description: str | None = None
    ) -> Plan[EmailTemplate]:
        """Create a template from an HTML document, as a draft; its name must be unique in the folder (709)."""
        form = {"name": name, "folder": folder, "description": description}
        return one(EmailTemplate, form=form, files=html("content", content))

    @endpoint("GET", "{root}/{id}/content")  # the one path of its kind without .json
    def content(self, id: int, *, status: Version | None = None) -> Plan[Document | None]:
        """Return the HTML of a template, or ``None`` if there is none."""
        return first(Document, path={"id": id}, query={"status": status})

    @paged("{root}s/{id}/usedBy.json", rule=Paging.OFFSET)
    def used_by(self, id: int, *, token: str | None = None) -> Plan[Page[AssetUse]]:
        """Iterate the emails that use a template."""
        return uses(id, token)
