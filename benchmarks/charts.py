"""Charts as small SVG files, reproducible: the same numbers give the same file (no date, no random ids)."""

from __future__ import annotations

from pathlib import Path

from benchmarks.report import Chart

_COLOURS = ("#0b6e4f", "#c1440e", "#3454d1", "#8a6d00", "#7a3e9d")
_LIMIT = "#444444"


def draw(chart: Chart, folder: Path) -> Path:
    """Write ``chart`` as ``<name>.svg`` into ``folder``, and return its path."""
    import matplotlib as mpl  # noqa: PLC0415 - only the bench extra has it, and it takes a second to import

    mpl.use("svg")
    # Text stays text, so that the file is small and searchable; a white background suits light and dark pages.
    mpl.rcParams.update({"svg.hashsalt": chart.name, "svg.fonttype": "none", "font.family": "sans-serif"})
    from matplotlib.figure import Figure as Drawing  # noqa: PLC0415

    drawing = Drawing(figsize=(8, 3.6), layout="constrained", facecolor="white")
    axes = drawing.add_subplot()
    for number, (line, colour) in enumerate(zip(chart.lines, _COLOURS, strict=False)):
        how = "steps-post" if line.steps else "default"
        front = 10 - number  # where two lines overlap, the first is on top
        axes.plot(line.xs, line.ys, label=line.label, color=colour, linewidth=1.6, drawstyle=how, zorder=front)
    if chart.limit is not None:
        label = f"{chart.limit_label}: {chart.limit:g}"
        axes.axhline(chart.limit, color=_LIMIT, linewidth=1.2, linestyle="--", label=label)
    axes.set_title(chart.title, fontsize=11)
    axes.set_xlabel(chart.x)
    axes.set_ylabel(chart.y)
    axes.set_ylim(bottom=0)
    axes.set_xlim(0, max(line.xs[-1] for line in chart.lines))
    axes.grid(visible=True, color="#dddddd", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    drawing.legend(frameon=False, fontsize=9, loc="outside lower center", ncols=len(chart.lines) + 1)
    path = folder / f"{chart.name}.svg"
    drawing.savefig(path, format="svg", metadata={"Date": None})
    return path
