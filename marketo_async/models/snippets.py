"""Snippets and their content."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from marketo_async.models.assets import DesignedAsset

SnippetType = Literal["HTML", "Text", "DynamicContent"]


class Snippet(DesignedAsset, frozen=True, kw_only=True, rename="camel"):
    """A snippet; a separate call returns its content."""

    url: str | None = None
    workspace: str | None = None


class SnippetContent(Struct, frozen=True, kw_only=True):
    """A snippet as ``HTML`` or ``Text``, or the id of its ``DynamicContent``."""

    type: str
    content: str | None = None
