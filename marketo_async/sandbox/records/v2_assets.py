"""Emails, email templates and fragments of the new designer: one store, with the life cycle of their drafts.

A content has an approved version, a draft, or both. The id of a content is that of its first version; a draft
of an approved content has its own id until it replaces the approved version. Forbidden changes are error 709.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Literal

from marketo_async.sandbox.envelope import Members
from marketo_async.sandbox.errors import ApiError

State = Literal["draft", "approved"]


@dataclass(slots=True)
class V2Version:
    """A version of a content, as a draft or approved."""

    id: str
    data: Members = field(default_factory=dict)
    headers: Members = field(default_factory=dict)
    settings: Members = field(default_factory=dict)
    editor_context: Members = field(default_factory=dict)
    template_id: str | None = None

    def copied(self, id: str) -> V2Version:
        """Return a copy with another id."""
        return V2Version(
            id,
            deepcopy(self.data),
            deepcopy(self.headers),
            deepcopy(self.settings),
            deepcopy(self.editor_context),
            self.template_id,
        )


@dataclass(slots=True)
class V2Asset:
    """One email, email template or fragment."""

    id: str
    kind: str
    name: str
    app_data: Members
    created_at: float
    created_by: str
    modified_at: float
    modified_by: str
    description: str = ""
    approved: V2Version | None = None
    draft: V2Version | None = None
    used_by: list[str] = field(default_factory=list)
    """Ids of contents that embed this one, besides the emails that have it as their template."""

    @property
    def versions(self) -> dict[State, V2Version]:
        """The existing versions, the approved one first."""
        versions: dict[State, V2Version] = {}
        if self.approved is not None:
            versions["approved"] = self.approved
        if self.draft is not None:
            versions["draft"] = self.draft
        return versions

    def state_of(self, id: str) -> State:
        """Return the version of an id; the content's own id means its approved version, if there is one."""
        if self.draft is not None and (self.approved is None or self.draft.id == id):
            return "draft"
        return "approved"


