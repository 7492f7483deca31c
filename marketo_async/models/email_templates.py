"""Email templates."""

from __future__ import annotations

from marketo_async.models.assets import DesignedAsset


class EmailTemplate(DesignedAsset, frozen=True, kw_only=True, rename="camel"):
    """An email template; its HTML is read by a call of its own."""

    url: str | None = None
    workspace: str | None = None
    version: int | None = None
