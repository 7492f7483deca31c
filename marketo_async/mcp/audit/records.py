"""`AuditRecord`: one line of the audit; `Masker`: what it may show of the arguments of a call. Pure.

Ids, counts, names of fields, dates and choices are shown. An address is shown as ``j***@example.com``, and found again
by its keyed hash; of all other text, only its length is shown. Of a list of records, their number and the names of
their fields are shown.
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
from msgspec import Struct

from marketo_async.mcp.masking import ADDRESS, masked_address

RecordKind = Literal["intent", "outcome", "denied", "auth", "policy", "approval"]


class AuditRecord(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One record. An ``outcome`` names the number of its ``intent``; times are in seconds.

    ``via`` is the way to the server (stdio, http), ``where`` the instance. ``decision`` is allowed, denied, or who
    confirmed. ``digest`` identifies the call as it is sent, ``about`` has the keyed hashes of the addresses in it.
    ``calls`` counts attempts, ``code`` is Marketo's or the kind of the error.
    """

    at: str
    kind: RecordKind
    agent: str = ""
    via: str = ""
    tool: str = ""
    operation: str = ""
    effect: str = ""
    where: str = ""
    decision: str = ""
    rule: str = ""
    says: str = ""
    arguments: dict[str, Any] = {}
    digest: str = ""
    plan: str = ""
    approved_by: str = ""
    intent: int = 0
    calls: int = 0
    waited: float = 0.0
    ms: float = 0.0
    records: int = 0
    request_ids: list[str] = []
    code: str = ""
    about: list[str] = []


def members_of_record(record: AuditRecord) -> dict[str, object]:
    """Return the members of a record that are set."""
    found: dict[str, object] = msgspec.to_builtins(record)
    return found


def moment(epoch: float) -> str:
    """Return a moment of the wall clock as a record shows it: UTC, to the millisecond."""
    return datetime.fromtimestamp(epoch, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


_CHOICES = frozenset(
    (
        "filterType",
        "fields",
        "action",
        "lookupField",
        "dedupeBy",
        "deleteBy",
        "format",
        "status",
        "statusName",
        "type",
        "folderType",
        "filter",
        "priority",
    )
)
_API_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,59}")
_CHOICE = re.compile(r"[A-Za-z][A-Za-z0-9_. ]{0,59}")
_ID = re.compile(r"[0-9]{1,12}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{3}-[A-Za-z0-9]{3}-\d{3}|[a-z0-9]+_c")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d([T ][0-9:.]{4,15}(Z|[+-]\d\d:?\d\d)?)?")
_IDENTIFIERS = frozenset({"id", "leadId", "marketoGUID", "programId", "campaignId", "listId", "activityTypeId"})
_MANY = 5  # members of a list of texts that are shown
_HASH_LENGTH = 16


class Masker:
    """Masks what goes into the audit, with the key of the audit's owner."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def hashed(self, address: str) -> str:
        """Return the keyed hash of an address, by which records about it are found."""
        digest = hmac.digest(self._key, address.strip().casefold().encode(), "sha256")
        return f"hmac:{urlsafe_b64encode(digest)[:_HASH_LENGTH].decode()}"

    def about(self, sent: object) -> list[str]:
        """Return the keyed hashes of all addresses in what a call sends, each once."""
        found: dict[str, None] = {}
        self._collect(sent, found)
        return list(found)

    def _collect(self, value: object, found: dict[str, None]) -> None:
        if isinstance(value, str):
            if "@" in value:
                found.update((self.hashed(match[0]), None) for match in ADDRESS.finditer(value))
        elif isinstance(value, Mapping):
            for name, member in value.items():
                self._collect(name, found)
                self._collect(member, found)
        elif isinstance(value, list | tuple):
            for member in value:
                self._collect(member, found)

    def shown(self, sent: Mapping[str, object]) -> dict[str, Any]:
        """Return what a record shows of what a call sends (see ``calls.sent``)."""
        return {str(part): _members(members, part) for part, members in sent.items()}


def _members(value: object, name: str) -> Any:
    if isinstance(value, Mapping):
        return {_key(key): _members(member, str(key)) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return _list(value, name)
    if isinstance(value, str):
        return _text(value, name)
    return value if isinstance(value, int | float | None) else f"{type(value).__name__}"


def _list(values: list[object] | tuple[object, ...], name: str) -> Any:
    """Return what is shown of a list: ids whole, of records their number and their fields, of texts the first ones."""
    if all(isinstance(value, int) for value in values):
        return list(values)
    if all(isinstance(value, Mapping) for value in values):
        names = {str(key) for value in values if isinstance(value, Mapping) for key in value}
        if len(names) == 1 and names <= _IDENTIFIERS:
            key = next(iter(names))
            return {key: [_members(value[key], key) for value in values if isinstance(value, Mapping)]}
        return {"records": len(values), "fields": sorted({_key(key) for key in names})}
    shown = [_members(value, name) for value in values]
    return shown if name in _CHOICES or len(shown) <= _MANY else [*shown[:_MANY], f"and {len(shown) - _MANY} more"]


def _key(name: object) -> str:
    return str(name) if _API_NAME.fullmatch(str(name)) else f"name({len(str(name))})"


def _text(value: str, name: str) -> str:
    if ADDRESS.fullmatch(value):
        return masked_address(value)
    if _ID.fullmatch(value) or _MOMENT.fullmatch(value) or (name in _CHOICES and _CHOICE.fullmatch(value)):
        return value
    return f"text({len(value)})"
