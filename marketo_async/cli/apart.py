"""The files of one command have to be different ones: what is written must not be what is read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from marketo_async.cli.output import STDOUT
from marketo_async.cli.sharing import ALONE
from marketo_async.errors import InvalidRequest


def apart(option: str, path: Path | None, others: Mapping[str, Path | str | None]) -> None:
    """Refuse to write to *path* where it is another file of the same command, by whatever name or link.

    *others* are those files, by what they are; a store is given as the text of its option.
    """
    if path is None or path == STDOUT:
        return
    for what, other in others.items():
        if other is None or other == ALONE:
            continue
        there = Path(other)
        if path.resolve() == there.resolve() or (path.exists() and there.exists() and path.samefile(there)):
            raise InvalidRequest(f"{option} {path} is {what}; name another one")
