"""Email templates."""

from __future__ import annotations

from marketo_async.models.assets import DesignedAsset


class EmailTemplate(DesignedAsset, frozen=True, kw_only=True, rename="camel"):
    """An email template; a separate call returns its HTML."""

    url: str | None = None
    workspace: str | None = None
    version: int | None = None