class V2AssetStore:
    """All contents of the new designer, of all kinds, by the ids of all their versions."""

    def __init__(self) -> None:
        self._contents: dict[str, V2Asset] = {}
        self._ids = itertools.count(501)

    def of_kind(self, kind: str) -> Iterator[V2Asset]:
        """Yield the contents of a kind in order of creation."""
        return (content for content in self._contents.values() if content.kind == kind)

    def find(self, kind: str, id: str) -> V2Asset | None:
        """Return the content that an id of one of its versions belongs to."""
        content = self._contents.get(id)
        if content is not None:
            return content if content.kind == kind else None
        for other in self.of_kind(kind):
            if other.draft is not None and other.draft.id == id:
                return other
        return None

    def require(self, kind: str, id: str) -> V2Asset:
        """Return a content, or raise 702."""
        content = self.find(kind, id)
        if content is None:
            raise ApiError("702", f"No {kind} with id '{id}' found")
        return content

    def check_name(self, kind: str, name: str, workspace_id: object, *, besides: V2Asset | None = None) -> None:
        """Raise 709 if another content of the kind has the name in the workspace."""
        for content in self.of_kind(kind):
            taken = content.name.casefold() == name.casefold() and content.app_data["workspaceId"] == workspace_id
            if taken and content is not besides:
                raise ApiError("709", f"The name '{name}' is already in use")

    def create(self, kind: str, name: str, app_data: Members, login: str, now: float) -> tuple[V2Asset, V2Version]:
        """Create a content with an empty draft."""
        self.check_name(kind, name, app_data["workspaceId"])
        draft = V2Version(self._next_id())
        content = V2Asset(draft.id, kind, name, app_data, now, login, now, login, draft=draft)
        self._contents[content.id] = content
        return content, draft

    def clone(self, source: V2Asset, name: str, login: str, now: float) -> V2Asset:
        """Create a content whose draft is a copy of the approved version, or of the draft if there is none."""
        clone, draft = self.create(source.kind, name, deepcopy(source.app_data), login, now)
        original = next(iter(source.versions.values()))
        clone.draft = original.copied(draft.id)
        return clone

    def edited(self, content: V2Asset) -> V2Version:
        """Return the draft of a content, created from the approved version if missing."""
        if content.draft is None:
            return self.create_draft(content)
        return content.draft

    def create_draft(self, content: V2Asset) -> V2Version:
        """Create a draft of the approved version."""
        if content.draft is not None or content.approved is None:
            raise ApiError("709", f"'{content.name}' already has a draft")
        content.draft = content.approved.copied(self._next_id())
        return content.draft

    def approve(self, content: V2Asset) -> V2Version:
        """Replace the approved version with the draft."""
        if content.draft is None:
            raise ApiError("709", f"'{content.name}' has no draft to approve")
        if content.kind == "email":
            for name in ("subject", "fromName", "fromEmail", "replyEmail"):
                if not content.draft.headers.get(name):
                    raise ApiError("709", f"'{content.name}' cannot be approved without {name}")
        content.approved = content.draft.copied(content.id)
        content.draft = None
        return content.approved

    def unapprove(self, content: V2Asset) -> V2Version:
        """Make the approved version the draft, replacing the existing draft."""
        if content.approved is None:
            raise ApiError("709", f"'{content.name}' is not approved")
        self.check_unused(content)
        content.draft, content.approved = content.approved, None
        return content.draft

    def discard(self, content: V2Asset) -> V2Version:
        """Drop the draft of an approved content."""
        if content.draft is None or content.approved is None:
            raise ApiError("709", f"'{content.name}' has no draft beside an approved version")
        content.draft = None
        return content.approved

    def check_deletable(self, content: V2Asset, *, in_use: bool = False) -> None:
        """Raise 709 if the content is approved or, unless ignored, in use."""
        if content.approved is not None:
            raise ApiError("709", f"'{content.name}' is approved")
        if not in_use:
            self.check_unused(content)

    def check_unused(self, content: V2Asset) -> None:
        """Raise 709 if the content is in use."""
        if self.users(content):
            raise ApiError("709", f"'{content.name}' is in use")

    def delete(self, content: V2Asset) -> None:
        """Delete a content with all its versions."""
        del self._contents[content.id]

    def users(self, content: V2Asset) -> list[V2Asset]:
        """Return the contents that use another one."""
        return [
            other
            for other in self._contents.values()
            if other.id in content.used_by
            or any(version.template_id == content.id for version in other.versions.values())
        ]

    def _next_id(self) -> str:
        return str(next(self._ids))


def seeded_v2_assets(now: float) -> V2AssetStore:
    """Return a template, an approved email, a draft email, and a fragment that the approved one embeds."""
    store, login = V2AssetStore(), "marketer@sandbox.example"
    place: Members = {"editorType": "html", "workspaceId": "1", "folderId": "10"}
    template, draft = store.create("emailtemplate", "Plain", dict(place), login, now)
    draft.data = {"html": {"body": "<html><body><h1>Hello</h1></body></html>"}}
    store.approve(template)
    fragment, draft = store.create("fragment", "Imprint", {**place, "folderId": "7"}, login, now)
    draft.data = {"html": {"body": "<p>Sandbox Inc.</p>"}}
    draft.settings = {"fragmentType": "html", "supportedChannels": ["email"]}
    for name in ("Welcome", "Reminder"):
        email, draft = store.create("email", name, {**place, "folderId": "6"}, login, now)
        draft.data = {"html": {"body": f"<html><body><h1>{name}</h1></body></html>"}}
        draft.headers = {
            "subject": name,
            "fromName": "Sandbox",
            "fromEmail": "hello@sandbox.example",
            "replyEmail": "hello@sandbox.example",
        }
        draft.settings = {"isOperational": False, "isTextOnly": False, "isWebPageView": True}
        if name == "Welcome":
            draft.template_id = template.id
            fragment.used_by.append(email.id)
            store.approve(email)
    return store
