"""The benchmarks' runner: what it takes, prints, writes, and ends with."""

from __future__ import annotations

import ast
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from benchmarks import __main__ as runner
from benchmarks.report import Chart, Finding, Line, at_least, exactly, info

FOLDER = Path(runner.__file__).parent
# What benchmarks are made with; every other module of the folder is one.
PARTS = {
    "__init__",
    "__main__",
    "charts",
    "contenders",
    "elsewhere",
    "report",
    "instance",
    "mcp_echo",
    "standin",
    "feed_at_rest",
    "feed_backlog",
    "feed_kills",
    "feed_standin",
    "mirror_rival",
    "mirror_tables",
    "mirror_worker",
}


def chart() -> Chart:
    return Chart(name="course", title="A course", x="seconds", y="calls", lines=[Line("one", [0, 1], [2, 3])], limit=4)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Stand in for a benchmark that meets one figure and, when quick, misses another; return how it was run."""
    seen: list[bool] = []

    def run(*, quick: bool = False) -> list[Finding]:
        seen.append(quick)
        return [exactly("calls", 3 if quick else 2, 2, quoted=True), info("time", "1 s"), chart()]

    module = ModuleType("benchmarks.fake", "A stand-in.\n\nMore.")
    module.run = run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "benchmarks.fake", module)
    monkeypatch.setattr(runner, "NAMES", ("fake",))
    return seen


def test_every_benchmark_is_named_and_says_what_it_measures() -> None:
    assert {path.stem for path in FOLDER.glob("*.py")} - PARTS == set(runner.NAMES)
    for name in runner.NAMES:
        tree = ast.parse((FOLDER / f"{name}.py").read_text())
        run = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "run")
        assert [argument.arg for argument in run.args.kwonlyargs] == ["quick"], name
        title, _, more = (ast.get_docstring(tree) or "").partition("\n\n")
        assert title.count("\n") == 0, name
        assert len(more) > 80, name  # what is measured, against what, on which bound


def test_a_name_that_is_no_benchmark_is_refused_before_anything_runs(
    fake: list[bool], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        runner.main(["fake", "windw"])
    assert stopped.value.code == 2
    assert "unknown benchmark: windw; choose from fake" in capsys.readouterr().err
    assert fake == []


def test_a_run_that_meets_its_targets_ends_with_0_and_marks_what_is_quoted(
    fake: list[bool], capsys: pytest.CaptureFixture[str]
) -> None:
    assert runner.main([]) == 0
    printed = capsys.readouterr().out
    assert "### A stand-in." in printed
    assert "| calls \\* | 2 |  | = 2 | yes |" in printed
    assert "| time | 1 s |  |  |  |" in printed
    assert fake == [False]


def test_a_missed_figure_ends_with_1_and_is_written_with_all_others(
    fake: list[bool], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "results.json"
    assert runner.main(["fake", "--quick", "--json", str(file)]) == 1
    assert fake == [True]
    assert "missed: fake: calls" in capsys.readouterr().err
    written = json.loads(file.read_bytes())
    assert set(written) == {"machine", "quick", "benchmarks"}
    assert written["quick"] is True
    assert "CPUs" in written["machine"]
    table = written["benchmarks"]["fake"]
    assert (table["title"], len(table["figures"])) == ("A stand-in.", 2)
    assert table["figures"][0] == {
        "what": "calls",
        "measured": "3",
        "target": "= 2",
        "met": False,
        "value": 3,
        "spread": None,
        "quoted": True,
    }


@pytest.mark.usefixtures("fake")
def test_what_was_measured_before_a_failure_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*, quick: bool = False) -> list[Finding]:
        raise RuntimeError(f"no server, quick: {quick}")

    broken = ModuleType("benchmarks.broken", "Breaks.")
    broken.run = run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "benchmarks.broken", broken)
    monkeypatch.setattr(runner, "NAMES", ("fake", "broken"))
    file = tmp_path / "results.json"
    with pytest.raises(RuntimeError, match="no server"):
        runner.main(["--json", str(file)])
    assert list(json.loads(file.read_bytes())["benchmarks"]) == ["fake"]


@pytest.mark.skipif(importlib.util.find_spec("matplotlib") is None, reason="only the bench extra has matplotlib")
def test_a_chart_is_small_and_the_same_every_time(fake: list[bool], tmp_path: Path) -> None:
    for name in ("once", "twice"):
        assert runner.main(["--plots", str(tmp_path / name)]) == 0
    once, twice = ((tmp_path / name / "course.svg").read_bytes() for name in ("once", "twice"))
    assert once == twice
    assert once.startswith(b"<?xml")
    assert b"the limit: 4" in once
    assert len(once) < 60_000
    assert fake == [False, False]


def test_at_least_is_met_by_the_bound_itself() -> None:
    assert at_least("pace", 0.95, 0.95).met
    assert not at_least("pace", 0.949, 0.95).met
