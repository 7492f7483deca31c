"""One run after the other on one instance: the window of the last is known to the next."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from marketo_async import Governor, Snapshot
from marketo_async.cli.sharing import file_of
from marketo_async.governor import SQLiteStore

from .commands import invoke
from .instances import Instance


def known(path: Path) -> Snapshot:
    """Ask the file what it knows, at the price of a permit that is given back."""

    async def ask() -> Snapshot:
        governor = Governor(store=SQLiteStore(path))
        (await governor.acquire()).unsent()
        await governor.flush()
        return governor.snapshot()

    return asyncio.run(ask())


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*.db*") if path.is_file()]


def test_a_run_knows_of_the_calls_of_the_last(instance: Instance, state: Path, tmp_path: Path) -> None:
    for number in range(2):
        ended = invoke("leads", "--list", 1001, "--out", tmp_path / f"{number}", environment=instance.environment)
        assert ended.code == 0
    path = file_of(instance.environment["MARKETO_BASE_URL"])
    assert path.is_relative_to(state)
    seen = known(path)
    assert (seen.window_used, seen.in_flight) == (instance.calls, 0)
    assert seen.used_today >= instance.calls


def test_it_can_be_another_file_or_none(instance: Instance, state: Path, tmp_path: Path) -> None:
    ended = invoke("usage", "--store", "none", environment=instance.environment)
    assert (ended.code, files(state)) == (0, [])
    ended = invoke("usage", "--store", tmp_path / "own.db", environment=instance.environment)
    assert (ended.code, files(state)) == (0, [])
    assert known(tmp_path / "own.db").window_used == instance.calls / 2


def test_a_file_that_can_not_be_used_is_told_in_a_line(instance: Instance, tmp_path: Path) -> None:
    ended = invoke("usage", "--store", tmp_path / "no" / "own.db", environment=instance.environment)
    assert (ended.code, instance.calls) == (2, 0)
    assert "own.db: unable to open database file - its folder must exist" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("base_url", "name"),
    [
        ("https://123-abc-456.mktorest.com", "123-abc-456.mktorest.com.db"),
        ("http://127.0.0.1:8080", "127.0.0.1_8080.db"),
        ("https://gateway.example/marketo/one", "gateway.example_marketo_one.db"),
    ],
)
def test_each_instance_has_a_file_of_its_own(base_url: str, name: str) -> None:
    assert file_of(base_url).name == name
