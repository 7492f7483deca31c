"""Masks personal data: an address becomes ``j***@example.com``, other text its first letter or its length. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_ ]{0,59}")
# The parts have a bound each, so that no text takes more than linear time.
ADDRESS = re.compile(r"[^\s@<>\"',;:()\[\]{}=&?/|]{1,128}@[^\s@<>\"',;:()\[\]{}=&?/|]{1,255}")


def shown_name(name: str) -> str:
    """Return a name that an agent gave as a message may show it: only one that is plainly a name or a number."""
    return name if _PLAIN_NAME.fullmatch(name) else f"of {len(name)} characters"


def masked_address(address: str) -> str:
    """Return an address with the first letter of its mailbox, and its domain."""
    mailbox, _, domain = address.rpartition("@")
    return f"{mailbox[:1]}***@{domain}"


def masked(value: object) -> object:
    """Return the value of a masked field: what kind of value it is, and not which."""
    if not isinstance(value, str):
        return "***"
    return masked_address(value) if ADDRESS.fullmatch(value) else f"{value[:1]}***"


def without_addresses(value: object) -> object:
    """Return a value, or a tree of values, whose addresses are masked."""
    if isinstance(value, str):
        return ADDRESS.sub(lambda found: masked_address(found[0]), value) if "@" in value else value
    if isinstance(value, Mapping):
        return {name: without_addresses(member) for name, member in value.items()}
    return [without_addresses(member) for member in value] if isinstance(value, list | tuple) else value
