"""`Target`: where a mirror writes, as one text: ``duckdb:///file``, ``postgresql://...`` or ``dlt:NAME``.

A password in it shows in no text that this package writes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from msgspec import Struct

from marketo_async.errors import ConfigurationError

PASSWORD_VARIABLE = "MARKETO_MIRROR_PASSWORD"  # noqa: S105 - the name of a variable
_MAIN = "main"  # DuckDB's own schema; a schema with the name of its file would be ambiguous
_NAMED = "marketo"
_HIDDEN = "***"
_FORMS = (
    "duckdb:///file.duckdb, postgresql://user@host/database, or dlt:NAME of a destination in your dlt configuration"
)


class Secret(str):
    """Text that shows in no repr."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(_HIDDEN)


class Target(Struct, frozen=True, kw_only=True):
    """A destination, and the dataset (schema) in it.

    ``place`` is the path of a DuckDB file, the URL of a Postgres without its password, or a name of dlt's
    configuration.
    """

    kind: Literal["duckdb", "postgres", "dlt"]
    place: str
    dataset: str
    password: Secret | None = None

    def __str__(self) -> str:
        prefix = {"duckdb": "duckdb:///", "postgres": "", "dlt": "dlt:"}[self.kind]
        return f"{prefix}{self.place}"

    @property
    def digest(self) -> str:
        """A short name of the target that holds no secret."""
        return sha256(f"{self.kind} {self.place} {self.dataset}".encode()).hexdigest()[:12]

    def hide(self, text: str) -> str:
        """Return a text without the password."""
        return text.replace(self.password, _HIDDEN) if self.password else text


def target_of(
    text: str, *, dataset: str | None = None, environ: Mapping[str, str] = os.environ, here: Path | None = None
) -> Target:
    """Read a target.

    ``dataset`` is the schema of the tables: by default "main" in DuckDB, elsewhere "marketo".
    The password of a Postgres may stand in the URL, or in the environment variable MARKETO_MIRROR_PASSWORD, or in
    PGPASSWORD. A relative path of a DuckDB file begins at ``here``, the current directory. Raises `ConfigurationError`
    for any other text, which is not repeated, as it may hold a password.
    """
    scheme, colon, rest = text.partition(":")
    if scheme == "duckdb" and colon:
        path = rest.removeprefix("///")
        if not path or (rest.startswith("//") and not rest.startswith("///")):
            raise ConfigurationError(
                "the target names no file; pass duckdb:///marketo.duckdb, or duckdb:////absolute/path"
            )
        if dataset and dataset != _MAIN and dataset.casefold() == Path(path).stem.casefold():
            raise ConfigurationError(
                f"DuckDB can't tell the schema {dataset!r} from the database {Path(path).name!r}; call the file or the"
                " dataset something else"
            )
        return Target(kind="duckdb", place=str((here or Path.cwd()) / path), dataset=dataset or _MAIN)
    if scheme == "dlt" and rest:
        return Target(kind="dlt", place=rest, dataset=dataset or _NAMED)
    if scheme in {"postgresql", "postgres"}:
        return _postgres(text, dataset or _NAMED, environ)
    raise ConfigurationError(f"the target is not one of the forms that are known; pass {_FORMS}")


def _postgres(text: str, dataset: str, environ: Mapping[str, str]) -> Target:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ConfigurationError(f"the target is not a URL that can be read; pass {_FORMS}") from None
    database = parts.path.removeprefix("/")
    if not database or not parts.username:
        raise ConfigurationError("the target names no user or no database; pass postgresql://user@host/database")
    options = parse_qsl(parts.query, keep_blank_values=True)
    given = [value for name, value in options if name == "password"]
    password = unquote(parts.password) if parts.password else next(iter(given), None)
    password = password or environ.get(PASSWORD_VARIABLE) or environ.get("PGPASSWORD")
    host = parts.hostname or "localhost"
    host = f"[{host}]" if ":" in host else host
    authority = f"{parts.username}@{host}" + (f":{port}" if port else "")
    others = urlencode([(name, value) for name, value in options if name != "password"], safe="/")
    query = f"?{others}" if others else ""
    place = f"postgresql://{authority}/{database}{query}"
    return Target(kind="postgres", place=place, dataset=dataset, password=Secret(password) if password else None)
