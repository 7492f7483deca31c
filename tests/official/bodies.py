"""Bodies of requests as JSON would have them: forms and multipart are read by what the OpenAPI files say of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from email import message_from_bytes
from typing import Any
from urllib.parse import parse_qsl

FORM = "application/x-www-form-urlencoded"


def media(content_type: str | None) -> str | None:
    """Return a content type without its parameters."""
    return content_type and content_type.partition(";")[0].strip()


def content(body: bytes, content_type: str, described: Any) -> Any:
    """Return what a body says: members of a form are numbers, flags or JSON where the files call them so."""
    kind = media(content_type)
    if kind not in {FORM, "multipart/form-data"}:
        return json.loads(body)
    pairs = parse_qsl(body.decode(), keep_blank_values=True) if kind == FORM else list(parts(body, content_type))
    if not isinstance(described, Mapping):
        return dict(pairs)
    shapes = {name.rstrip("!"): shape for name, shape in described.items()}
    return {name: member(text, shapes.get(name)) for name, text in pairs}


def parts(body: bytes, content_type: str) -> Iterator[tuple[str, str]]:
    """Yield name and text of every part."""
    message = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    for part in message.get_payload():
        assert not isinstance(part, str)
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        assert isinstance(name, str)
        assert isinstance(payload, bytes)
        yield name, payload.decode(errors="replace")


def member(text: str, shape: Any) -> Any:
    """Return one member of a form as what its shape says, or as the text it is."""
    if shape == "boolean":
        return {"true": True, "false": False}.get(text, text)
    if isinstance(shape, dict | list) or shape in {"integer", "number", "object"}:
        with suppress(ValueError):
            return json.loads(text)
    return text
