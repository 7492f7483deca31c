"""``marketo.redirect_rules``: redirects of landing pages, and the domains of landing pages."""

from __future__ import annotations

from datetime import datetime

from marketo_async.models.redirect_rules import LandingPageDomain, RedirectFrom, RedirectRule, RedirectTo
from marketo_async.operation import Page, Paging, Plan, Repeat, one, page
from marketo_async.paging import Distinct
from marketo_async.resources.base import endpoint, paged
from marketo_async.resources.mixins import DeleteAsset, Get, distinct


class RedirectRules(Get[RedirectRule], DeleteAsset):
    """Redirect rules of landing pages.

    See https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/assets/landing-page-redirect-rules
    """

    name, area, root = "redirect_rules", "Redirect Rules", "/rest/asset/v1/redirectRule"
    model = RedirectRule

    @paged("{root}s.json", rule=Paging.OFFSET)
    def browse(
        self,
        *,
        hostname: str | None = None,
        redirect_to_landing_page_id: int | None = None,
        redirect_to_path: str | None = None,
        earliest_updated_at: datetime | None = None,
        latest_updated_at: datetime | None = None,
        token: str | None = None,
    ) -> Plan[Page[RedirectRule]]:
        """Iterate the rules of a host, those that lead to one page, or those changed within a period."""
        query = {
            "hostname": hostname,
            "redirectToLandingPageId": redirect_to_landing_page_id,
            "redirectToPath": redirect_to_path,
            "earliestUpdatedAt": earliest_updated_at,
            "latestUpdatedAt": latest_updated_at,
        }
        return page(RedirectRule, query=query, token=token, sift=distinct(RedirectRule))

    @endpoint("POST", "{root}s.json", repeat=Repeat.SETTLES)
    def create(self, hostname: str, redirect_from: RedirectFrom, redirect_to: RedirectTo) -> Plan[RedirectRule]:
        """Create a rule; the host is a branding domain or an alias of at most 255 characters."""
        form = {"hostname": hostname, "redirectFrom": redirect_from, "redirectTo": redirect_to}
        return one(RedirectRule, form=form)

    @endpoint("POST", "{root}/{id}.json", repeat=Repeat.SAFE)
    def update(
        self,
        id: int,
        *,
        hostname: str | None = None,
        redirect_from: RedirectFrom | None = None,
        redirect_to: RedirectTo | None = None,
    ) -> Plan[RedirectRule]:
        """Change a rule; parameters that are left out keep their values."""
        form = {"hostname": hostname, "redirectFrom": redirect_from, "redirectTo": redirect_to}
        return one(RedirectRule, path={"id": id}, form=form)

    @paged("/rest/asset/v1/landingPageDomains.json", rule=Paging.OFFSET)
    def domains(self, *, token: str | None = None) -> Plan[Page[LandingPageDomain]]:
        """Iterate the domains and aliases of landing pages."""
        return page(LandingPageDomain, token=token, sift=lambda: Distinct(lambda found: found.hostname))
