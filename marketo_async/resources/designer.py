"""``marketo.emails_v2``, ``email_templates_v2`` and ``fragments``: the assets of the new designer.

Their ids are text. See ``emails``, ``email_templates`` and ``snippets`` for the assets of the older editor.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeVar

import msgspec

from marketo_async.models.designer import (
    Content,
    Designed,
    DesignedEmail,
    DesignedTemplate,
    EditorContext,
    EmailChange,
    EmailHeaders,
    EmailPlace,
    EmailSearch,
    EmailSettings,
    Fragment,
    FragmentChange,
    FragmentSearch,
    NewFragmentSettings,
    Place,
    Search,
    TemplateChange,
    Transition,
    UseCount,
    UsedBy,
)
from marketo_async.operation import Arg, Page, Paging, Plan, Repeat, first, many, nothing, one, page
from marketo_async.paging import Distinct
from marketo_async.resources.arguments import members, within
from marketo_async.resources.base import Resource, composite, endpoint, paged

D = TypeVar("D", bound=Designed)

_READ, _WRITE = ("Read-Only Assets", "Access Design Studio"), ("Read-Write Assets", "Access Design Studio")
_ACCESS, _EDIT = (*_READ, "Access {area}"), (*_WRITE, "Edit {area}")
_APPROVE, _DELETE = (*_WRITE, "Approve {area}"), (*_WRITE, "Delete {area}")
_FETCHED, _COUNTED = 20, 50  # assets in one call


class Designer(Resource, Generic[D]):
    """The operations that the three families share; an API user needs all permissions of an operation."""

    every = True
    model: type[D]

    @endpoint("GET", "{root}/{id}", needs=_ACCESS)
    def get(self, id: str) -> Plan[D | None]:
        """Return the asset with this id, or ``None`` if there is none."""
        return first(self.model, path={"id": id})

    @endpoint("POST", "{root}/bulk/get", needs=_ACCESS, reads=True)
    def get_many(self, ids: Iterable[str]) -> Plan[list[D]]:
        """Return at most 20 assets by their ids."""
        return many(self.model, json={"assetIds": within("ids", ids, _FETCHED)})

    @endpoint("POST", "{root}/clone", needs=_EDIT)
    def clone(self, id: str, name: str, *, description: str | None = None) -> Plan[D]:
        """Copy the asset under another name; never retried automatically."""
        return one(self.model, json={"assetId": id, "newAsset": members({"name": name, "description": description})})

    @endpoint("POST", "{root}/state/transition", needs=_APPROVE, repeat=Repeat.SETTLES)
    def transition(self, id: str, action: Transition) -> Plan[D]:
        """Move the asset to another state; see ``approve`` and the methods after it."""
        return one(self.model, json={"contentId": id, "action": action})

    @composite
    async def approve(self, id: str) -> D:
        """Replace the approved version with the draft. Maps to ``transition``."""
        return await self.transition(id, "approve")

    @composite
    async def unapprove(self, id: str) -> D:
        """Turn the approved version back into a draft. Maps to ``transition``."""
        return await self.transition(id, "unapprove")

    @composite
    async def discard_draft(self, id: str) -> D:
        """Drop the draft beside an approved version. Maps to ``transition``."""
        return await self.transition(id, "discard")

    @composite
    async def create_draft(self, id: str) -> D:
        """Create a draft beside the approved version. Maps to ``transition``."""
        return await self.transition(id, "create_draft")

    @endpoint("POST", "{root}/{id}/delete", needs=_DELETE, repeat=Repeat.SETTLES, proof=("702",))
    def delete(self, id: str) -> Plan[None]:
        """Delete the asset for good."""
        return nothing(path={"id": id})

    @endpoint("POST", "{root}/bulk/delete", needs=_DELETE, repeat=Repeat.SETTLES)
    def delete_many(self, ids: Iterable[str], *, ignore_used_by: bool | None = None) -> Plan[None]:
        """Delete at most 20 assets for good; ``ignore_used_by`` also deletes assets that are in use."""
        return nothing(json=members({"assetIds": within("ids", ids, _FETCHED), "ignoreUsedBy": ignore_used_by}))

    @paged("{root}/usedby", method="POST", rule=Paging.INDEX, needs=_READ)
    def used_by(self, id: str, *, kind: str | None = None, token: str | None = None) -> Plan[Page[UsedBy]]:
        """Iterate the assets that use an asset, or only those of one ``kind``."""
        return page(
            UsedBy,
            json=members({"assetId": id, "type": kind}),
            token=token,
            sift=lambda: Distinct(lambda found: found.id),
        )

    @endpoint("POST", "{root}/bulk/usedby", needs=_READ, reads=True)
    def used_by_many(self, ids: Iterable[str]) -> Plan[list[UseCount]]:
        """Return how often each of at most 50 assets is used."""
        return many(UseCount, json={"assetIds": within("ids", ids, _COUNTED)})


class EmailsV2(Designer[DesignedEmail]):
    """Emails of the new designer.

    See https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/assets/emails-new
    """

    name, root, area, model = "emails_v2", "/rest/asset/v2/email", "Email", DesignedEmail

    @paged("{root}/filter", rule=Paging.INDEX, needs=_ACCESS)
    def browse(
        self, workspace_id: str, search: EmailSearch | None = None, *, token: str | None = None
    ) -> Plan[Page[DesignedEmail]]:
        """Iterate the emails of a workspace, or those that match ``search``, without their content."""
        return page(
            DesignedEmail,
            query=_query(workspace_id, search),
            token=token,
            sift=lambda: Distinct(lambda found: found.id),
        )

    @endpoint("POST", "{root}", needs=_EDIT, repeat=Repeat.SETTLES)
    def create(
        self,
        name: str,
        place: EmailPlace,
        headers: EmailHeaders,
        *,
        description: str | None = None,
        data: Content | None = None,
        settings: EmailSettings | None = None,
        template_id: str | None = None,
        editor_context: EditorContext | None = None,
    ) -> Plan[DesignedEmail]:
        """Create an email as a draft; a template's content overrides ``data``."""
        body = _new(name, place, description, data, editor_context)
        return one(
            DesignedEmail, json=members({**body, "headers": headers, "settings": settings, "templateId": template_id})
        )

    @endpoint("POST", "{root}/{id}/update", needs=_EDIT, repeat=Repeat.SAFE)
    def update(self, id: str, change: EmailChange) -> Plan[DesignedEmail]:
        """Change the draft of an email."""
        return one(DesignedEmail, path={"id": id}, json=change)


