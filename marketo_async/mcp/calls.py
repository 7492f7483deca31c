"""One call as data: what it sends, its digest, and how many records it carries. Pure.

A confirmation belongs to the digest of what it confirms, so that it can't be used for anything else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Raw, Struct

from marketo_async.errors import InvalidRequest
from marketo_async.mcp.fields import RECORDS, members_at
from marketo_async.operation import File, Operation, Plan
from marketo_async.request import plain
from marketo_async.wire_value import as_json
from marketo_async.writes import Batches

_encode = msgspec.json.Encoder(order="deterministic", enc_hook=plain).encode

# Where the records of other writes are in their bodies; each path that is there counts.
_LISTS: tuple[tuple[str, ...], ...] = (("input", "leads"), ("programs", "members"), ("ids",), ("input",))


def whole(batches: Batches[Any]) -> Plan[Any]:
    """Return one plan with all the records of a write, to judge it; it may be larger than a call can be.

    Raises `InvalidRequest` where the records are not a list: a stream can't be judged as a whole.
    """
    if not isinstance(batches.records, Sequence):
        raise InvalidRequest("the records are read while they are sent; pass a list, which can be judged as a whole")
    return batches.plan(Raw(msgspec.json.encode([row_of(batches, one) for one in batches.records], enc_hook=plain)))


def row_of(batches: Batches[Any], record: object) -> object:
    """Return what is sent of a record, as plain JSON values."""
    row = record if batches.row is None else batches.row(record)
    return as_json(row)


def sent(plan: Plan[Any]) -> dict[str, object]:
    """Return what a call sends, as plain JSON values; of a file, its name, size and SHA-256."""
    parts = {
        "path": plan.path,
        "query": plan.query,
        "form": plan.form,
        "json": plan.json,
        "files": {name: _file(file) for name, file in (plan.files or {}).items()},
    }
    return {name: _without_none(_plain(part)) for name, part in parts.items() if part}


def digest(operation: Operation, plan: Plan[Any]) -> str:
    """Return the SHA-256 of an operation and all that a call of it sends."""
    return digest_of_sent(operation, sent(plan))


def digest_of_sent(operation: Operation, what: Mapping[str, object]) -> str:
    """Return the digest of a call that sends ``what`` (see `sent`)."""
    return hashlib.sha256(_encode([operation.name, what])).hexdigest()


def carried(operation: Operation, plan: Plan[Any]) -> int:
    """Return how many records a write carries; one where it is about a single object, and none for a read."""
    if not operation.write:
        return 0
    if operation.name == "leads.merge":
        losers = plan.query.get("leadIds") or plan.query.get("leadId")
        return len(losers) if isinstance(losers, list | tuple) else 1
    for path in (RECORDS.get(operation.name), *_LISTS):
        if path is not None and (count := sum(1 for _ in members_at(plan.json, path))):
            return count
    return 1


def _file(file: File) -> dict[str, object]:
    return {"name": file.name, "size": len(file.content), "sha256": hashlib.sha256(file.content).hexdigest()}


def _plain(value: object) -> object:
    """Return a value as plain JSON values; `Raw` JSON is decoded."""
    if isinstance(value, Raw):
        return msgspec.json.decode(value)
    if isinstance(value, Struct):
        return _plain(msgspec.to_builtins(value, enc_hook=plain))
    if isinstance(value, Mapping):
        return {str(name): _plain(member) for name, member in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(member) for member in value]
    return value if isinstance(value, str | int | float | bool | None) else msgspec.to_builtins(value, enc_hook=str)


def _without_none(value: object) -> object:
    return {k: v for k, v in value.items() if v is not None} if isinstance(value, dict) else value
