"""Tables that are the listing of a family: lists, programs, channels, emails and other assets. Each is read as a whole.

The columns are the members of the family's model. A listing returns what is there now, so what it no longer returns was
deleted.

https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/assets/assets
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from functools import cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct

from marketo_async.client import Marketo
from marketo_async.mirror.backfill.context import LoadContext
from marketo_async.mirror.backfill.passes import DAILY, WEEKLY, Pass
from marketo_async.mirror.chunks import MirrorRow
from marketo_async.mirror.package import Put
from marketo_async.mirror.tables import LISTS, PROGRAMS, MirrorTable, table_of
from marketo_async.models.channels import Channel
from marketo_async.models.columns import ColumnType
from marketo_async.models.emails import Email
from marketo_async.models.folders import Folder
from marketo_async.models.forms import Form
from marketo_async.models.landing_pages import LandingPage
from marketo_async.models.moment import Moment
from marketo_async.models.segmentations import Segment, Segmentation
from marketo_async.models.smart_campaigns import SmartCampaign
from marketo_async.models.tags import TagType

_DEPTH = 100  # of the tree of folders
_TYPES: Mapping[object, ColumnType] = {
    int: "bigint",
    str: "text",
    bool: "bool",
    float: "double",
    Moment: "timestamp",
}

_PLAIN = frozenset[ColumnType]({"bigint", "text", "double", "bool"})

Pages = AsyncIterator[Sequence[MirrorRow]]


class ListingKind(Struct, frozen=True):
    """A table that is a listing: how its pages are read, and how often."""

    table: MirrorTable
    pages: Callable[[Marketo], Pages]
    every: float = DAILY


class ListingPass(Pass):
    """Reads a listing."""

    def __init__(self, context: LoadContext, kind: ListingKind) -> None:
        super().__init__(context, kind.table, every=kind.every)
        self._pages = kind.pages
        self._seen: set[tuple[object, ...]] = set()

    async def read(self, put: Put) -> None:
        """Put every page."""
        self._seen = set()
        await self.context.meter.allow()
        read_at = self.context.clock()
        async with aclosing(self._pages(self.context.marketo)) as pages:  # type: ignore[type-var]
            async for rows in pages:
                self._seen |= {self.table.key_of(row) for row in rows}
                await self.rows(put, rows, read_at)
                read_at = self.context.clock()
                await self.context.meter.allow()

    async def compare(self, put: Put, started: float) -> None:
        """Put the deletions of what the listing no longer has."""
        sources = [column.source for column in self.table.key_columns]
        known = await self.context.stored(self.table, sources, before=started)
        gone = [dict(zip(sources, key, strict=True)) for key in sorted(set(known) - self._seen, key=repr)]
        await self.remove(put, gone, started)


@cache
def listing_kinds() -> Mapping[str, ListingKind]:
    """Return the tables that are listings, by name."""
    return {kind.table.name: kind for kind in _kinds()}


def model_table(
    name: str, key: Sequence[str], model: type[Struct], own: Iterable[tuple[str, ColumnType]] = ()
) -> MirrorTable:
    """Return a table with a column for each member of a model, by Marketo's names; members with members are JSON."""
    hints = get_type_hints(model, include_extras=True)
    columns: dict[str, ColumnType] = dict(own)
    columns |= {field.encode_name: _column_type(hints[field.name]) for field in msgspec.structs.fields(model)}
    return table_of(name, key, columns.items())[0]


def _column_type(hint: object) -> ColumnType:
    while get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    if get_origin(hint) in (Union, UnionType):
        kinds: set[ColumnType] = {_column_type(one) for one in get_args(hint) if one is not type(None)}
        if len(kinds) == 1:
            return kinds.pop()
        return "text" if kinds <= _PLAIN else "json"
    return _TYPES.get(hint, "json")


def _kinds() -> Iterator[ListingKind]:
    yield ListingKind(LISTS, lambda marketo: _all(marketo.lists.browse().pages()))
    yield ListingKind(PROGRAMS, lambda marketo: _all(marketo.programs.browse().pages()))
    yield ListingKind(model_table("emails", ["id"], Email), lambda marketo: _all(marketo.emails.browse().pages()))
    yield ListingKind(model_table("forms", ["id"], Form), lambda marketo: _all(marketo.forms.browse().pages()))
    yield ListingKind(
        model_table("landing_pages", ["id"], LandingPage),
        lambda marketo: _all(marketo.landing_pages.browse().pages()),
    )
    yield ListingKind(
        model_table("smart_campaigns", ["id"], SmartCampaign),
        lambda marketo: _all(marketo.smart_campaigns.browse().pages()),
    )
    yield ListingKind(model_table("channels", ["id"], Channel), lambda marketo: _all(marketo.channels.browse().pages()))
    yield ListingKind(model_table("tags", ["tagType"], TagType), lambda marketo: _all(marketo.tags.browse().pages()))
    yield ListingKind(model_table("folders", ["id", "type"], Folder, [("type", "text")]), _folders)
    yield ListingKind(model_table("segmentations", ["id"], Segmentation), _segmentations)
    yield ListingKind(model_table("segments", ["id"], Segment), _segments)
    yield ListingKind(TOKENS, _tokens, every=WEEKLY)  # one call for each folder and program


TOKENS, _ = table_of(
    "tokens",
    ["folderId", "folderType", "type", "name"],
    [
        ("folderId", "bigint"),
        ("folderType", "text"),
        ("type", "text"),
        ("name", "text"),
        ("value", "text"),
        ("computedUrl", "text"),
    ],
)


async def _all(pages: AsyncIterator[Any]) -> Pages:
    """Yield pages of a listing as rows."""
    async with aclosing(pages) as found:  # type: ignore[type-var]
        async for page in found:
            yield [msgspec.to_builtins(one) for one in page.items]


async def _folders(marketo: Marketo) -> Pages:
    async for page in marketo.folders.browse(max_depth=_DEPTH).pages():
        yield [{**msgspec.to_builtins(one), "type": one.reference.type} for one in page.items]


async def _segmentations(marketo: Marketo) -> Pages:
    yield [msgspec.to_builtins(one) for one in await marketo.segmentations.browse()]


async def _segments(marketo: Marketo) -> Pages:
    for one in await marketo.segmentations.browse():
        async for page in marketo.segmentations.segments(one.id).pages():
            yield [{**msgspec.to_builtins(segment), "segmentationId": one.id} for segment in page.items]


async def _tokens(marketo: Marketo) -> Pages:
    async for page in marketo.folders.browse(max_depth=_DEPTH).pages():
        for folder in page.items:
            own = {"folderId": folder.id, "folderType": folder.reference.type}
            yield [{**msgspec.to_builtins(token), **own} for token in await marketo.tokens.browse(folder.reference)]
