"""`Instance`: one Marketo instance as a TOML file describes it: its address, its credentials, its limits.

::

    [instances.main]
    munchkin_id = "123-ABC-456"                        # or base_url, as Admin > Web Services shows it
    client_id = { env = "MARKETO_CLIENT_ID" }          # or { file = "/run/secrets/id" }, or the text itself
    client_secret = { env = "MARKETO_CLIENT_SECRET" }
    calls_a_day = 20_000                               # optional: the daily quota that this client may use
    store = "/var/lib/marketo-async/main.db"           # optional: a SQLite file or redis:// URL that processes share

A credential is read from its variable or file when a client is made, so a file can be checked on a machine that does
not have them. No error and no ``repr`` shows a credential.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct

from marketo_async.client import Marketo, base_url_of
from marketo_async.errors import ConfigurationError
from marketo_async.governor import Governor, Limits, SQLiteStore

T = TypeVar("T")

MUNCHKIN_ID = re.compile(r"\d{3}-[A-Za-z0-9]{3}-\d{3}")
_ELSEWHERE = 'either { env = "NAME" } or { file = "PATH" }'


class CredentialSource(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The place of a credential: an environment variable or a file."""

    env: Annotated[str, Meta(min_length=1)] | None = None
    file: Annotated[str, Meta(min_length=1)] | None = None


class Instance(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One described instance. `instances_of` and `load_instances` make and check it."""

    munchkin_id: str | None = None
    base_url: str | None = None
    client_id: str | CredentialSource
    client_secret: str | CredentialSource
    calls_a_day: Annotated[int, Meta(ge=1)] | None = None
    store: Annotated[str, Meta(min_length=1)] | None = None

    def __repr__(self) -> str:
        return f"<Instance {self.endpoint}>"

    def __rich_repr__(self) -> list[tuple[str, str]]:
        return [("endpoint", self.endpoint)]

    @property
    def endpoint(self) -> str:
        """The origin of its REST API, without ``/rest``."""
        return base_url_of(self.munchkin_id or self.base_url or "")

    @property
    def literal(self) -> bool:
        """Whether a credential is written in the file itself."""
        return isinstance(self.client_id, str) or isinstance(self.client_secret, str)

    def governor(self) -> Governor:
        """Make a governor with the daily calls and the store that the file gives, and Marketo's other limits."""
        limits = Limits() if self.calls_a_day is None else Limits(daily=self.calls_a_day)
        if self.store is None:
            return Governor(limits)
        if "://" in self.store:
            from marketo_async.governor import RedisStore  # noqa: PLC0415 - it needs the redis extra

            return Governor(limits, store=RedisStore(self.store, instance=self.endpoint.partition("://")[2]))
        return Governor(limits, store=SQLiteStore(self.store))

    def client(self, *, governor: Governor | None = None, environment: Mapping[str, str] | None = None) -> Marketo:
        """Make a client; by default, the process's environment is read, and the client has a governor of its own.

        Raises `ConfigurationError` for a variable that is not set, or a file that can't be read.
        """
        env = os.environ if environment is None else environment
        return Marketo(
            self.endpoint,
            client_id=_read("client_id", self.client_id, env),
            client_secret=_read("client_secret", self.client_secret, env),
            munchkin_id=self.munchkin_id.upper() if self.munchkin_id else None,
            governor=governor or self.governor(),
        )


def load_instances(path: Path | str) -> dict[str, Instance]:
    """Read a TOML file that holds ``[instances.NAME]`` tables and nothing else.

    Raises `ConfigurationError` with the line or the path of what is wrong.
    """
    table = read_toml(path)
    if unknown := sorted(table.keys() - {"instances"}):
        raise ConfigurationError(f"{path}: {unknown[0]!r} is not known here; this file takes [instances.NAME] tables")
    return instances_of(table.get("instances"), str(path))


def instances_of(tables: object, source: str) -> dict[str, Instance]:
    """Return the instances of an ``[instances.NAME]`` table, by name; ``source`` names their file in errors.

    Raises `ConfigurationError` where none is described, or where one can't be used.
    """
    if not isinstance(tables, dict) or not tables:
        raise ConfigurationError(f"{source}: it describes no instance; add a table such as [instances.main]")
    found = {name: decode_table(table, Instance, f"{source}: instances.{name}") for name, table in tables.items()}
    for name, instance in found.items():
        _check(instance, f"{source}: instances.{name}")
    return found


def read_toml(path: Path | str) -> dict[str, object]:
    """Return the content of a TOML file. Raises `ConfigurationError` with the line of a mistake."""
    try:
        with Path(path).open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise ConfigurationError(f"{path}: it can't be read ({error.strerror}); check the path") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path}: it is not TOML: {error}") from error


