"""Folder arguments: JSON text with id and type, in the query or in a form field."""

from __future__ import annotations

from collections.abc import Container

import msgspec

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.lenient import read_json
from marketo_async.sandbox.parameters import wrong_type
from marketo_async.sandbox.records.folders import FOLDER, PROGRAM, Folder, Folders, Key


class _Reference(msgspec.Struct):
    id: int
    type: str


def folder_type(name: str, text: str) -> str:
    """Return ``Folder`` or ``Program``, given in any case."""
    found = text.capitalize()
    if found not in (FOLDER, PROGRAM):
        raise wrong_type(name, "Folder or Program")
    return found


def folder_key(name: str, text: str) -> Key:
    """Return the id and type of a folder reference."""
    try:
        reference = msgspec.convert(read_json(text), type=_Reference, strict=False)
    except msgspec.MsgspecError:
        raise wrong_type(name, "Folder") from None
    return reference.id, folder_type(name, reference.type)


def folder_filter(call: Call, name: str = "folder") -> Key | None:
    """Return the folder of a listing's query parameter, if any."""
    text = call.text(name)
    return None if text is None else folder_key(name, text)


def parent_folder(
    call: Call,
    name: str = "folder",
    *,
    types: Container[str] = (FOLDER, PROGRAM),
    roots: Container[Key] | None = None,
) -> Folder:
    """Return the folder for a new asset; raise 710 if it does not exist, 711 if its type or its root is wrong."""
    key = folder_key(name, call.body_text(name) or "")
    folder = existing_folder(call.instance.folders, key)
    if folder.type not in types or (roots is not None and call.instance.folders.root(key) not in roots):
        raise ApiError("711", "Invalid folder type")
    return folder


def existing_folder(folders: Folders, key: Key) -> Folder:
    """Return the folder of a reference, or raise 710."""
    folder = folders.get(*key)
    if folder is None:
        raise ApiError("710", f"Parent folder not found: {key[1]} {key[0]}")
    return folder
