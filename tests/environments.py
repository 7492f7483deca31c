"""Virtual environments that a test makes for a program whose pins are its own, and must not become ours."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import pytest

_MOST_SECONDS = 300


def environment(folder: Path, *requirements: str) -> Path:
    """Install *requirements* into a virtual environment in *folder* and return its Python; skip where that fails."""
    python = folder / "environment" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    venv.create(folder / "environment", with_pip=True)
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements]
    try:
        done = subprocess.run(  # noqa: S603 - this interpreter
            command, capture_output=True, text=True, timeout=_MOST_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"{', '.join(requirements)} did not install within {_MOST_SECONDS} s")
    if done.returncode:
        pytest.skip(f"{', '.join(requirements)} cannot be installed here: {done.stderr.strip()[-300:]}")
    return python
