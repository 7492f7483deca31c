"""A folder of each process, which ends with it, and one writer at a time."""

from __future__ import annotations

import multiprocessing
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from marketo_async.errors import ConfigurationError
from marketo_async.mirror.scratch import Scratch


def hold(base: Path, connection: Connection) -> None:
    scratch = Scratch(base)
    folder = scratch.open()
    (folder / "rows").write_text("of a lead")
    scratch.write("the target")
    connection.send(folder)
    connection.recv()


def test_what_a_killed_process_left_is_removed_and_its_target_free(tmp_path: Path) -> None:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=hold, args=(tmp_path, theirs), daemon=True)
    process.start()
    folder = ours.recv()
    scratch = Scratch(tmp_path)
    own = scratch.open()
    with pytest.raises(ConfigurationError, match="another mirror writes to the target; end it first"):
        scratch.write("the target")
    assert (folder / "rows").exists()

    process.kill()
    process.join()
    assert scratch.open() != own
    assert not folder.exists()
    scratch.write("the target")
    scratch.write("the target")
    scratch.close()
    assert [path.name for path in tmp_path.iterdir()] == ["writer.lock"]


def test_two_of_one_process_have_folders_of_their_own(tmp_path: Path) -> None:
    one, other = Scratch(tmp_path), Scratch(tmp_path)
    folders = {one.open(), other.open()}

    assert len(folders) == 2
    assert all(folder.is_dir() and folder.stat().st_mode & 0o077 == 0 for folder in folders)
    one.write("the target")
    with pytest.raises(ConfigurationError, match="another mirror writes to the target"):
        other.write("the target")
    one.close()
    other.write("the target")
    other.close()
