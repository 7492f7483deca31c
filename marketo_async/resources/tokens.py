"""``marketo.tokens``: the "my tokens" of folders and programs."""

from __future__ import annotations

from typing import Any, Literal

from marketo_async.envelope import Envelope
from marketo_async.models.assets import AssetId, FolderId
from marketo_async.models.tokens import FolderTokens, Token
from marketo_async.operation import Plan, Repeat, one
from marketo_async.resources.base import Resource, endpoint

TokenType = Literal["date", "number", "rich text", "score", "sfdc campaign", "text"]


class Tokens(Resource):
    """My tokens, identified by a folder, a name and a type.

    See https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/assets/tokens
    """

    name, area, root = "tokens", "Assets", "/rest/asset/v1/folder/{id}/tokens"

    @endpoint("GET", "{root}.json")
    def browse(self, folder: FolderId) -> Plan[list[Token]]:
        """Return the tokens of a folder or program."""
        query = {"folderType": folder.type}
        return Plan(answer=list[FolderTokens], unwrap=_tokens, path={"id": folder.id}, query=query)

    @endpoint("POST", "{root}.json", repeat=Repeat.SAFE)
    def create(self, folder: FolderId, name: str, type: TokenType, value: str) -> Plan[FolderTokens]:
        """Create a token, or set a new value for the one with that name; a name has at most 50 characters."""
        form = {"folderType": folder.type, "name": name, "type": type, "value": value}
        return one(FolderTokens, path={"id": folder.id}, form=form)

    @endpoint("POST", "{root}/delete.json", repeat=Repeat.SETTLES)
    def delete(self, folder: FolderId, name: str, type: TokenType) -> Plan[AssetId]:
        """Delete a token for good; returns the id of the folder."""
        return one(AssetId, path={"id": folder.id}, form={"folderType": folder.type, "name": name, "type": type})


def _tokens(envelope: Envelope[Any]) -> list[Token]:
    return [token for folder in envelope.result or [] for token in folder.tokens]
