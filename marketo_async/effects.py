"""What each operation does to an instance (`Effect`), the area it belongs to, and the ids that its plans name. Pure.

Permissions of agents are written in these words: an agent may read the area of emails, or change lists 1001 and 1002.
Every write has its effect in `EFFECTS`; every other operation reads. See ``mcp`` for the policy in these words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

import msgspec
from msgspec import Struct

from marketo_async.operation import Operation, Plan


class Effect(Enum):
    """What a call does at worst."""

    READ = "reads, and changes nothing"
    CHANGE = "creates or changes records or drafts"
    PUBLISH = "makes an asset or a type live, or takes it offline"
    REACH = "can send messages to people, or run campaigns for them"
    ERASE = "deletes, removes, merges or discards"
    ADMIN = "changes users, or the schema of the database"


_TABLE: Mapping[Effect, str] = {
    Effect.CHANGE: """
        leads.associate leads.change_program_status leads.sync leads.update_partitions
        lists.add activities.add program_members.change_status program_members.sync
        companies.sync opportunities.sync opportunity_roles.sync sales_persons.sync named_accounts.sync
        named_account_lists.add named_account_lists.sync custom_objects.sync
        folders.create folders.update tokens.create files.create files.update_content
        programs.clone programs.create programs.update programs.update_tag
        smart_campaigns.clone smart_campaigns.create smart_campaigns.update
        smart_lists.clone static_lists.create static_lists.update
        emails.add_module emails.clone emails.create emails.duplicate_module emails.rearrange_modules
        emails.rename_module emails.update emails.update_content emails.update_dynamic_content
        emails.update_full_content emails.update_section emails.update_variable
        email_templates.clone email_templates.create email_templates.update email_templates.update_content
        snippets.clone snippets.create snippets.update snippets.update_content snippets.update_dynamic_content
        forms.clone forms.create forms.update forms.update_submit_button forms.update_thank_you_page
        form_fields.add form_fields.add_fieldset form_fields.add_rich_text form_fields.rearrange form_fields.update
        form_fields.update_visibility
        landing_pages.clone landing_pages.create landing_pages.update landing_pages.update_variable
        landing_page_content.add landing_page_content.update landing_page_content.update_dynamic_content
        landing_page_templates.clone landing_page_templates.create landing_page_templates.update
        landing_page_templates.update_content
        redirect_rules.create redirect_rules.update
        emails_v2.clone emails_v2.create emails_v2.update
        email_templates_v2.clone email_templates_v2.create email_templates_v2.update
        fragments.clone fragments.create fragments.update
        ingestion.add_to_list ingestion.sync_companies ingestion.sync_custom_objects ingestion.sync_persons
        ingestion.sync_program_members
        bulk.leads.create bulk.leads.enqueue bulk.leads.cancel bulk.leads.import_file
        bulk.activities.create bulk.activities.enqueue bulk.activities.cancel
        bulk.program_members.create bulk.program_members.enqueue bulk.program_members.cancel
        bulk.program_members.import_file
        bulk.custom_objects.create bulk.custom_objects.enqueue bulk.custom_objects.cancel
        bulk.custom_objects.import_file
    """,
    Effect.PUBLISH: """
        custom_activity_types.approve custom_object_types.approve
        programs.unapprove smart_campaigns.activate smart_campaigns.deactivate
        emails.approve emails.unapprove email_templates.approve email_templates.unapprove
        snippets.approve snippets.unapprove forms.approve forms.unapprove
        landing_pages.approve landing_pages.unapprove
        landing_page_templates.approve landing_page_templates.unapprove
        emails_v2.transition email_templates_v2.transition fragments.transition
    """,
    # An approved email program sends its email at its start date.
    Effect.REACH: """
        campaigns.request campaigns.schedule emails.send_sample leads.push leads.submit_form programs.approve
    """,
    Effect.ERASE: """
        leads.delete leads.merge lists.remove program_members.delete
        companies.delete opportunities.delete opportunity_roles.delete sales_persons.delete named_accounts.delete
        named_account_lists.delete named_account_lists.remove custom_objects.delete
        custom_activity_types.delete custom_activity_types.delete_attributes custom_activity_types.discard_draft
        custom_object_types.delete custom_object_types.delete_fields custom_object_types.discard_draft
        folders.delete tokens.delete programs.delete programs.delete_tag
        smart_campaigns.delete smart_lists.delete static_lists.delete
        emails.delete emails.delete_module emails.discard_draft email_templates.delete email_templates.discard_draft
        snippets.delete snippets.discard_draft forms.delete forms.discard_draft
        form_fields.delete form_fields.delete_from_fieldset
        landing_pages.delete landing_pages.discard_draft landing_page_content.delete
        landing_page_templates.delete landing_page_templates.discard_draft redirect_rules.delete
        emails_v2.delete emails_v2.delete_many email_templates_v2.delete email_templates_v2.delete_many
        fragments.delete fragments.delete_many
        ingestion.delete_program_members ingestion.remove_from_list
        users.delete users.delete_invitation
    """,
    Effect.ADMIN: """
        leads.create_fields leads.update_field program_members.create_fields program_members.update_field
        custom_activity_types.create custom_activity_types.create_attributes custom_activity_types.update
        custom_activity_types.update_attributes
        custom_object_types.sync custom_object_types.create_fields custom_object_types.update_field
        users.add_roles users.remove_roles users.invite users.update
    """,
}
EFFECTS: Mapping[str, Effect] = {name: effect for effect, names in _TABLE.items() for name in names.split()}


def effect_of(operation: Operation, plan: Plan[Any] | None = None) -> Effect:
    """Return what an operation does at worst; with a ``plan``, what that call does.

    Only the new designer's ``transition`` differs: its action may discard a draft, or create one.
    """
    effect = EFFECTS.get(operation.name, Effect.READ)
    if plan is not None and operation.name.endswith(".transition"):
        action = plan.json.get("action") if isinstance(plan.json, Mapping) else None
        return {"discard": Effect.ERASE, "create_draft": Effect.CHANGE}.get(str(action), effect)
    return effect


# Every family of operations is in one area.
_AREAS: Mapping[str, str] = {
    "people": "leads ingestion",
    "activities": "activities",
    "lists": "lists static_lists smart_lists segmentations",
    "programs": "programs program_members tags channels",
    "campaigns": "campaigns smart_campaigns",
    "emails": "emails email_templates emails_v2 email_templates_v2 snippets fragments",
    "pages": "landing_pages landing_page_content landing_page_templates redirect_rules",
    "forms": "forms form_fields",
    "library": "folders files tokens",
    "accounts": "companies named_accounts named_account_lists opportunities opportunity_roles sales_persons",
    "objects": "custom_objects",
    "exports": "bulk.leads bulk.activities bulk.program_members bulk.custom_objects",
    "schema": "custom_activity_types custom_object_types",
    "users": "users",
    "usage": "usage",
}
AREAS: Mapping[str, str] = {family: area for area, families in _AREAS.items() for family in families.split()}

# The operations of other families that are about fields and partitions; describing a record belongs to its own area.
_SCHEMA_NAMES = """
    leads.create_fields leads.field leads.fields leads.update_field leads.partitions leads.update_partitions
    program_members.create_fields program_members.field program_members.fields program_members.update_field
    companies.field companies.fields opportunities.field opportunities.fields named_accounts.field named_accounts.fields
