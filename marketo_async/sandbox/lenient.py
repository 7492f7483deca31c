"""JSON in a form field, read as leniently as Marketo does: single quotes and bare words are accepted."""

from __future__ import annotations

import re

import msgspec

_TOKEN = re.compile(
    r"""\s*(?:(?P<mark>[{}\[\]:,])|"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>(?:[^'\\]|\\.)*)'|(?P<bare>[^\s{}\[\]:,"']+))\s*"""
)
_LITERAL = re.compile(r"true|false|null|-?\d+(?:\.\d+)?")


def read_json(text: str) -> object:
    """Return the value of lenient JSON text; raises `msgspec.DecodeError`."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return msgspec.json.decode(_strict(text))


def _strict(text: str) -> str:
    """Return the text as strict JSON, with double quotes around every string."""
    parts: list[str] = []
    place = 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise msgspec.DecodeError(f"not JSON from character {place}")
        place = found.end()
        parts.append(_written(found))
    return "".join(parts)


def _written(token: re.Match[str]) -> str:
    if token["mark"]:
        return token["mark"]
    if token["bare"] and _LITERAL.fullmatch(token["bare"]):
        return token["bare"]
    if token["double"] is not None:
        return f'"{token["double"]}"'
    value = token["bare"] or token["single"].replace("\\'", "'")
    return msgspec.json.encode(value).decode()
