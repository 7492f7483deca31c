"""Run the benchmarks named on the command line, or all of them; exit with 1 if a figure misses its target."""

from __future__ import annotations

import importlib
import sys

from benchmarks.report import machine, show

NAMES = (
    "window",
    "leads_by_id",
    "activities_day",
    "client_cost",
    "waiters",
    "adversity",
    "processes",
    "declarations",
    "upserts",
    "journal",
    "bulk_export",
    "bulk_recovery",
)


def main(names: list[str]) -> int:
    """Print the tables, one after the other."""
    if unknown := set(names) - set(NAMES):
        print(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}", file=sys.stderr)
        return 2
    print(machine())
    missed = 0
    for name in names or NAMES:
        benchmark = importlib.import_module(f"benchmarks.{name}")
        figures = benchmark.run()
        show((benchmark.__doc__ or name).partition("\n")[0], figures)
        missed += sum(figure.met is False for figure in figures)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
