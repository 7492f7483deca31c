"""The three kinds of v2 assets: their members, answers and permissions.

See ``v2_assets`` for the operations that all kinds share.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.clock import iso
from marketo_async.sandbox.envelope import Members
from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.parameters import as_flag, as_object, as_text, missing, wrong_type
from marketo_async.sandbox.permissions import DESIGN_STUDIO, READ_ASSETS, WRITE_ASSETS, AllOf
from marketo_async.sandbox.records.instance import Instance
from marketo_async.sandbox.records.v2_assets import V2Asset, V2Version

_SETTINGS_FLAGS = frozenset(
    ("isOperational", "isWebPageView", "isTextOnly", "disableOpenTracking", "enableUrlTracking")
)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of v2 asset."""

    path: str
    called: str
    """Its name in permissions."""
    create: tuple[str, ...]
    create_optional: tuple[str, ...]
    says: tuple[str, ...]
    """The body members of an update that change the draft."""
    has_headers: bool = False
    places: tuple[str, ...] = ("folderId", "workspaceId")
    template_filter: str | None = None
    type_filter: str | None = None
    script_engine: str = "velocity"

    @property
    def update(self) -> tuple[str, ...]:
        """All body members of an update."""
        return ("name", "description", *self.says)

    @property
    def browsers(self) -> AllOf:
        """The permissions to ask for uses."""
        return AllOf({READ_ASSETS, DESIGN_STUDIO})

    @property
    def readers(self) -> AllOf:
        """The permissions to read."""
        return AllOf({READ_ASSETS, DESIGN_STUDIO, f"Access {self.called}"})

    @property
    def editors(self) -> AllOf:
        """The permissions to create, update and clone."""
        return self._writers("Edit")

    @property
    def approvers(self) -> AllOf:
        """The permissions to change the state."""
        return self._writers("Approve")

    @property
    def deleters(self) -> AllOf:
        """The permissions to delete."""
        return self._writers("Delete")

    def _writers(self, verb: str) -> AllOf:
        return AllOf({WRITE_ASSETS, DESIGN_STUDIO, f"{verb} {self.called}"})

    def app_data(self, call: Call) -> Members:
        """Return the place of a new content, or raise the error for a missing or wrong place."""
        given = as_object("appData", call.member("appData"))
        place: Members = {
            name: as_text(f"appData.{name}", given[name])
            for name in ("editorType", *self.places)
            if given.get(name) is not None
        }
        if not place.keys() & set(self.places):
            raise missing(f"appData.{self.places[0]}")
        place.setdefault("workspaceId", "1")
        if "programId" in place and _program_of(call.instance, place) is None:
            raise ApiError("710", f"Parent program '{place['programId']}' not found")
        return place


KINDS = (
    Kind(
        "email",
        "Email",
        create=("name", "appData", "headers"),
        create_optional=("description", "data", "editorContext", "settings", "templateId"),
        says=("data", "headers", "editorContext", "settings", "templateId"),
        has_headers=True,
        places=("folderId", "workspaceId", "programId"),
        template_filter="templateId",
    ),
    Kind(
        "emailtemplate",
        "Email Template",
        create=("name", "appData"),
        create_optional=("description", "data", "editorContext"),
        says=("data", "editorContext"),
    ),
    Kind(
        "fragment",
        "Snippet",
        create=("name", "appData", "settings"),
        create_optional=("description", "data", "editorContext"),
        says=("data", "editorContext", "settings"),
        type_filter="fragmentType",
    ),
)


def check_settings(kind: Kind, call: Call) -> None:
    """Raise 1002 if a new content lacks required settings of its kind."""
    for name in ("fragmentType", "supportedChannels") if kind.type_filter else ():
        if not as_object("settings", call.member("settings")).get(name):
            raise missing(f"settings.{name}")


def fill(kind: Kind, call: Call, before: V2Version | None) -> V2Version:
    """Return a version with the members of the call's body, and the old ones for the rest."""
    version = V2Version("") if before is None else before.copied("")
    version.data = {**version.data, **_object(call, "data")}
    version.editor_context = {**version.editor_context, **_object(call, "editorContext")}
    if kind.has_headers:
        version.headers = {**version.headers, **_object(call, "headers")}
        _check_texts("headers", version.headers, lists=("ccEmails",))
    if "settings" in kind.update or "settings" in kind.create:
        version.settings = {**version.settings, **_object(call, "settings")}
        _check_settings_types(kind, version.settings)
    template_id = call.body_text("templateId") if kind.template_filter else None
    if template_id is not None:
        # The content of a template takes precedence over data in the same call.
        template = call.instance.v2_assets.require("emailtemplate", template_id)
        version.template_id = template.id
        version.data = deepcopy(next(iter(template.versions.values())).data)
    return version


def _object(call: Call, name: str) -> Members:
    value = call.member(name)
    return {} if value is None else as_object(name, value)


def _check_texts(name: str, members: Members, lists: tuple[str, ...]) -> None:
    for member, value in members.items():
        if member not in lists:
            as_text(f"{name}.{member}", value)
        elif not isinstance(value, list):
            raise wrong_type(f"{name}.{member}", "array")


def _check_settings_types(kind: Kind, settings: Members) -> None:
    if kind.type_filter:
        _check_texts("settings", settings, lists=("supportedChannels",))
        return
    for name in _SETTINGS_FLAGS & settings.keys():
        as_flag(f"settings.{name}", settings[name])


def content_row(kind: Kind, instance: Instance, content: V2Asset, id: str, *, full: bool) -> Members:
    """Return the row of the version with this id, with its data if the operation answers it."""
    state = content.state_of(id)
    version = content.versions[state]
    row: Members = {
        "id": version.id,
        "name": content.name,
        "description": content.description,
        "appType": "marketo",
        "metadata": {
            "createdBy": content.created_by,
            "createdAt": iso(content.created_at),
            "createdById": content.created_by,
            "modifiedBy": content.modified_by,
            "modifiedAt": iso(content.modified_at),
            "modifiedById": content.modified_by,
        },
        "status": state,
        "state": state,
        "virtualId": content.id,
        "associatedStates": [
            {"contentId": other.id, "externalId": other.id, "state": name} for name, other in content.versions.items()
        ],
        "appData": _place(instance, content),
        "externalId": version.id,
        "scriptEngine": kind.script_engine,
    }
    if kind.path == "emailtemplate":
        row["version"] = 1
    else:
        row["editorContext"] = version.editor_context
        row["settings"] = version.settings if kind.type_filter else _email_settings(version)
    if kind.has_headers:
        row["headers"] = version.headers
        if version.template_id is not None:
            row["templateId"] = version.template_id
    if full:
        row["data"] = version.data
    return row


def _email_settings(version: V2Version) -> Members:
    return {name: version.settings.get(name, False) for name in sorted(_SETTINGS_FLAGS)}


def _place(instance: Instance, content: V2Asset) -> Members:
    program = _program_of(instance, content.app_data)
    if program is None:
        return content.app_data
    name, kind = program
    return {**content.app_data, "programName": name, "programType": kind}


def _program_of(instance: Instance, place: Members) -> tuple[str, str] | None:
    program_id = str(place.get("programId", ""))
    program = instance.programs.get(int(program_id)) if program_id.isdecimal() else None
    return None if program is None else (program.name, program.type)
