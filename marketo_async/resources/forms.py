"""``marketo.forms``: forms, their buttons and their thank-you pages. See ``form_fields`` for their fields."""

from __future__ import annotations

from collections.abc import Iterable

from marketo_async.models.assets import AssetSummary, AssetUse, FolderId, Version
from marketo_async.models.forms import FollowUp, Form, KnownVisitor, ThankYouPage
from marketo_async.operation import Page, Paging, Plan, Provenance, Repeat, first, one
from marketo_async.resources.arguments import within
from marketo_async.resources.base import endpoint, paged
from marketo_async.resources.mixins import (
    APPROVE,
    BrowseFolder,
    ByNameInFolder,
    Clone,
    DeleteAsset,
    Drafts,
    GetVersion,
    uses,
)


class Forms(GetVersion[Form], ByNameInFolder[Form], BrowseFolder[Form], Drafts, Clone[Form], DeleteAsset):
    """Forms, with drafts and approval.

    See https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/assets/forms
    """

    name, area, root = "forms", "Assets", "/rest/asset/v1/form"
    model = Form

    @endpoint("POST", "{root}/{id}/unapprove.json", needs=APPROVE, repeat=Repeat.SETTLES, source=Provenance.PRACTICE)
    def unapprove(self, id: int) -> Plan[AssetSummary]:
        """Turn the approved version back into a draft, as deletion requires; Marketo does not document this call."""
        return one(AssetSummary, path={"id": id})

    @endpoint("POST", "{root}s.json", repeat=Repeat.SETTLES)
    def create(
        self,
        name: str,
        folder: FolderId,
        *,
        description: str | None = None,
        language: str | None = None,
        locale: str | None = None,
        theme: str | None = None,
        font_family: str | None = None,
        font_size: str | None = None,
        label_position: str | None = None,
        progressive_profiling: bool | None = None,
        known_visitor: KnownVisitor | None = None,
    ) -> Plan[Form]:
        """Create a form with first name, last name and email, as a draft."""
        form = {
            "name": name,
            "folder": folder,
            "description": description,
            "language": language,
            "locale": locale,
            "theme": theme,
            "fontFamily": font_family,
            "fontSize": font_size,
            "labelPosition": label_position,
            "progressiveProfiling": progressive_profiling,
            "knownVisitor": known_visitor,
        }
        return one(Form, form=form)

    @endpoint("POST", "{root}/{id}.json", repeat=Repeat.SAFE)
    def update(
        self,
        id: int,
        *,
        name: str | None = None,
        description: str | None = None,
        language: str | None = None,
        locale: str | None = None,
        theme: str | None = None,
        custom_css: str | None = None,
        font_family: str | None = None,
        font_size: str | None = None,
        label_position: str | None = None,
        progressive_profiling: bool | None = None,
        known_visitor: KnownVisitor | None = None,
    ) -> Plan[Form]:
        """Change the look and the metadata of a form."""
        form = {
            "name": name,
            "description": description,
            "language": language,
            "locale": locale,
            "theme": theme,
            "customCss": custom_css,
            "fontFamily": font_family,
            "fontSize": font_size,
            "labelPosition": label_position,
            "progressiveProfiling": progressive_profiling,
            "knownVisitor": known_visitor,
        }
        return one(Form, path={"id": id}, form=form)

    @endpoint("POST", "{root}/{id}/submitButton.json", repeat=Repeat.SAFE)
    def update_submit_button(
        self,
        id: int,
        *,
        label: str | None = None,
        waiting_label: str | None = None,
        button_position: int | None = None,
        button_style: str | None = None,
    ) -> Plan[Form]:
        """Replace the submit button; ``button_position`` is in pixels from the left."""
        form = {
            "label": label,
            "waitingLabel": waiting_label,
            "buttonPosition": button_position,
            "buttonStyle": button_style,
        }
        return one(Form, path={"id": id}, form=form)

    @endpoint("GET", "{root}/{id}/thankYouPage.json")
    def thank_you_page(self, id: int, *, status: Version | None = None) -> Plan[ThankYouPage | None]:
        """Return where a form leads, or ``None`` if it has no rules."""
        return first(ThankYouPage, path={"id": id}, query={"status": status})

    @endpoint("POST", "{root}/{id}/thankYouPage.json", repeat=Repeat.SAFE)
    def update_thank_you_page(self, id: int, rules: Iterable[FollowUp]) -> Plan[ThankYouPage]:
        """Replace all rules about where a form leads; exactly one is the default."""
        return one(ThankYouPage, path={"id": id}, form={"thankyou": within("rules", rules)})

    @paged("{root}/{id}/usedBy.json", rule=Paging.OFFSET)
    def used_by(self, id: int, *, token: str | None = None) -> Plan[Page[AssetUse]]:
        """Iterate the landing pages, smart lists, smart campaigns, reports and email programs that use a form."""
        return uses(id, token)
