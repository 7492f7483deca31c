"""The cost of declaring an operation, and of importing all of them.

Counts the operations of the registry against the OpenAPI files, the source lines of their declarations (decorator,
signature and plan, without docstrings; a shared verb counts once), and the time to import the package against importing
aiohttp, msgspec and anyio alone, each in a fresh interpreter, alternating.
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


def import_times(rounds: int) -> list[tuple[float, float]]:
    """Return seconds to import the package, and the libraries alone, round by round."""
    return [(_import("marketo_async"), _import("aiohttp, msgspec, anyio")) for _ in range(rounds + 1)][1:]


def _import(names: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", f"import {names}"], check=True)  # noqa: S603 - this interpreter
    return time.perf_counter() - started


def run(*, quick: bool = False) -> list[Figure]:
    """Return the figures."""
    found = operations().values()
    official = {(operation.method, operation.path) for operation in found if operation.source is Provenance.OFFICIAL}
    mine, libraries = zip(*import_times(ROUNDS // 3 if quick else ROUNDS), strict=True)
    return [
        exactly("official operations declared", len(official), OFFICIAL, quoted=True),
        info("operations known from elsewhere", str(len(found) - len(official))),
        at_most("source lines an operation", declared_lines() / len(found), 6, quoted=True),
        ratio_at_most("import time against aiohttp + msgspec + anyio", mine, libraries, 1.3, quoted=True),
        info("import time, median", f"{statistics.median(mine) * 1e3:.0f} ms, of a fresh interpreter with the package"),
    ]