"""
_SCHEMA = frozenset(_SCHEMA_NAMES.split())

# The area of the records that a bulk file or a queued write holds; it must be allowed beside the operation's own.
_DATA: Mapping[str, str] = {
    "bulk.leads": "people",
    "bulk.activities": "activities",
    "bulk.program_members": "programs",
    "bulk.custom_objects": "objects",
    "ingestion.add_to_list": "lists",
    "ingestion.remove_from_list": "lists",
    "ingestion.sync_companies": "accounts",
    "ingestion.sync_custom_objects": "objects",
    "ingestion.sync_program_members": "programs",
    "ingestion.delete_program_members": "programs",
    "leads.change_program_status": "programs",
    "leads.by_program": "programs",
}


def family_of(name: str) -> str:
    """Return the family of an operation: ``bulk.leads`` of ``bulk.leads.create``."""
    return name.rpartition(".")[0]


def area_of(name: str) -> str:
    """Return the area of an operation by its dotted name; raises ``KeyError`` for one that is in no family."""
    return "schema" if name in _SCHEMA else AREAS[family_of(name)]


def data_area_of(name: str) -> str | None:
    """Return the area of the records that a call carries, if that is not the operation's own area."""
    return _DATA.get(name) or _DATA.get(family_of(name))


class Scope(Enum):
    """A kind of id that an agent can be confined to."""

    LIST = "list_id"
    PROGRAM = "program_id"
    CAMPAIGN = "campaign_id"
    WORKSPACE = "workspace"


