"""Exit codes, and how whatever ends a command early becomes one line on stderr and one of them.

Not here: what a drain adds about where it stopped (``drain``), which travels as a note on the exception.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Self

import typer

from marketo_async.errors import (
    AccessDenied,
    AuthenticationError,
    ConfigurationError,
    InvalidRequest,
    MarketoError,
    QuotaExceeded,
    StoreUnavailable,
    TransportError,
)


class Exit(IntEnum):
    """What the command's exit code says; ``meaning`` is the same in words."""

    meaning: str

    def __new__(cls, code: int, meaning: str) -> Self:
        """Make a member that is its code and carries its meaning."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    DONE = 0, "done"
    REFUSED = 1, "Marketo answered with an error"
    USAGE = 2, "bad usage: arguments, environment or files"
    DENIED = 3, "authentication or permission"
    QUOTA = 4, "the daily quota is spent"
    NETWORK = 5, "network or transport"
    INTERRUPTED = 130, "interrupted"


EPILOG = "Exit codes: " + ", ".join(f"{code.value} {code.meaning}" for code in Exit) + "."

_EXITS: tuple[tuple[type[MarketoError], Exit], ...] = (
    (InvalidRequest, Exit.USAGE),
    (ConfigurationError, Exit.USAGE),
    (StoreUnavailable, Exit.USAGE),
    (AuthenticationError, Exit.DENIED),
    (AccessDenied, Exit.DENIED),
    (QuotaExceeded, Exit.QUOTA),
    (TransportError, Exit.NETWORK),
)


def exit_for(error: MarketoError) -> Exit:
    """Return the exit code that an error ends the command with."""
    return next((code for kind, code in _EXITS if isinstance(error, kind)), Exit.REFUSED)


@contextmanager
def told_in_a_line() -> Iterator[None]:
    """Turn errors and Ctrl-C inside the block into one line each, with their notes below, and the exit code."""
    try:
        yield
    except KeyboardInterrupt as stop:
        _tell("interrupted", stop)
        raise typer.Exit(Exit.INTERRUPTED) from None
    except MarketoError as error:
        _tell(f"error: {error}", error)
        raise typer.Exit(exit_for(error)) from None
    except BrokenPipeError:  # the reader of stdout has left: typer ends the command without a message
        raise
    except UnicodeEncodeError as error:
        odd = ascii(error.object[error.start : error.end])
        hint = "run with LC_ALL=C.UTF-8 (or PYTHONUTF8=1), and give names and values in UTF-8"
        _tell(f"error: {odd} can't be written as {error.encoding}; {hint}", error)
        raise typer.Exit(Exit.USAGE) from None
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _tell(f"error: {where}{error.strerror or error}", error)
        raise typer.Exit(Exit.USAGE) from None


def _tell(text: str, error: BaseException) -> None:
    typer.echo(" ".join(text.split()), err=True)  # Marketo's messages may hold line breaks
    for note in getattr(error, "__notes__", ()):
        typer.echo(note, err=True)
