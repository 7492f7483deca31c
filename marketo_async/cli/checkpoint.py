"""`Checkpoint`: how far a drain has come, as a small file that is only ever whole.

Not here: when it is written, and how the output is brought back in step with it (``output``).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from marketo_async.atomic_file import changes, replace_file
from marketo_async.errors import InvalidRequest


class Checkpoint(Struct, frozen=True, kw_only=True):
    """Everything up to ``token`` is in the first ``written`` bytes of the output: ``records`` of them.

    ``arguments`` are those that the token belongs to, by option. ``complete`` says that Marketo had no more.
    """

    arguments: Mapping[str, str]
    token: str | None = None
    written: int = 0
    records: int = 0
    complete: bool = False

    @classmethod
    def load(cls, path: Path) -> Checkpoint | None:
        """Read a checkpoint, or return ``None`` where there is none; `InvalidRequest` for a file of another kind."""
        try:
            return msgspec.json.decode(path.read_bytes(), type=cls)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError as error:
            raise InvalidRequest(f"{path} is no checkpoint of this command: remove it, or --start-over") from error

    def save(self, path: Path) -> None:
        """Replace the checkpoint at *path* by this one, at once and for good."""
        replace_file(path, msgspec.json.encode(self))

    def changes(self, arguments: Mapping[str, str]) -> list[str]:
        """Tell which of *arguments* are others than those that this checkpoint belongs to."""
        return changes(self.arguments, arguments)
