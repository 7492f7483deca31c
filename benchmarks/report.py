"""What a benchmark hands back: figures with their targets, and how they are printed."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence

from msgspec import Struct


class Figure(Struct, frozen=True):
    """One measured number beside what it is to reach; ``met`` is ``None`` for one that is only told."""

    what: str
    measured: str
    target: str = ""
    met: bool | None = None


def at_least(what: str, value: float, bound: float, unit: str = "") -> Figure:
    """Return a figure that is to be *bound* or more."""
    return Figure(what, f"{value:.3g}{unit}", f">= {bound:g}{unit}", value >= bound)


def at_most(what: str, value: float, bound: float, unit: str = "") -> Figure:
    """Return a figure that is to be *bound* or less."""
    return Figure(what, f"{value:.3g}{unit}", f"<= {bound:g}{unit}", value <= bound)


def exactly(what: str, value: int, wanted: int) -> Figure:
    """Return a count that is to be just so."""
    return Figure(what, f"{value:,}", f"= {wanted:,}", value == wanted)


def told(what: str, measured: str) -> Figure:
    """Return a figure that has no target."""
    return Figure(what, measured)


def machine() -> str:
    """Name the machine that absolute numbers belong to."""
    return f"Python {platform.python_version()}, {os.cpu_count()} CPUs, {platform.machine()} {platform.system()}"


def show(title: str, figures: Sequence[Figure]) -> None:
    """Print one benchmark's figures as a Markdown table."""
    print(f"\n### {title}\n")
    print("| figure | measured | target | met |")
    print("| --- | --- | --- | --- |")
    for figure in figures:
        met = {True: "yes", False: "**no**", None: ""}[figure.met]
        print(f"| {figure.what} | {figure.measured} | {figure.target} | {met} |", flush=True)