class EmailTemplatesV2(Designer[DesignedTemplate]):
    """Email templates of the new designer.

    See https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/assets/email-templates-new
    """

    name, root, area = "email_templates_v2", "/rest/asset/v2/emailtemplate", "Email Template"
    model = DesignedTemplate

    @paged("{root}/filter", rule=Paging.INDEX, needs=_ACCESS)
    def browse(
        self, workspace_id: str, search: Search | None = None, *, token: str | None = None
    ) -> Plan[Page[DesignedTemplate]]:
        """Iterate the templates of a workspace, or those that match ``search``, without their content."""
        return page(
            DesignedTemplate,
            query=_query(workspace_id, search),
            token=token,
            sift=lambda: Distinct(lambda found: found.id),
        )

    @endpoint("POST", "{root}", needs=_EDIT, repeat=Repeat.SETTLES)
    def create(
        self,
        name: str,
        place: Place,
        *,
        description: str | None = None,
        data: Content | None = None,
        editor_context: EditorContext | None = None,
    ) -> Plan[DesignedTemplate]:
        """Create a template as a draft."""
        return one(DesignedTemplate, json=members(_new(name, place, description, data, editor_context)))

    @endpoint("POST", "{root}/{id}/update", needs=_EDIT, repeat=Repeat.SAFE)
    def update(self, id: str, change: TemplateChange) -> Plan[DesignedTemplate]:
        """Change the draft of a template."""
        return one(DesignedTemplate, path={"id": id}, json=change)


class Fragments(Designer[Fragment]):
    """Pieces of content that emails of the new designer share.

    See https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/assets/fragments
    """

    name, root, area, model = "fragments", "/rest/asset/v2/fragment", "Snippet", Fragment

    @paged("{root}/filter", rule=Paging.INDEX, needs=_ACCESS)
    def browse(
        self, workspace_id: str, search: FragmentSearch | None = None, *, token: str | None = None
    ) -> Plan[Page[Fragment]]:
        """Iterate the fragments of a workspace, or those that match ``search``, without their content."""
        return page(
            Fragment, query=_query(workspace_id, search), token=token, sift=lambda: Distinct(lambda found: found.id)
        )

    @endpoint("POST", "{root}", needs=_EDIT, repeat=Repeat.SETTLES)
    def create(
        self,
        name: str,
        place: Place,
        settings: NewFragmentSettings,
        *,
        description: str | None = None,
        data: Content | None = None,
        editor_context: EditorContext | None = None,
    ) -> Plan[Fragment]:
        """Create a fragment as a draft."""
        return one(
            Fragment, json=members({**_new(name, place, description, data, editor_context), "settings": settings})
        )

    @endpoint("POST", "{root}/{id}/update", needs=_EDIT, repeat=Repeat.SAFE)
    def update(self, id: str, change: FragmentChange) -> Plan[Fragment]:
        """Change the draft of a fragment."""
        return one(Fragment, path={"id": id}, json=change)


def _query(workspace_id: str, search: Search | None) -> dict[str, Arg]:
    """Return a search under Marketo's names."""
    wanted = msgspec.structs.fields(search) if search is not None else ()
    return {"workspaceId": workspace_id, **{field.encode_name: getattr(search, field.name) for field in wanted}}


def _new(
    name: str,
    place: Place,
    description: str | None,
    data: Content | None,
    editor_context: EditorContext | None,
) -> dict[str, object]:
    """Return the members that every new asset has."""
    return {
        "name": name,
        "appData": place,
        "description": description,
        "data": data,
        "editorContext": editor_context,
    }
