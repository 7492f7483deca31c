"""The public interface as the type checkers see it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import mypy.api
import pytest

ROOT = Path(__file__).resolve().parents[1]
API = ROOT / "tests" / "typing_api.py"


@pytest.mark.timeout(300)
def test_mypy_agrees_with_every_assertion_and_every_expected_error(tmp_path: Path) -> None:
    report, complaints, status = mypy.api.run(
        [str(API), "--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(tmp_path), "--no-error-summary"]
    )

    assert (status, report, complaints) == (0, "", "")


@pytest.mark.slow  # the type checkers run by themselves in .ci/run, too
@pytest.mark.timeout(300)
def test_pyright_agrees_too_and_on_the_whole_package() -> None:
    """Pyright fetches itself at its first use, which is impossible without the net."""
    done = subprocess.run(  # noqa: S603 - our own arguments
        [sys.executable, "-m", "pyright", "--project", str(ROOT), "--pythonpath", sys.executable, "--outputjson"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    if not done.stdout.lstrip().startswith("{"):
        pytest.skip(f"pyright can't run here: {(done.stderr or done.stdout).strip().splitlines()[-1:]}")
    report = json.loads(done.stdout)

    found = [
        f"{item['file']}:{item['range']['start']['line'] + 1}: {item['message']}"
        for item in report["generalDiagnostics"]
    ]
    assert found == []
    assert report["summary"]["filesAnalyzed"] > len(list((ROOT / "marketo_async").rglob("*.py")))
