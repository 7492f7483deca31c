"""Run the benchmarks named on the command line, or all of them; exit with 1 if a figure misses its target.

``--quick`` measures less of each, all of them within two minutes; ``--json`` writes results.json, ``--plots`` the SVG
charts.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import charts
from benchmarks.report import Chart, Figure, Finding, Results, Table, machine, show

NAMES = (
    "window",
    "limits",
    "neighbours",
    "limiters",
    "clients",
    "leads_by_id",
    "activities_day",
    "client_cost",
    "blocking",
    "waiters",
    "adversity",
    "processes",
    "declarations",
    "upserts",
    "journal",
    "bulk_export",
    "typed_export",
    "bulk_recovery",
    "traffic",
    "feed",
    "mcp",
    "mirror",
)


def arguments(given: Sequence[str]) -> argparse.Namespace:
    """Read the command line; an unknown benchmark ends the program with code 2."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__, formatter_class=_Formatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(NAMES)}; all without one")
    parser.add_argument("--quick", action="store_true", help="less of each: two minutes for all")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure to this file")
    parser.add_argument("--plots", type=Path, metavar="DIR", help="draw the charts into this folder")
    read = parser.parse_args(given)
    if unknown := set(read.names) - set(NAMES):
        parser.error(f"unknown benchmark: {', '.join(sorted(unknown))}; choose from {', '.join(NAMES)}")
    return read


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Keeps the line breaks of the description."""


def measure(name: str, *, quick: bool) -> tuple[Table, list[Chart]]:
    """Run one benchmark, and return its table and its charts."""
    benchmark = importlib.import_module(f"benchmarks.{name}")
    gc.collect()
    gc.freeze()  # this benchmark does not pay for collecting objects of earlier ones
    started = time.monotonic()
    found: Sequence[Finding] = benchmark.run(quick=quick)
    seconds = time.monotonic() - started
    title = (benchmark.__doc__ or name).partition("\n")[0]
    figures = [finding for finding in found if isinstance(finding, Figure)]
    return Table(title, figures, seconds), [finding for finding in found if isinstance(finding, Chart)]


def main(given: Sequence[str]) -> int:
    """Print the tables one after the other, and write the files that the options name."""
    read = arguments(given)
    tables: dict[str, Table] = {}
    results = Results(machine(), read.quick, tables)
    print(results.machine)
    for name in read.names or NAMES:
        tables[name], drawings = measure(name, quick=read.quick)
        show(tables[name])
        if read.plots:
            read.plots.mkdir(parents=True, exist_ok=True)
            for drawing in drawings:
                print(f"\n{charts.draw(drawing, read.plots)}")
        if read.json:  # after every benchmark, so that a failing one does not lose the others' numbers
            results.write(read.json)
    for missed in results.missed:
        print(f"missed: {missed}", file=sys.stderr)
    return 1 if results.missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
