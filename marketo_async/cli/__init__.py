"""The ``marketo-async`` command: `main` finds out whether its libraries are there and hands over to ``app``.

They come with the extra ``cli``; the client itself never needs them, so nothing here is imported by it.
"""

from __future__ import annotations

import io
import sys

_LIBRARIES = frozenset({"typer", "rich", "platformdirs"})
_BAD_USAGE = 2  # Exit.USAGE, whose module can't be imported when typer is missing


def main() -> None:
    """Run the command line; the entry point of ``marketo-async``."""
    try:
        from marketo_async.cli.app import app  # noqa: PLC0415 - it can only be imported with the extra
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _LIBRARIES:
            raise
        sys.stderr.write("install it with: pip install 'marketo-async[cli]'\n")
        sys.exit(_BAD_USAGE)
    if isinstance(sys.stdout, io.TextIOWrapper):  # a letter that the locale does not have is no reason to fail
        sys.stdout.reconfigure(errors="backslashreplace")
    app(prog_name="marketo-async")
