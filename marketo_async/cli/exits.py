"""Exit codes, and how an exception becomes one line on stderr and an exit code.

See ``drain`` and ``transfer`` for the notes on exceptions that say how to resume.
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
    TargetUnavailable,
    TransportError,
)


class Exit(IntEnum):
    """The exit codes; ``meaning`` is the code in words."""

    meaning: str

    def __new__(cls, code: int, meaning: str) -> Self:
        """Make a member from its code and its meaning."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    DONE = 0, "done"
    REFUSED = 1, "Marketo returned an error"
    USAGE = 2, "wrong arguments, environment or files"
    DENIED = 3, "authentication or permission"
    QUOTA = 4, "the daily quota is used up"
    NETWORK = 5, "network or transport"
    INTERRUPTED = 130, "interrupted"


EPILOG = "Exit codes: " + ", ".join(f"{code.value} {code.meaning}" for code in Exit) + "."

_EXITS: tuple[tuple[type[MarketoError], Exit], ...] = (
    (InvalidRequest, Exit.USAGE),
    (ConfigurationError, Exit.USAGE),
    (StoreUnavailable, Exit.USAGE),
    (TargetUnavailable, Exit.USAGE),
    (AuthenticationError, Exit.DENIED),
    (AccessDenied, Exit.DENIED),
    (QuotaExceeded, Exit.QUOTA),
    (TransportError, Exit.NETWORK),
)


def exit_for(error: MarketoError) -> Exit:
    """Return the exit code for an error."""
    return next((code for kind, code in _EXITS if isinstance(error, kind)), Exit.REFUSED)


@contextmanager
def errors_in_one_line() -> Iterator[None]:
    """Turn an error or Ctrl-C inside the block into one line on stderr, its notes, and an exit code."""
    try:
        yield
    except KeyboardInterrupt as stop:
        _print_error("interrupted", stop)
        raise typer.Exit(Exit.INTERRUPTED) from None
    except MarketoError as error:
        _print_error(f"error: {error}", error)
        raise typer.Exit(exit_for(error)) from None
    except BrokenPipeError:  # the reader closed stdout: typer ends the command without a message
        raise
    except UnicodeEncodeError as error:
        odd = ascii(error.object[error.start : error.end])
        hint = "run with LC_ALL=C.UTF-8 or PYTHONUTF8=1, and pass names and values in UTF-8"
        _print_error(f"error: {odd} can't be written as {error.encoding}; {hint}", error)
        raise typer.Exit(Exit.USAGE) from None
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _print_error(f"error: {where}{error.strerror or error}", error)
        raise typer.Exit(Exit.USAGE) from None


def _print_error(text: str, error: BaseException) -> None:
    typer.echo(" ".join(text.split()), err=True)  # Marketo's messages may hold line breaks
    for note in getattr(error, "__notes__", ()):
        typer.echo(note, err=True)
