"""The field names that shells complete: kept in a file for each instance whenever `call` describes a kind of record.

A shell that completes makes no call, so a family without a description completes nothing.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import msgspec
from platformdirs import user_cache_path

from marketo_async.atomic_file import replace_file
from marketo_async.cli.sharing import name_of
from marketo_async.client import base_url_of
from marketo_async.errors import ConfigurationError

_KEPT = 30 * 86_400.0  # fields are rarely renamed, and a wrong completion does no harm
# The families that name fields of another one.
_DESCRIBED_BY = {"lists": "leads", "bulk.leads": "leads", "activities": "leads", "bulk.program_members": "leads"}

Names = dict[str, tuple[float, list[str]]]


def cached_fields(family: str) -> list[str]:
    """Return the field names of a family from the last description of this shell's instance."""
    instance = os.environ.get("MARKETO_BASE_URL") or os.environ.get("MARKETO_MUNCHKIN_ID")
    if not instance:
        return []
    try:
        found = _read(_file(base_url_of(instance)))
    except (OSError, ConfigurationError):
        return []
    kept, names = found.get(_DESCRIBED_BY.get(family, family), (0.0, []))
    return names if time.time() - kept < _KEPT else []


def keep_fields(base_url: str, operation: str, described: object) -> None:
    """Keep the field names of an answer, if ``operation`` describes a kind of record."""
    family, _, verb = operation.rpartition(".")
    if verb not in {"describe", "describe2"} or not (names := _names(msgspec.to_builtins(described))):
        return
    path = _file(base_url)
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, msgspec.json.encode({**_read(path), family: (time.time(), names)}))


def _names(described: object) -> list[str]:
    """Return the REST names of the fields of a description; that of leads has them one level deeper."""
    fields: object = described.get("fields") if isinstance(described, dict) else described
    found = [
        field.get("rest", field) for field in (fields if isinstance(fields, list) else ()) if isinstance(field, dict)
    ]
    return sorted(str(field["name"]) for field in found if field is not None and "name" in field)


def _read(path: Path) -> Names:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Names)
    except (FileNotFoundError, msgspec.DecodeError):
        return {}


def _file(base_url: str) -> Path:
    return user_cache_path("marketo-async") / f"fields-{name_of(base_url)}.json"
