"""``marketo.emails_v2``, ``email_templates_v2`` and ``fragments``: the assets of the new designer, one set of verbs.

Their ids are text. Not here: the assets of the older editor (``emails``, ``email_templates``, ``snippets``).
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
from marketo_async.resources.arguments import drop_none, within
from marketo_async.resources.base import Resource
from marketo_async.resources.descriptors import composite, endpoint, paged

D = TypeVar("D", bound=Designed)

_READ, _WRITE = ("Read-Only Assets", "Access Design Studio"), ("Read-Write Assets", "Access Design Studio")
_ACCESS, _EDIT = (*_READ, "Access {area}"), (*_WRITE, "Edit {area}")
_APPROVE, _DELETE = (*_WRITE, "Approve {area}"), (*_WRITE, "Delete {area}")
_FETCHED, _COUNTED = 20, 50  # assets in one call


class Designer(Resource, Generic[D]):
    """The verbs of the three kinds. What an API user lacks of the permissions, he lacks for all of them."""

    every = True
    model: type[D]

    @endpoint("GET", "{root}/{id}", needs=_ACCESS)
    def get(self, id: str) -> Plan[D | None]:
        """Return the one with this id, ``None`` where there is none."""
        return first(self.model, path={"id": id})

    @endpoint("POST", "{root}/bulk/get", needs=_ACCESS, reads=True)
    def get_many(self, ids: Iterable[str]) -> Plan[list[D]]:
        """Return at most 20 at once."""
        return many(self.model, json={"assetIds": within("ids", ids, _FETCHED)})

    @endpoint("POST", "{root}/clone", needs=_EDIT)
    def clone(self, id: str, name: str, *, description: str | None = None) -> Plan[D]:
        """Copy the asset under another name; never repeated by itself."""
        return one(self.model, json={"assetId": id, "newAsset": drop_none({"name": name, "description": description})})

    @endpoint("POST", "{root}/state/transition", needs=_APPROVE, repeat=Repeat.SETTLES)
    def transition(self, id: str, action: Transition) -> Plan[D]:
        """Take the asset from one state to another; ``approve`` and its siblings name the ways."""
        return one(self.model, json={"contentId": id, "action": action})

    @composite
    async def approve(self, id: str) -> D:
        """Put the draft in the place of the approved version. Maps to ``transition``."""
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
        """Begin a draft beside the approved version. Maps to ``transition``."""
        return await self.transition(id, "create_draft")

    @endpoint("POST", "{root}/{id}/delete", needs=_DELETE, repeat=Repeat.SETTLES, proof=("702",))
    def delete(self, id: str) -> Plan[None]:
        """Delete the asset for good."""
        return nothing(path={"id": id})

    @endpoint("POST", "{root}/bulk/delete", needs=_DELETE, repeat=Repeat.SETTLES)
    def delete_many(self, ids: Iterable[str], *, ignore_used_by: bool | None = None) -> Plan[None]:
        """Delete at most 20 for good, where told so even those that are in use."""
        return nothing(json=drop_none({"assetIds": within("ids", ids, _FETCHED), "ignoreUsedBy": ignore_used_by}))

    @paged("{root}/usedby", method="POST", rule=Paging.INDEX, needs=_READ)
    def used_by(self, id: str, *, kind: str | None = None, token: str | None = None) -> Plan[Page[UsedBy]]:
        """Iterate what uses an asset, or what of one *kind* does."""
        return page(
            UsedBy,
            json=drop_none({"assetId": id, "type": kind}),
            token=token,
            sift=lambda: Distinct(lambda found: found.id),
        )

    @endpoint("POST", "{root}/bulk/usedby", needs=_READ, reads=True)
    def used_by_many(self, ids: Iterable[str]) -> Plan[list[UseCount]]:
        """Return how often each of at most 50 assets is used."""
        return many(UseCount, json={"assetIds": within("ids", ids, _COUNTED)})


class EmailsV2(Designer[DesignedEmail]):
    """Emails of the new designer."""

    name, root, area, model = "emails_v2", "/rest/asset/v2/email", "Email", DesignedEmail

    @paged("{root}/filter", rule=Paging.INDEX, needs=_ACCESS)
    def browse(
        self, workspace_id: str, search: EmailSearch | None = None, *, token: str | None = None
    ) -> Plan[Page[DesignedEmail]]:
        """Iterate the emails of a workspace, or those that *search* fits; without their content."""
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
        """Create an email as a draft; the content of a template wins over *data*."""
        body = _new(name, place, description, data, editor_context)
        return one(
            DesignedEmail,
            json=drop_none({**body, "headers": headers, "settings": settings, "templateId": template_id}),
        )

    @endpoint("POST", "{root}/{id}/update", needs=_EDIT, repeat=Repeat.SAFE)
    def update(self, id: str, change: EmailChange) -> Plan[DesignedEmail]:
        """Change the draft of an email."""
        return one(DesignedEmail, path={"id": id}, json=change)


class EmailTemplatesV2(Designer[DesignedTemplate]):
    """Email templates of the new designer."""

    name, root, area = "email_templates_v2", "/rest/asset/v2/emailtemplate", "Email Template"
    model = DesignedTemplate

    @paged("{root}/filter", rule=Paging.INDEX, needs=_ACCESS)
    def browse(
        self, workspace_id: str, search: Search | None = None, *, token: str | None = None
    ) -> Plan[Page[DesignedTemplate]]:
        """Iterate the templates of a workspace, or those that *search* fits; without their content."""
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
        return one(DesignedTemplate, json=drop_none(_new(name, place, description, data, editor_context)))

    @endpoint("POST", "{root}/{id}/update", needs=_EDIT, repeat=Repeat.SAFE)
    def update(self, id: str, change: TemplateChange) -> Plan[DesignedTemplate]:
        """Change the draft of a template."""
        return one(DesignedTemplate, path={"id": id}, json=change)


class Fragments(Designer[Fragment]):
    """Pieces of content that emails of the new designer share."""

    name, root, area, model = "fragments", "/rest/asset/v2/fragment", "Snippet", Fragment

    @paged("{root}/filter", rule=Paging.INDEX, needs=_ACCESS)
    def browse(
        self, workspace_id: str, search: FragmentSearch | None = None, *, token: str | None = None
    ) -> Plan[Page[Fragment]]:
        """Iterate the fragments of a workspace, or those that *search* fits; without their content."""
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
            Fragment, json=drop_none({**_new(name, place, description, data, editor_context), "settings": settings})
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
    """Return what every new asset is made of."""
    return {
        "name": name,
        "appData": place,
        "description": description,
        "data": data,
        "editorContext": editor_context,
    }
