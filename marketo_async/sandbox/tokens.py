"""Paging tokens: opaque, signed, and bound to the operation and parameters that they were issued for.

A token only says where the next page begins. See ``paging`` for how pages are cut. Marketo's page:
https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/paging-tokens
"""

from __future__ import annotations

import random
from base64 import b32decode, b32encode
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import TypeVar

import msgspec

from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.parameters import split
from marketo_async.sandbox.quirks import Quirks

_SIGNATURE_BYTES = 6


class DatePosition(msgspec.Struct, array_like=True, frozen=True, tag="date"):
    """A position after a key of the activity log, after ``empties`` empty pages in a row."""

    date: float
    sequence: int
    empties: int = 0
    binding: str = ""


class ListPosition(msgspec.Struct, array_like=True, frozen=True, tag="list"):
    """A position after an id."""

    last_id: int
    binding: str


P = TypeVar("P", DatePosition, ListPosition)


def binding(operation: str, arguments: Mapping[str, str], query: Mapping[str, Sequence[str]], *unbound: str) -> str:
    """Return a digest of all parameters that must be repeated with a token."""
    repeated = [
        operation,
        sorted(arguments.items()),
        sorted((name, split(values)) for name, values in query.items() if name not in ("nextPageToken", *unbound)),
    ]
    return blake2b(msgspec.json.encode(repeated), digest_size=8).hexdigest()


class Tokens:
    """Issues the paging tokens of one instance and reads them back."""

    def __init__(self, quirks: Quirks, rng: random.Random) -> None:
        self._quirks = quirks
        self._key = rng.randbytes(16)

    def issue(self, position: DatePosition | ListPosition) -> str:
        """Return the token for a position."""
        payload = msgspec.json.encode(position) + b" " * self._quirks.token_padding
        return b32encode(self._sign(payload) + payload).decode()

    def read(self, token: str, kind: type[P], bound_to: str) -> P:
        """Return the position of a token; a token that was never used with parameters is not bound yet."""
        try:
            signed = b32decode(token)
        except ValueError:
            raise _invalid() from None
        signature, payload = signed[:_SIGNATURE_BYTES], signed[_SIGNATURE_BYTES:]
        if self._sign(payload) != signature:
            raise _invalid()
        try:
            position = msgspec.json.decode(payload, type=kind)
        except msgspec.ValidationError:
            raise _invalid() from None
        if self._quirks.bound_tokens and position.binding and position.binding != bound_to:
            raise _invalid()
        return position

    def _sign(self, payload: bytes) -> bytes:
        return blake2b(payload, key=self._key, digest_size=_SIGNATURE_BYTES).digest()


def _invalid() -> ApiError:
    return ApiError("1003", "Invalid nextPageToken")
