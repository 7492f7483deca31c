"""Checks that a command does not write to a file that it reads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from marketo_async.cli.output import STDOUT
from marketo_async.cli.sharing import ALONE
from marketo_async.errors import InvalidRequest


def require_separate(option: str, path: Path | None, others: Mapping[str, Path | str | None]) -> None:
    """Raise `InvalidRequest` if ``path`` is another file of the same command, directly or through a link.

    ``others`` maps a description of each other file to its path; a store is the text of its option.
    """
    if path is None or path == STDOUT:
        return
    for what, other in others.items():
        if other is None or other == ALONE:
            continue
        there = Path(other)
        if path.resolve() == there.resolve() or (path.exists() and there.exists() and path.samefile(there)):
            raise InvalidRequest(f"{option} {path} is {what}; name another file")
