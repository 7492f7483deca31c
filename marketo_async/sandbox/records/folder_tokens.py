"""My tokens: named values that the assets of a folder or program can insert into their texts."""

from __future__ import annotations

from dataclasses import dataclass

from marketo_async.sandbox.records.folders import Key

TOKEN_TYPES = ("date", "number", "rich text", "score", "sfdc campaign", "text")
LONGEST_NAME = 50


@dataclass(frozen=True, slots=True)
class Token:
    """One token; name and type together identify it in its folder."""

    name: str
    type: str
    value: str


class FolderTokens:
    """The tokens of all folders and programs."""

    def __init__(self) -> None:
        self._tokens: dict[Key, dict[tuple[str, str], Token]] = {}

    def of(self, folder: Key) -> list[Token]:
        """Return the tokens of a folder, in order of creation."""
        return list(self._tokens.get(folder, {}).values())

    def put(self, folder: Key, token: Token) -> None:
        """Create a token, or change the value of the token with this name and type."""
        self._tokens.setdefault(folder, {})[token.name, token.type] = token

    def remove(self, folder: Key, name: str, type: str) -> bool:
        """Delete a token and return whether it existed."""
        return self._tokens.get(folder, {}).pop((name, type), None) is not None

    def copy(self, origin: Key, folder: Key) -> None:
        """Copy the tokens of a folder to another one."""
        for token in self.of(origin):
            self.put(folder, token)

    def drop(self, folder: Key) -> None:
        """Delete all tokens of a deleted folder."""
        self._tokens.pop(folder, None)


def seeded_tokens() -> FolderTokens:
    """Return the tokens of one program."""
    tokens = FolderTokens()
    tokens.put((2001, "Program"), Token("speaker", "text", "Ada Abara"))
    tokens.put((2001, "Program"), Token("start", "date", "2026-05-05"))
    return tokens