# What a member of a path, a query or a body names, in every family that has it. ``*`` is each member of a list.
_EVERYWHERE: Mapping[str, Scope] = {
    "listId": Scope.LIST,
    "filter.staticListId": Scope.LIST,
    "programId": Scope.PROGRAM,
    "filter.programId": Scope.PROGRAM,
    "filter.programIds": Scope.PROGRAM,
    "programs.*.programId": Scope.PROGRAM,
    "appData.programId": Scope.PROGRAM,
    "campaignId": Scope.CAMPAIGN,
    "workspaceName": Scope.WORKSPACE,
    "workSpace": Scope.WORKSPACE,
    "workspace": Scope.WORKSPACE,
    "workspaceId": Scope.WORKSPACE,
    "input.*.workspaceId": Scope.WORKSPACE,
    "appData.workspaceId": Scope.WORKSPACE,
    "userRoleWorkspaces.*.workspaceId": Scope.WORKSPACE,
}
# What ``id`` names, where that is one of these kinds.
_IDS: Mapping[str, Scope] = {
    "lists": Scope.LIST,
    "static_lists": Scope.LIST,
    "programs": Scope.PROGRAM,
    "campaigns": Scope.CAMPAIGN,
    "smart_campaigns": Scope.CAMPAIGN,
}
_FOLDERS = ("folder", "root", "parent")  # a program is the folder of its assets
_PROGRAM_FILTERS: Mapping[str, Scope] = {
    "id": Scope.PROGRAM,
    "programId": Scope.PROGRAM,
    "workspace": Scope.WORKSPACE,
}

NamedIds = Mapping[Scope, frozenset[str]]


def named_ids(operation: Operation, plan: Plan[Any]) -> NamedIds:
    """Return the ids and names of each kind that a call names on the wire, as text.

    They come from path, query and body as they are sent, not from the caller's arguments. Names of lists and programs
    are not ids: a call that names only those names nothing here.
    """
    found: dict[Scope, set[str]] = {}
    for scope, value in _named(operation, plan):
        values = value if isinstance(value, list | tuple | set | frozenset) else [value]
        found.setdefault(scope, set()).update(str(one) for one in values if one is not None)
    return {scope: frozenset(values) for scope, values in found.items() if values}


def _named(operation: Operation, plan: Plan[Any]) -> Iterator[tuple[Scope, object]]:
    family = family_of(operation.name)
    sent: list[Mapping[str, Any]] = [plan.path, plan.query, plan.form or {}]
    if plan.json is not None:
        sent.append(_body(plan.json))
    for members in sent:
        for name, scope in _EVERYWHERE.items():
            yield from ((scope, value) for value in _at(members, name.split(".")))
        if family in _IDS and "id" in members:
            yield _IDS[family], members["id"]
        yield from ((Scope.PROGRAM, _program(members.get(name))) for name in _FOLDERS)
        if members.get("folderType") == "Program" and "folderId" in members:
            yield Scope.PROGRAM, members["folderId"]
        if family == "programs" and members.get("filterType") in _PROGRAM_FILTERS:
            yield _PROGRAM_FILTERS[str(members["filterType"])], members.get("filterValues")
    if family in {"folders", "tokens"} and "id" in plan.path:
        kinds = [members.get(name) for members in sent for name in ("type", "folderType")]
        if "Program" in kinds:
            yield Scope.PROGRAM, plan.path["id"]


def _at(members: object, path: list[str]) -> Iterator[object]:
    if not path:
        yield members
    elif path[0] == "*":
        for member in members if isinstance(members, list) else []:
            yield from _at(member, path[1:])
    elif isinstance(members, Mapping) and path[0] in members:
        yield from _at(members[path[0]], path[1:])


def _program(value: object) -> object:
    """Return the id of a folder that is a program; a query carries it as JSON, a form as a Struct."""
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(value)
        except msgspec.DecodeError:
            return None
    if isinstance(value, Struct):
        value = msgspec.to_builtins(value)
    return value.get("id") if isinstance(value, Mapping) and value.get("type") == "Program" else None


def _body(json: object) -> Mapping[str, Any]:
    """Return a JSON body as plain values; the records of a write are not part of it."""
    body = msgspec.to_builtins(json, enc_hook=_opaque)
    return body if isinstance(body, Mapping) else {}


def _opaque(_: object) -> object:
    return None
