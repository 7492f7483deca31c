"""Fixtures of the command's tests: an instance with a few pages of everything."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from .instances import Instance, running

# pytest-asyncio asks for the current loop before it makes its own; where none was ever set, Python 3.11 would create
# one that nobody closes, and some later test would fail with its ResourceWarning.
asyncio.set_event_loop(None)


@pytest.fixture(autouse=True)
def state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep what the command remembers from one run to the next in a folder of the test."""
    folder = tmp_path_factory.mktemp("state")
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))
    return folder


@pytest.fixture
def instance() -> Iterator[Instance]:
    with running() as started:
        yield started
