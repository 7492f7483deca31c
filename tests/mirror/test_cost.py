"""What a mirror costs in memory, in a process of its own, and on disk. Benchmarks measure its time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from marketo_async.mirror.chunks import LoadChunk
from marketo_async.mirror.loading import Destination
from marketo_async.mirror.target import target_of

from .lone_load import activity, load

# pyarrow and dlt import both where they are installed, and the mirror needs neither.
_WITHOUT_EXTRAS = """
import runpy, sys
sys.modules["numpy"] = sys.modules["pandas"] = None
runpy.run_module("tests.mirror.lone_load", run_name="__main__")
"""


def megabytes(folder: Path) -> float:
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", _WITHOUT_EXTRAS, str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system counts memory otherwise")
def test_a_first_load_takes_at_most_300_megabytes(tmp_path: Path) -> None:
    assert 30 < megabytes(tmp_path) <= 300


@pytest.mark.slow
async def test_what_is_loaded_leaves_no_files(tmp_path: Path) -> None:
    """A mirror that follows for a month must not fill the disk."""
    destination = Destination(target_of(f"duckdb:///{tmp_path}/a.duckdb"), folder=tmp_path / "dlt")
    state = await destination.open("i")
    sizes = []
    for number in range(4):
        rows = {"activity_1": [activity(1, number)]}
        state = await load(destination, state, LoadChunk(rows=rows, read_at=1.0, position=str(number)))
        sizes.append(sum(1 for path in (tmp_path / "dlt").rglob("*") if path.suffix in {".parquet", ".insert_values"}))
    await destination.close()

    assert state.position == "3"
    assert sizes == [0, 0, 0, 0]
    assert [path for path in (tmp_path / "dlt").rglob("*") if path.is_file() and path.suffix != ".lock"] == []
