"""Dagster, in an environment of its own, runs the source of a mirror as it is."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.environments import environment

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_assets_are_materialized_and_then_updated(tmp_path: Path) -> None:
    python = environment(tmp_path, "dagster==1.13.27", "dagster-dlt==0.29.27", f"{ROOT}[mirror]")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MARKETO_")}
    (tmp_path / "home").mkdir()
    done = subprocess.run(  # noqa: S603 - that interpreter, our own example
        [str(python), str(ROOT / "examples" / "mirror_dagster.py")],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**inherited, "DAGSTER_HOME": str(tmp_path / "home"), "RUNTIME__DLTHUB_TELEMETRY": "false"},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    assert done.stdout.splitlines() == [
        "No MARKETO_* in the environment: this is a sandbox on this machine.",
        "True leads 1,000, lead_changes 0, lead_deletions 0, lists 1, list_members 1,000",
        "True leads 999, lead_changes 0, lead_deletions 1, lists 1, list_members 999",
    ]
