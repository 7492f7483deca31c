"""The ``marketo-async`` command: `main` checks that its libraries are installed and calls ``app``.

The libraries come with the extra ``cli``. The client does not need them, so it imports nothing from here.
"""

from __future__ import annotations

import io
import sys

_LIBRARIES = frozenset({"typer", "rich", "platformdirs"})
_BAD_USAGE = 2  # Exit.USAGE; its module can't be imported without typer


def main() -> None:
    """Run the command line; the entry point of ``marketo-async``."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # a letter missing from the locale must not end the command
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        from marketo_async.cli.app import app  # noqa: PLC0415 - needs the extra

        app(prog_name="marketo-async")  # which imports the command that runs
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _LIBRARIES:
            raise
        sys.stderr.write(f"the command line needs {error.name}: pip install 'marketo-async[cli]'\n")
        sys.exit(_BAD_USAGE)
