"""Parses multipart forms into text fields and files."""

from __future__ import annotations

import re
from dataclasses import dataclass

from marketo_async.sandbox.errors import ApiError

MULTIPART = "multipart/form-data"

_BOUNDARY = re.compile(r'boundary=(?:"([^"]+)"|([^\s;]+))', re.IGNORECASE)
_OPTION = re.compile(r';\s*(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))')


@dataclass(frozen=True, slots=True)
class Upload:
    """A part that is a file, because it has both a file name and a content type."""

    filename: str
    content_type: str
    content: bytes


def invalid_multipart() -> ApiError:
    """Return the error for a body that is not a multipart form or lacks a required file."""
    return ApiError("613", "Invalid multipart")


def read_parts(header: str, content: bytes) -> tuple[dict[str, list[str]], dict[str, Upload]]:
    """Return the fields and the files of a body by its ``Content-Type`` header, or raise 613.

    A part without a file name or without a content type of its own is a field.
    """
    fields: dict[str, list[str]] = {}
    files: dict[str, Upload] = {}
    # Operations without a body are described as multipart, too.
    for part in _parts(header, content) if content else ():
        name, value = _read(part)
        if isinstance(value, Upload):
            files[name] = value
        else:
            fields.setdefault(name, []).append(value)
    return fields, files


def _parts(header: str, content: bytes) -> list[bytes]:
    found = _BOUNDARY.search(header)
    if found is None:
        raise invalid_multipart()
    delimiter = b"\r\n--" + (found[1] or found[2]).encode()
    # The first delimiter may be at the very start.
    _, *parts = (b"\r\n" + content).split(delimiter)
    if not parts or not parts.pop().startswith(b"--"):
        raise invalid_multipart()
    return parts


def _read(part: bytes) -> tuple[str, str | Upload]:
    head, separator, content = part.partition(b"\r\n\r\n")
    headers: dict[str, str] = {}
    for line in head.decode(errors="replace").split("\r\n"):
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    disposition = headers.get("content-disposition", "")
    options = {match[1].lower(): match[2] or match[3] or "" for match in _OPTION.finditer(disposition)}
    if not separator or not options.get("name"):
        raise invalid_multipart()
    filename, content_type = options.get("filename"), headers.get("content-type")
    if filename and content_type:
        return options["name"], Upload(filename, content_type, content)
    return options["name"], content.decode(errors="replace")
