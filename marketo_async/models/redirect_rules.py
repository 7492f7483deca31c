"""Redirect rules of landing pages, and the domains of landing pages."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from marketo_async.models.moment import Moment


class RedirectFrom(Struct, frozen=True):
    """The source of a redirect: a landing page by its id, or a path on the rule's host."""

    type: Literal["landingPageId", "path"]
    value: str


class RedirectTo(Struct, frozen=True):
    """The target of a redirect: a landing page by its id, or any URL."""

    type: Literal["landingPageId", "url"]
    value: str


class RedirectEnd(Struct, frozen=True):
    """One end of a rule as Marketo returns it: the id of a landing page is a number."""

    type: str
    value: str | int | None = None


class RedirectRule(Struct, frozen=True, kw_only=True, rename="camel"):
    """A redirect rule."""

    id: int
    hostname: str | None = None
    redirect_from: RedirectEnd | None = None
    redirect_to: RedirectEnd | None = None
    redirect_from_url: str | None = None
    redirect_to_url: str | None = None
    created_at: Moment | None = None
    updated_at: Moment | None = None


class LandingPageDomain(Struct, frozen=True):
    """A host that serves landing pages: a ``domain`` or a ``domain-alias``."""

    hostname: str
    type: str | None = None
