"""`Checkpoint`: the progress of a drain, in a small file that is replaced atomically.

See ``output`` for when it is written and how the output file is cut back to match it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from marketo_async.atomic_file import differences, replace_file
from marketo_async.errors import InvalidRequest


class Checkpoint(Struct, frozen=True, kw_only=True):
    """The first ``written`` bytes of the output hold the ``records`` records up to ``token``.

    ``arguments`` are the options that the token belongs to. ``complete`` is true if Marketo had no more records.
    """

    arguments: Mapping[str, str]
    token: str | None = None
    written: int = 0
    records: int = 0
    complete: bool = False

    @classmethod
    def load(cls, path: Path) -> Checkpoint | None:
        """Return the checkpoint at ``path``, ``None`` without a file; raises `InvalidRequest` for other files."""
        try:
            return msgspec.json.decode(path.read_bytes(), type=cls)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError as error:
            raise InvalidRequest(f"{path} is not a checkpoint of this command; remove it, or --start-over") from error

    def save(self, path: Path) -> None:
        """Replace the checkpoint at ``path`` with this one, atomically and durably."""
        replace_file(path, msgspec.json.encode(self))

    def changes(self, arguments: Mapping[str, str]) -> list[str]:
        """Return a text for each of ``arguments`` that differs from this checkpoint's."""
        return differences(self.arguments, arguments)
