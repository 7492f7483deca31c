"""The families of operations, one module each, and the registry of all operations.

The module of a family is imported on first use, so that a program pays only for the families that it uses. `HOMES`
declares the families; ``tests/test_families_table.py`` reports every other place that a new family needs.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar, cast

from marketo_async.auth import IDENTITY, IDENTITY_BY_POST
from marketo_async.operation import Operation
from marketo_async.resources.base import Resource

if TYPE_CHECKING:
    from marketo_async.resources.activities import Activities
    from marketo_async.resources.campaigns import Campaigns
    from marketo_async.resources.channels import Channels
    from marketo_async.resources.companies import Companies
    from marketo_async.resources.custom_activity_types import CustomActivityTypes
    from marketo_async.resources.custom_object_types import CustomObjectTypes
    from marketo_async.resources.custom_objects import CustomObjects
    from marketo_async.resources.designer import EmailsV2, EmailTemplatesV2, Fragments
    from marketo_async.resources.email_templates import EmailTemplates
    from marketo_async.resources.emails import Emails
    from marketo_async.resources.files import Files
    from marketo_async.resources.folders import Folders
    from marketo_async.resources.form_fields import FormFields
    from marketo_async.resources.forms import Forms
    from marketo_async.resources.ingestion import Ingestion
    from marketo_async.resources.landing_page_content import LandingPageContent
    from marketo_async.resources.landing_page_templates import LandingPageTemplates
    from marketo_async.resources.landing_pages import LandingPages
    from marketo_async.resources.leads import Leads
    from marketo_async.resources.lists import Lists
    from marketo_async.resources.named_accounts import NamedAccountLists, NamedAccounts
    from marketo_async.resources.opportunities import Opportunities, OpportunityRoles
    from marketo_async.resources.program_members import ProgramMembers
    from marketo_async.resources.programs import Programs
    from marketo_async.resources.redirect_rules import RedirectRules
    from marketo_async.resources.sales_persons import SalesPersons
    from marketo_async.resources.segmentations import Segmentations
    from marketo_async.resources.smart_campaigns import SmartCampaigns
    from marketo_async.resources.smart_lists import SmartLists
    from marketo_async.resources.snippets import Snippets
    from marketo_async.resources.static_lists import StaticLists
    from marketo_async.resources.tags import Tags
    from marketo_async.resources.tokens import Tokens
    from marketo_async.resources.usage import Usage
    from marketo_async.resources.users import Users

C = TypeVar("C")

# The name of each family on the client, with its module and its class.
HOMES: Mapping[str, tuple[str, str]] = {
    "leads": ("leads", "Leads"),
    "lists": ("lists", "Lists"),
    "activities": ("activities", "Activities"),
    "custom_activity_types": ("custom_activity_types", "CustomActivityTypes"),
    "usage": ("usage", "Usage"),
    "program_members": ("program_members", "ProgramMembers"),
    "campaigns": ("campaigns", "Campaigns"),
    "companies": ("companies", "Companies"),
    "opportunities": ("opportunities", "Opportunities"),
    "opportunity_roles": ("opportunities", "OpportunityRoles"),
    "sales_persons": ("sales_persons", "SalesPersons"),
    "named_accounts": ("named_accounts", "NamedAccounts"),
    "named_account_lists": ("named_accounts", "NamedAccountLists"),
    "custom_objects": ("custom_objects", "CustomObjects"),
    "custom_object_types": ("custom_object_types", "CustomObjectTypes"),
    "folders": ("folders", "Folders"),
    "tokens": ("tokens", "Tokens"),
    "files": ("files", "Files"),
    "programs": ("programs", "Programs"),
    "tags": ("tags", "Tags"),
    "channels": ("channels", "Channels"),
    "segmentations": ("segmentations", "Segmentations"),
    "smart_campaigns": ("smart_campaigns", "SmartCampaigns"),
    "smart_lists": ("smart_lists", "SmartLists"),
    "static_lists": ("static_lists", "StaticLists"),
    "emails": ("emails", "Emails"),
    "email_templates": ("email_templates", "EmailTemplates"),
    "snippets": ("snippets", "Snippets"),
    "forms": ("forms", "Forms"),
    "form_fields": ("form_fields", "FormFields"),
    "landing_pages": ("landing_pages", "LandingPages"),
    "landing_page_content": ("landing_page_content", "LandingPageContent"),
    "landing_page_templates": ("landing_page_templates", "LandingPageTemplates"),
    "redirect_rules": ("redirect_rules", "RedirectRules"),
    "emails_v2": ("designer", "EmailsV2"),
    "email_templates_v2": ("designer", "EmailTemplatesV2"),
    "fragments": ("designer", "Fragments"),
    "users": ("users", "Users"),
    "ingestion": ("ingestion", "Ingestion"),
}
_MODULES = {kind: module for module, kind in HOMES.values()}


def __getattr__(kind: str) -> type[Resource]:
    if kind not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {kind!r}")
    return cast("type[Resource]", getattr(importlib.import_module(f"{__name__}.{_MODULES[kind]}"), kind))


class _FamilyLines:
    """A client's docstring with one line for each family; the families are imported when it is read."""

    def __init__(self, text: str) -> None:
        self._text = inspect.cleandoc(text)

    def __get__(self, obj: object, owner: object) -> str:
        lines = {name: (__getattr__(kind).__doc__ or "").partition("\n")[0] for name, (_, kind) in HOMES.items()}
        lines["bulk"] = "Exports and imports of any size: `leads`, `activities`, `program_members`, `custom_objects`."
        return "\n".join((self._text, "", "Families:", *(f"    {name}: {line}" for name, line in lines.items())))


def with_families(client: type[C]) -> type[C]:
    """Let ``help`` of a client name its families, with one line each."""
    if client.__doc__ is not None:
        client.__doc__ = _FamilyLines(client.__doc__)  # type: ignore[assignment]
    return client


@cache
def families() -> tuple[type[Resource], ...]:
    """Return every family; imports them all."""
    bulk = importlib.import_module("marketo_async.bulk.namespace")
    return (*map(__getattr__, _MODULES), *bulk.FAMILIES)


def operations() -> Mapping[str, Operation]:
    """Return every operation by its dotted name: ``operations()["leads.get"].permissions``."""
    found = [operation for family in families() for operation in family.operations.values()]
    return MappingProxyType({operation.name: operation for operation in (*found, IDENTITY, IDENTITY_BY_POST)})


__all__ = [
    "HOMES",
    "Activities",
    "Campaigns",
    "Channels",
    "Companies",
    "CustomActivityTypes",
    "CustomObjectTypes",
    "CustomObjects",
    "EmailTemplates",
    "EmailTemplatesV2",
    "Emails",
    "EmailsV2",
    "Files",
    "Folders",
    "FormFields",
    "Forms",
    "Fragments",
    "Ingestion",
    "LandingPageContent",
    "LandingPageTemplates",
    "LandingPages",
    "Leads",
    "Lists",
    "NamedAccountLists",
    "NamedAccounts",
    "Opportunities",
    "OpportunityRoles",
    "ProgramMembers",
    "Programs",
    "RedirectRules",
    "Resource",
    "SalesPersons",
    "Segmentations",
    "SmartCampaigns",
    "SmartLists",
    "Snippets",
    "StaticLists",
    "Tags",
    "Tokens",
    "Usage",
    "Users",
    "families",
    "operations",
    "with_families",
]
