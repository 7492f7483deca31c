"""Gauges of the ``mirror`` commands: rows, tables, calls left and lag of a run; rows of a verification."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from rich.console import RenderableType

from marketo_async import Governor, Marketo
from marketo_async.cli.gauge import Gauge, GaugeRow

if TYPE_CHECKING:
    from marketo_async.mirror import Mirror, MirrorProgress


class MirrorGauge(Gauge):
    """Shows one or several mirrors, by the names of their instances; ``None`` is the one of the environment."""

    def __init__(self, mirrors: Mapping[str | None, tuple[Marketo, Mirror]]) -> None:
        self._mirrors = mirrors
        super().__init__(next(iter(mirrors.values()))[0].governor)

    def line(self) -> str:
        """Return the progress as one line of plain text."""
        return " | ".join([*(f"{row.name} {row.figures}" for row in self.rows()), self.pace()])

    def panel(self) -> RenderableType:
        """Return the progress as bars in a frame."""
        return self.framed(self.rows())

    def rows(self) -> Sequence[GaugeRow]:
        """Return the bars."""
        found: list[GaugeRow] = []
        for name, (marketo, mirror) in self._mirrors.items():
            progress, now = mirror.progress(), marketo.governor.snapshot()
            rows, tables = sum(progress.rows.values()), sum(count > 0 for count in progress.rows.values())
            done = [
                GaugeRow("rows", None, None, f"{rows:,} in {tables} tables"),
                *_first_load(progress),
                GaugeRow("left today", None, None, _left(now.left_today, progress.bytes_left)),
                GaugeRow("feed", None, None, _lag(progress.behind, progress.held_back)),
            ]
            if name is not None:
                done = [GaugeRow(name, None, None, ", ".join(row.figures for row in done))]
            found += done
        return found

    @property
    def written(self) -> int:
        """The number of rows written so far."""
        return sum(sum(mirror.progress().rows.values()) for _, mirror in self._mirrors.values())

    def summary(self) -> str:
        """Return what was done as one line."""
        parts = []
        for name, (_, mirror) in self._mirrors.items():
            written = {table: rows for table, rows in mirror.progress().rows.items() if rows}
            prefix = "" if name is None else f"{name}: "
            parts.append(f"{prefix}{sum(written.values()):,} rows in {len(written)} tables")
        return f"{'; '.join(parts)} | {self.pace()}"

    def pace(self) -> str:
        """Return the seconds, the calls and the calls per second so far, as text."""
        calls = sum(marketo.governor.snapshot().granted for marketo, _ in self._mirrors.values())
        text = f"{self.elapsed:.1f} s, {calls:,} calls, {calls / max(self.elapsed, 1e-9):.2f} calls/s"
        left = self._seconds_left()
        return text if left is None else f"{text}, about {timedelta(seconds=round(left))} left"

    def _seconds_left(self) -> float | None:
        """Return how long the first loads take, at the pace so far."""
        found = [mirror.progress() for _, mirror in self._mirrors.values()]
        expected = sum(one.expected or 0 for one in found)
        rows = sum(one.done for one in found if one.expected)
        return self.elapsed * (expected - rows) / rows if 0 < rows < expected else None


class VerifyGauge(Gauge):
    """Shows how many rows a verification has compared, by part."""

    def __init__(self, governor: Governor, prefix: str) -> None:
        super().__init__(governor)
        self._prefix = prefix
        self._compared: dict[str, int] = {}

    def line(self) -> str:
        """Return the progress as one line of plain text."""
        parts = ", ".join(f"{row.name} {row.figures}" for row in self.rows()) or "nothing compared yet"
        return f"{self._prefix}{parts} | {self.pace()}"

    def panel(self) -> RenderableType:
        """Return the progress in a frame."""
        return self.framed(self.rows())

    def show(self, part: str, rows: int) -> None:
        """Keep the number of rows of a part that were compared."""
        self._compared[part] = rows

    def rows(self) -> Sequence[GaugeRow]:
        """Return the lines of the frame."""
        return [GaugeRow(part, None, None, f"{rows:,} compared") for part, rows in self._compared.items()]


def _first_load(progress: MirrorProgress) -> Sequence[GaugeRow]:
    done, expected = progress.done, progress.expected
    if expected is None:
        return []
    return [GaugeRow("first load", min(done, expected), expected, f"{done:,} of about {expected:,}")]


def _left(calls: int, exported: int | None) -> str:
    megabytes = "" if exported is None else f", {exported / 1_000_000:,.0f} MB"
    return f"{calls:,} calls{megabytes}"


def _lag(behind: float | None, held_back: str) -> str:
    if held_back:
        return held_back
    return "catching up" if behind is None else f"{behind:.0f} s behind"
