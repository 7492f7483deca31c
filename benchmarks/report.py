"""The result of a benchmark, figures with their targets and charts, and how figures are printed and saved.

See ``charts`` for how a chart is drawn, and ``__main__`` for the list of benchmarks.
"""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace


class Figure(Struct, frozen=True):
    """One measured number and its target; ``met`` is ``None`` for a figure without one.

    ``spread`` is over repeats. ``quoted`` marks a figure that benchmarks/README.md quotes: measure it again before you
    change it there.
    """

    what: str
    measured: str
    target: str = ""
    met: bool | None = None
    value: float | None = None
    spread: tuple[float, float] | None = None
    quoted: bool = False


class Line(Struct, frozen=True):
    """One line of a chart; ``steps`` holds each value until the next one."""

    label: str
    xs: Sequence[float]
    ys: Sequence[float]
    steps: bool = False


class Chart(Struct, frozen=True, kw_only=True):
    """A chart for ``<name>.svg``: lines over one axis, and the limit to compare them with."""

    name: str
    title: str
    x: str
    y: str
    lines: Sequence[Line]
    limit: float | None = None
    limit_label: str = "the limit"


Finding = Figure | Chart


class Table(Struct, frozen=True):
    """One benchmark's figures under its title, and the seconds that they took."""

    title: str
    figures: Sequence[Figure]
    seconds: float = 0.0


class Results(Struct, frozen=True):
    """All figures of one run, and its machine."""

    machine: str
    quick: bool
    benchmarks: Mapping[str, Table]

    @property
    def missed(self) -> list[str]:
        """The figures that missed their targets, each with its benchmark."""
        tables = self.benchmarks.items()
        return [f"{name}: {figure.what}" for name, table in tables for figure in table.figures if figure.met is False]

    def write(self, path: Path) -> None:
        """Write everything as JSON, one indented member a line, so that two runs can be compared."""
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n")


def at_least(what: str, value: float, bound: float, unit: str = "", *, quoted: bool = False) -> Figure:
    """Return a figure whose target is ``bound`` or more."""
    return Figure(what, f"{value:.3g}{unit}", f">= {bound:g}{unit}", value >= bound, value, quoted=quoted)


def at_most(what: str, value: float, bound: float, unit: str = "", *, quoted: bool = False) -> Figure:
    """Return a figure whose target is ``bound`` or less."""
    return Figure(what, f"{value:.3g}{unit}", f"<= {bound:g}{unit}", value <= bound, value, quoted=quoted)


def exactly(what: str, value: int, wanted: int, *, quoted: bool = False) -> Figure:
    """Return a count whose target is exactly ``wanted``."""
    return Figure(what, f"{value:,}", f"= {wanted:,}", value == wanted, value, quoted=quoted)


def info(what: str, measured: str, *, quoted: bool = False) -> Figure:
    """Return a figure that has no target."""
    return Figure(what, measured, quoted=quoted)


def over_repeats(figure: Figure, repeats: Sequence[float]) -> Figure:
    """Return ``figure`` with the spread of its ``repeats``: the middle half of them, or all if they are few."""
    ordered = sorted(repeats)
    quarter = len(ordered) // 4
    return replace(figure, spread=(ordered[quarter], ordered[-1 - quarter]))


def ratio_at_most(
    what: str, ours: Sequence[float], theirs: Sequence[float], bound: float, *, quoted: bool = False
) -> Figure:
    """Return the median of ratios paired round by round, so that a slow machine slows both of a pair."""
    ratios = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    return over_repeats(at_most(what, statistics.median(ratios), bound, " x", quoted=quoted), ratios)


def machine() -> str:
    """Describe the machine that absolute numbers belong to, and its load."""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"Python {platform.python_version()}, {os.cpu_count()} CPUs, {platform.machine()} {platform.system()}{load}"


def show(table: Table) -> None:
    """Print one benchmark's figures as a Markdown table; a star marks figures that the page quotes."""
    print(f"\n### {table.title}\n")
    print("| figure | measured | spread | target | met |")
    print("| --- | --- | --- | --- | --- |")
    for figure in table.figures:
        met = {True: "yes", False: "**no**", None: ""}[figure.met]
        spread = f"{figure.spread[0]:.3g} to {figure.spread[1]:.3g}" if figure.spread else ""
        star = " \\*" if figure.quoted else ""
        print(f"| {figure.what}{star} | {figure.measured} | {spread} | {figure.target} | {met} |", flush=True)
    print(f"\n{table.seconds:.0f} s", flush=True)
