"""My tokens of folders and programs: reading, writing and deleting them."""

from __future__ import annotations

from collections.abc import Iterable

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.envelope import Answer, Members
from marketo_async.sandbox.families.asset_arguments import found, limited
from marketo_async.sandbox.families.folder_arguments import folder_type
from marketo_async.sandbox.parameters import missing, wrong_type
from marketo_async.sandbox.permissions import ASSET_READERS, ASSET_WRITERS
from marketo_async.sandbox.records.drafts import not_found
from marketo_async.sandbox.records.folder_tokens import LONGEST_NAME, TOKEN_TYPES, Token
from marketo_async.sandbox.records.folders import FOLDER, Folder
from marketo_async.sandbox.routing import Routes

routes = Routes()


def _folder(call: Call, type: str | None) -> Folder:
    folder_id, of_type = call.path_id("id"), folder_type("folderType", type or FOLDER)
    folder = call.instance.folders.get(folder_id, of_type)
    if folder is None:
        raise not_found(of_type, folder_id)
    return folder


def _row(call: Call, folder: Folder, tokens: Iterable[Token]) -> Members:
    url = f"https://app-sb.marketo.com/#{'MF' if folder.type == FOLDER else 'PG'}{folder.id}A1"
    return {
        "folder": call.instance.folders.reference(folder.key),
        "tokens": [
            {"name": token.name, "type": token.type, "value": token.value, "computedUrl": url} for token in tokens
        ],
    }


@routes.get("/rest/asset/v1/folder/{id}/tokens.json", ASSET_READERS, optional=("folderType",))
def tokens(call: Call) -> Answer:
    """Answer all tokens of a folder in one row."""
    folder = _folder(call, call.text("folderType"))
    held = call.instance.program_assets.tokens.of(folder.key)
    return found([_row(call, folder, held)] if held else [])


@routes.post("/rest/asset/v1/folder/{id}/tokens.json", ASSET_WRITERS, body=("folderType", "name", "type", "value"))
def put_token(call: Call) -> Answer:
    """Create a token, or change its value."""
    folder = _folder(call, call.body_text("folderType"))
    token_type = call.body_text("type") or ""
    if token_type not in TOKEN_TYPES:
        raise wrong_type("type", f"one of {', '.join(TOKEN_TYPES)}")
    token = Token(
        limited("name", call.body_text("name") or "", LONGEST_NAME), token_type, call.body_text("value") or ""
    )
    call.instance.program_assets.tokens.put(folder.key, token)
    return Answer([_row(call, folder, [token])])


@routes.post(
    "/rest/asset/v1/folder/{id}/tokens/delete.json", ASSET_WRITERS, body_optional=("folderType", "name", "type")
)
def delete_token(call: Call) -> Answer:
    """Delete a token by name and type."""
    name, token_type = call.body_text("name"), call.body_text("type")
    # The documentation requires both, the model of the request does not.
    if not name or not token_type:
        raise missing("type" if name else "name")
    folder = _folder(call, call.body_text("folderType"))
    if not call.instance.program_assets.tokens.remove(folder.key, name, token_type):
        raise not_found("Token", name)
    return Answer([{"id": folder.id}])
