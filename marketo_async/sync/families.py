"""The families of a blocking client; each has the methods of its async twin.

See ``resources`` for the declarations.
"""

# ruff: noqa: D101, D102 - a twin has the docstrings of its family

from __future__ import annotations

from typing import TypeVar

from marketo_async import resources
from marketo_async.resources.blocking import Blocking

L = TypeVar("L")
M = TypeVar("M")


class Leads(Blocking, resources.Leads[L]):
    def of(self, model: type[M]) -> Leads[M]:
        return Leads(super().of(model), self.portal)


class Lists(Blocking, resources.Lists[L]):
    def of(self, model: type[M]) -> Lists[M]:
        return Lists(super().of(model), self.portal)


class Activities(Blocking, resources.Activities): ...


class CustomActivityTypes(Blocking, resources.CustomActivityTypes): ...


class Usage(Blocking, resources.Usage): ...


class ProgramMembers(Blocking, resources.ProgramMembers[L]):
    def of(self, model: type[M]) -> ProgramMembers[M]:
        return ProgramMembers(super().of(model), self.portal)


class Campaigns(Blocking, resources.Campaigns): ...


class Companies(Blocking, resources.Companies[L]):
    def of(self, model: type[M]) -> Companies[M]:
        return Companies(super().of(model), self.portal)


class Opportunities(Blocking, resources.Opportunities[L]):
    def of(self, model: type[M]) -> Opportunities[M]:
        return Opportunities(super().of(model), self.portal)


class OpportunityRoles(Blocking, resources.OpportunityRoles[L]):
    def of(self, model: type[M]) -> OpportunityRoles[M]:
        return OpportunityRoles(super().of(model), self.portal)


class SalesPersons(Blocking, resources.SalesPersons[L]):
    def of(self, model: type[M]) -> SalesPersons[M]:
        return SalesPersons(super().of(model), self.portal)


class NamedAccounts(Blocking, resources.NamedAccounts[L]):
    def of(self, model: type[M]) -> NamedAccounts[M]:
        return NamedAccounts(super().of(model), self.portal)


class NamedAccountLists(Blocking, resources.NamedAccountLists[L]):
    def of(self, model: type[M]) -> NamedAccountLists[M]:
        return NamedAccountLists(super().of(model), self.portal)


class CustomObjects(Blocking, resources.CustomObjects[L]):
    def of(self, model: type[M]) -> CustomObjects[M]:
        return CustomObjects(super().of(model), self.portal)


class CustomObjectTypes(Blocking, resources.CustomObjectTypes): ...


class Folders(Blocking, resources.Folders): ...


class Tokens(Blocking, resources.Tokens): ...


class Files(Blocking, resources.Files): ...


class Programs(Blocking, resources.Programs): ...


class Tags(Blocking, resources.Tags): ...


class Channels(Blocking, resources.Channels): ...


class Segmentations(Blocking, resources.Segmentations): ...


class SmartCampaigns(Blocking, resources.SmartCampaigns): ...


class SmartLists(Blocking, resources.SmartLists): ...


class StaticLists(Blocking, resources.StaticLists): ...


class Emails(Blocking, resources.Emails): ...


class EmailTemplates(Blocking, resources.EmailTemplates): ...


class Snippets(Blocking, resources.Snippets): ...


class Forms(Blocking, resources.Forms): ...


class FormFields(Blocking, resources.FormFields): ...


class LandingPages(Blocking, resources.LandingPages): ...


class LandingPageContent(Blocking, resources.LandingPageContent): ...


class LandingPageTemplates(Blocking, resources.LandingPageTemplates): ...


class RedirectRules(Blocking, resources.RedirectRules): ...


class EmailsV2(Blocking, resources.EmailsV2): ...


class EmailTemplatesV2(Blocking, resources.EmailTemplatesV2): ...


class Fragments(Blocking, resources.Fragments): ...


class Users(Blocking, resources.Users): ...


class Ingestion(Blocking, resources.Ingestion): ...
