"""The cost of declaring an operation, and of importing all of them.

Counts the operations of the registry against the OpenAPI files, the source lines of their declarations (decorator,
signature and plan, without docstrings; a shared verb counts once), and the time to import the package against importing
aiohttp, msgspec and anyio alone, each in a fresh interpreter, alternating; and the time of ``--help`` of the command
line against that of two commands.
"""

from __future__ import annotations

import ast
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.report import Figure, at_most, exactly, info, ratio_at_most
from marketo_async import operations, resources
from marketo_async.operation import Provenance

OFFICIAL = 367
ROUNDS = 15
DECORATORS = {"endpoint", "paged"}


def declared_lines() -> int:
    """Return the source lines of all declarations."""
    folder = Path(resources.__file__).parent
    return sum(
        _lines(method)
        for module in sorted(folder.glob("*.py"))
        for node in ast.parse(module.read_text()).body
        if isinstance(node, ast.ClassDef)
        for method in node.body
        if isinstance(method, ast.FunctionDef) and _is_declaration(method)
    )


def _is_declaration(method: ast.FunctionDef) -> bool:
    calls = (decorator.func for decorator in method.decorator_list if isinstance(decorator, ast.Call))
    return any(isinstance(called, ast.Name) and called.id in DECORATORS for called in calls)


def _lines(method: ast.FunctionDef) -> int:
    first = min(decorator.lineno for decorator in method.decorator_list)
    docstring = method.body[0]
    end = method.end_lineno or method.lineno
    return end - first + 1 - ((docstring.end_lineno or docstring.lineno) - docstring.lineno + 1)


TWO_COMMANDS = """
import typer, marketo_async
app = typer.Typer()
@app.command()
def read(name: str) -> None: ...
@app.command()
def write(name: str) -> None: ...
app(prog_name="two")
"""
COMMAND_LINE = "from marketo_async.cli import main; main()"


def help_times(rounds: int) -> list[tuple[float, float, float]]:
    """Return seconds for ``--help``, that of two commands, and ``call --help``, round by round."""
    codes = [(COMMAND_LINE, "--help"), (TWO_COMMANDS, "--help"), (COMMAND_LINE, "call", "--help")]
    found = [[_run(*code) for code in codes] for _ in range(rounds + 1)][1:]
    return [(ours, two, call) for ours, two, call in found]


def import_times(rounds: int) -> list[tuple[float, float]]:
    """Return seconds to import the package, and the libraries alone, round by round."""
    return [(_run("import marketo_async"), _run("import aiohttp, msgspec, anyio")) for _ in range(rounds + 1)][1:]


def _run(code: str, *words: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code, *words], check=True, capture_output=True)  # noqa: S603 - our own code
    return time.perf_counter() - started


def run(*, quick: bool = False) -> list[Figure]:
    """Return the figures."""
    found = operations().values()
    official = {(operation.method, operation.path) for operation in found if operation.source is Provenance.OFFICIAL}
    rounds = ROUNDS // 3 if quick else ROUNDS
    mine, libraries = zip(*import_times(rounds), strict=True)
    ours, two, call = zip(*help_times(rounds), strict=True)
    return [
        exactly("official operations declared", len(official), OFFICIAL, quoted=True),
        info("operations known from elsewhere", str(len(found) - len(official))),
        at_most("source lines an operation", declared_lines() / len(found), 6, quoted=True),
        ratio_at_most("import time against aiohttp + msgspec + anyio", mine, libraries, 1.3, quoted=True),
        ratio_at_most("`--help` against that of two commands", ours, two, 1.3),
        at_most("`call --help`, median", statistics.median(call), 0.6, " s"),
        info("import time, median", f"{statistics.median(mine) * 1e3:.0f} ms, of a fresh interpreter with the package"),
    ]
