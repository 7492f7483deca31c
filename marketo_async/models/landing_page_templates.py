"""Landing page templates and their HTML."""

from __future__ import annotations

from typing import Literal

from msgspec import field

from marketo_async.models.assets import DesignedAsset, Document

TemplateType = Literal["freeForm", "guided"]


class LandingPageTemplate(DesignedAsset, frozen=True, kw_only=True, rename="camel"):
    """A landing page template; a separate call returns its HTML."""

    url: str | None = None
    workspace: str | None = None
    template_type: str | None = None
    enable_munchkin: bool | None = None


class LandingPageDocument(Document, frozen=True, kw_only=True):
    """The HTML of a landing page template."""

    template_type: str | None = field(default=None, name="templateType")
    enable_munchkin: bool | None = field(default=None, name="enableMunchkin")
