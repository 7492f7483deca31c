"""My tokens."""

from __future__ import annotations

from msgspec import Struct

from marketo_async.models.assets import FolderReference


class Token(Struct, frozen=True, kw_only=True, rename="camel"):
    """A my token: Marketo replaces ``{{my.name}}`` with its value."""

    name: str
    type: str | None = None
    value: str | None = None
    computed_url: str | None = None


class FolderTokens(Struct, frozen=True, kw_only=True):
    """The tokens of a folder; the folder is an object, or text as Marketo's reference has it."""

    folder: FolderReference | str | None = None
    tokens: list[Token] = []
