"""Names of tables and columns: Marketo's names in snake_case, within 63 characters, and never two alike. Pure.

dlt would normalize names too; these are fixed points of its snake_case, so that it changes none of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from hashlib import sha256

from msgspec import Struct

MOST = 63  # characters of an identifier in Postgres: https://www.postgresql.org/docs/current/limits.html
_ACRONYM = re.compile(r"([A-Z]+)([A-Z][a-z])")
_HUMP = re.compile(r"([a-z0-9])([A-Z])")
_OTHER = re.compile(r"[^a-z0-9]+")
_DIGEST = 6


class NameClash(Struct, frozen=True):
    """A name of Marketo's whose plain column is taken by another one, and the column that it has instead."""

    source: str
    plain: str
    column: str

    def __str__(self) -> str:
        return f"{self.source!r} is kept as {self.column!r}, as another name became {self.plain!r}"


def snake(name: str) -> str:
    """Return a name in snake_case: ``marketoGUID`` becomes ``marketo_guid``; never empty, never with a digit first."""
    split = _HUMP.sub(r"\1_\2", _ACRONYM.sub(r"\1_\2", name)).lower()
    plain = _OTHER.sub("_", split).strip("_")
    if not plain:
        return f"n_{_digest(name)}"
    if plain[0].isdigit():
        plain = f"n_{plain}"
    return _shortened(plain, name)


def columns_of(
    sources: Iterable[str], taken: Mapping[str, str] | None = None, *, reserved: Iterable[str] = ()
) -> tuple[dict[str, str], list[NameClash]]:
    """Return a column for each of Marketo's names, and the clashes.

    ``taken`` are the columns that names have already; they keep them, whatever comes. ``reserved`` are columns of the
    mirror's own. A name whose plain column is taken gets a suffix that depends on nothing but the name.
    """
    columns = dict(taken or {})
    used = {*columns.values(), *reserved}
    clashes: list[NameClash] = []
    asked = list(dict.fromkeys(sources))
    for source in asked:
        if source in columns:
            continue
        column = plain = snake(source)
        if plain in used:
            column = f"{plain[: MOST - _DIGEST - 1].rstrip('_')}_{_digest(source)}"
            clashes.append(NameClash(source, plain, column))
        used.add(column)
        columns[source] = column
    return {source: columns[source] for source in asked}, clashes


def _shortened(plain: str, name: str) -> str:
    if len(plain) <= MOST:
        return plain
    return f"{plain[: MOST - _DIGEST - 1].rstrip('_')}_{_digest(name)}"


def _digest(name: str) -> str:
    return sha256(name.encode()).hexdigest()[:_DIGEST]
