"""The operations that all designed assets share: reading, browsing, approving, discarding, cloning and deleting.

A family gives its paths, its store and its row layout; it serves its contents in its own module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.clock import asset_iso
from marketo_async.sandbox.envelope import Answer, Members
from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.families.asset_arguments import (
    asset_description,
    asset_name,
    described,
    found,
    new_name_and_description,
    updated_between,
)
from marketo_async.sandbox.families.folder_arguments import folder_filter, parent_folder
from marketo_async.sandbox.paging import offset_page
from marketo_async.sandbox.parameters import wrong_type
from marketo_async.sandbox.permissions import ASSET_APPROVERS, ASSET_READERS, ASSET_WRITERS
from marketo_async.sandbox.records.drafts import Asset, Drafts, Status, V, refused
from marketo_async.sandbox.records.folders import MARKETING_ACTIVITIES, Key
from marketo_async.sandbox.records.instance import Instance
from marketo_async.sandbox.routing import Handler, Routes

PREFIX = "/rest/asset/v1"


def _anything(_: object) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Family(Generic[V]):
    """The paths, store and layout of a family, for the shared operations."""

    path: str
    listing: str
    store: Callable[[Instance], Drafts[V]]
    members: Callable[[Asset[V], V], Members]
    """Returns the members that are specific to the family."""
    check: Callable[[V], None] = _anything
    """Raises 709 for a version that cannot be approved."""
    may_be_deleted: Callable[[V], None] = _anything

    def asset(self, call: Call, name: str = "id") -> Asset[V]:
        """Return the asset whose id is in the path, or raise 702."""
        return self.store(call.instance).get(call.path_id(name))

    def seen(self, call: Call) -> tuple[Asset[V], V, Status] | None:
        """Return the asset of the path in the version that the call asks for, or ``None``."""
        asset = self.store(call.instance).find(call.path_id("id"))
        return None if asset is None else self._version(call, asset)

    def row(self, call: Call, asset: Asset[V], version: V, status: Status) -> Members:
        """Return the layout of an asset in one of its versions."""
        return {
            **described(asset),
            "status": status,
            "folder": call.instance.folders.reference(asset.folder),
            **self.members(asset, version),
        }

    def answer(self, call: Call, asset: Asset[V]) -> Answer:
        """Answer an asset after a change: its draft, or its approved version if it has no draft."""
        status: Status = "approved" if asset.draft is None else "draft"
        return Answer([self.row(call, asset, asset.newest, status)])

    def edit(self, call: Call, change: Callable[[V], object], name: str = "id") -> Asset[V]:
        """Change the draft, or a new draft of the approved version; an error changes nothing."""
        asset = self.asset(call, name)
        draft = asset.proposal()
        change(draft)
        asset.accept(draft, call.instance.clock.time())
        return asset

    def describe(self, call: Call) -> Asset[V]:
        """Change name and description, if given."""
        asset = self.asset(call)
        self.store(call.instance).describe(asset, *new_name_and_description(call))
        return asset

    def create(self, call: Call, version: V) -> Asset[V]:
        """Create an asset with the name and folder of the call."""
        store = self.store(call.instance)
        return store.create(asset_name(call), self.home(call), version, asset_description(call) or "")

    def clone(self, call: Call) -> Asset[V]:
        """Copy the asset of the path, with the name and folder of the call."""
        store = self.store(call.instance)
        return store.clone(self.asset(call), asset_name(call), self.home(call), asset_description(call))

    def home(self, call: Call) -> Key:
        """Return the folder for an asset of this family, or raise 710 or 711."""
        kind = self.store(call.instance).kind
        folder = parent_folder(call)
        local = call.instance.folders.root(folder.key) == MARKETING_ACTIVITIES and not kind.endswith("Template")
        if folder.kind != kind and not local:
            raise ApiError("711", f"Invalid folder type: {kind} assets do not go into '{folder.name}'")
        return folder.key

    def serve(
        self, routes: Routes, *, browse: tuple[str, ...], by_name: tuple[str, ...] | None, rows: Iterable[str]
    ) -> None:
        """Declare the shared operations; the verbs in ``rows`` answer the whole asset, the others only its id."""
        asset_path = f"{self.path}/{{id}}"
        verbs: dict[str, tuple[frozenset[str], Callable[[Call, Asset[V]], None]]] = {
            "approveDraft": (ASSET_APPROVERS, self._approve),
            "unapprove": (ASSET_APPROVERS, lambda call, asset: self.store(call.instance).unapprove(asset)),
            "discardDraft": (ASSET_WRITERS, lambda call, asset: asset.discard_draft(call.instance.clock.time())),
            "delete": (ASSET_WRITERS, self._delete),
        }
        for verb, (permissions, act) in verbs.items():
            routes.post(f"{asset_path}/{verb}.json", permissions)(self._acting(act, with_row=verb in rows))
        routes.get(f"{asset_path}.json", ASSET_READERS, optional=("status",))(self._by_id)
        routes.get(self.listing, ASSET_READERS, optional=browse)(self._browse)
        if by_name is not None:
            routes.get(f"{self.path}/byName.json", ASSET_READERS, required=("name",), optional=by_name)(self._by_name)

    def _acting(self, act: Callable[[Call, Asset[V]], None], *, with_row: bool) -> Handler:
        def handler(call: Call) -> Answer:
            asset = self.asset(call)
            act(call, asset)
            return self.answer(call, asset) if with_row else Answer([{"id": asset.id}])

        return handler

    def _approve(self, call: Call, asset: Asset[V]) -> None:
        asset.approve(call.instance.clock.time(), self.check)

    def _delete(self, call: Call, asset: Asset[V]) -> None:
        self.may_be_deleted(asset.newest)
        self.store(call.instance).delete(asset)

    def _by_id(self, call: Call) -> Answer:
        seen = self.seen(call)
        return nothing() if seen is None else Answer([self.row(call, *seen)])

    def _by_name(self, call: Call) -> Answer:
        name = call.text("name")
        rows = [row for asset, row in self._found(call) if asset.name == name]
        return offset_page(call, rows) if "offset" in call.route.parameters else found(rows)

    def _browse(self, call: Call) -> Answer:
        return offset_page(call, [row for _, row in self._found(call)])

    def _found(self, call: Call) -> list[tuple[Asset[V], Members]]:
        given = call.route.parameters
        folder = folder_filter(call) if "folder" in given else None
        assets: Iterable[Asset[V]] = self.store(call.instance)
        if "earliestUpdatedAt" in given:
            assets = updated_between(call, assets)
        return [
            (asset, self.row(call, *seen))
            for asset in assets
            if (folder is None or asset.folder == folder) and (seen := self._version(call, asset)) is not None
        ]

    def _version(self, call: Call, asset: Asset[V]) -> tuple[Asset[V], V, Status] | None:
        wanted = wanted_status(call)
        if wanted is None or wanted == asset.status == "approved with draft":
            return asset, asset.version, asset.shown
        version = {"approved": asset.approved, "draft": asset.draft}.get(wanted)
        if version is None:
            return None
        return asset, version, "approved" if wanted == "approved" else "draft"


def link(mark: str, asset: Asset[V]) -> str:
    """Return the address of an asset in the user interface, which marks its kind."""
    return f"https://app-sb.marketo.com/#{mark}{asset.id}A1"


def wanted_status(call: Call) -> str | None:
    """Return the status that a call asks for, if its operation has that parameter."""
    text = call.text("status") if "status" in call.route.parameters else None
    if text is not None and text.lower() not in ("approved", "draft", "approved with draft"):
        raise wrong_type("status", "approved or draft")
    return None if text is None else text.lower()


def nothing() -> Answer:
    """Answer that the asset was not found."""
    return found(())


def uploaded(call: Call, name: str) -> str:
    """Return the text of an uploaded document, or raise 613 if it is not a file."""
    return call.upload(name).content.decode(errors="replace")


def given(call: Call, texts: Iterable[str] = (), flags: Iterable[str] = (), numbers: Iterable[str] = ()) -> Members:
    """Return the given members of a form, each converted to its type."""
    given: Members = {name: call.body_text(name) for name in texts}
    given |= {name: call.body_flag(name) for name in flags}
    given |= {name: call.body_integer(name) for name in numbers}
    return {name: value for name, value in given.items() if value is not None}


def users(call: Call, store: Drafts[V]) -> Answer:
    """Answer the assets that use the asset of the path."""
    asset = store.find(call.path_id("id"))
    if asset is None:
        return nothing()
    return offset_page(
        call,
        [
            {
                "id": use.id,
                "name": use.name,
                "type": use.kind,
                "status": use.status,
                "updatedAt": asset_iso(use.updated_at),
            }
            for use in store.users(asset.id)
        ],
    )


def approved_version(asset: Asset[V] | None, kind: str, asset_id: int) -> V:
    """Return the approved version of an asset that another one is made from, or raise 709."""
    if asset is None or asset.approved is None:
        raise refused(f"There is no approved {kind} with id {asset_id}")
    return asset.approved