def decode_table(table: object, kind: type[T], place: str) -> T:
    """Return a table as a Struct; ``place`` is its file and path.

    Raises `ConfigurationError` with the path of the first mistake, and the possible keys where a key is unknown.
    """
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$")
        path = where.rstrip("`")
        possible = f"; possible are {', '.join(_keys_at(kind, path))}" if "unknown field" in what else ""
        # msgspec's message repeats types and keys, never a value, which might be a secret.
        raise ConfigurationError(f"{place}{path}: {what[:1].lower()}{what[1:]}{possible}") from error


def _keys_at(kind: type, path: str) -> tuple[str, ...]:
    """Return the keys of the Struct at a path such as ``.limits`` within ``kind``."""
    found = msgspec.inspect.type_info(kind)
    for name in filter(None, path.split(".")):
        fields = {field.encode_name: field.type for field in getattr(found, "fields", ())}
        found = _struct_in(fields[name])
    return tuple(field.encode_name for field in getattr(found, "fields", ()))


def _struct_in(found: msgspec.inspect.Type) -> msgspec.inspect.Type:
    """Return the Struct of a union such as ``str | CredentialSource``, or the type itself."""
    options = found.types if isinstance(found, msgspec.inspect.UnionType) else (found,)
    return next((option for option in options if isinstance(option, msgspec.inspect.StructType)), found)


def _check(instance: Instance, place: str) -> None:
    if (instance.munchkin_id is None) == (instance.base_url is None):
        raise ConfigurationError(f"{place}: give munchkin_id or base_url, and only one of them")
    if instance.munchkin_id is not None and not MUNCHKIN_ID.fullmatch(instance.munchkin_id):
        raise ConfigurationError(
            f"{place}.munchkin_id: {instance.munchkin_id[:20]!r} is not a munchkin id like '123-ABC-456'"
        )
    try:
        base_url_of(instance.base_url or instance.munchkin_id or "")
    except ConfigurationError as error:
        raise ConfigurationError(f"{place}.base_url: {error}") from error
    for name, given in (("client_id", instance.client_id), ("client_secret", instance.client_secret)):
        if given == "":
            raise ConfigurationError(f"{place}.{name}: it is empty; give the text, {_ELSEWHERE}")
        if isinstance(given, CredentialSource) and (given.env is None) == (given.file is None):
            raise ConfigurationError(f"{place}.{name}: give {_ELSEWHERE}")


def _read(name: str, given: str | CredentialSource, environment: Mapping[str, str]) -> str:
    """Return a credential. Raises `ConfigurationError` where its variable is not set or its file can't be read."""
    if isinstance(given, str):
        return given
    if given.env is not None:
        if value := environment.get(given.env):
            return value
        raise ConfigurationError(f"{name}: the variable {given.env} is not set; set it in the environment")
    path = Path(given.file or "")
    try:
        value = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{name}: {path} can't be read ({type(error).__name__}); check the path") from error
    if not value:
        raise ConfigurationError(f"{name}: {path} is empty; write the credential into it")
    return value
