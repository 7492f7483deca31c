"""`Output` on its own: killed between any two steps, and the files that it refuses to resume."""

from __future__ import annotations

import os
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest

from marketo_async import Page
from marketo_async.cli.checkpoint import Checkpoint
from marketo_async.cli.output import Output
from marketo_async.errors import InvalidRequest

ARGUMENTS = {"instance": "http://127.0.0.1", "--list": "1"}
PAGES = [Page([1, 2], "a", more=True), Page([], "b", more=True), Page([3], "c", more=True), Page([4, 5])]
PLACE = {None: 0, "a": 1, "b": 2, "c": 3}


class Killed(BaseException):
    """Stands for the end of the process: nothing may be done about it."""


class Power:
    """Cuts a process off at the n-th of the steps by which anything reaches the disk."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
        self.left = steps
        monkeypatch.setattr(os, "fsync", self.step)
        replace, unlink = Path.replace, Path.unlink

        def replaced(path: Path, target: Path) -> Path:
            self.step()
            return replace(path, target)

        def unlinked(path: Path, missing_ok: bool = False) -> None:  # noqa: FBT001, FBT002 - as pathlib has it
            self.step()
            unlink(path, missing_ok)

        monkeypatch.setattr(Path, "replace", replaced)
        monkeypatch.setattr(Path, "unlink", unlinked)

    def step(self, *_: object) -> None:
        self.left -= 1
        if self.left < 0:
            raise Killed


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out.jsonl"


def drain(out: Path) -> None:
    """Take what the checkpoint says is missing."""
    with Output(out, ARGUMENTS) as output:
        if not output.checkpoint.complete:
            for page in PAGES[PLACE[output.checkpoint.token] :]:
                output.take(page)
        output.finish()


def test_killed_at_any_step_nothing_is_lost_or_doubled(out: Path) -> None:
    for steps in count():
        with pytest.MonkeyPatch.context() as patches:
            power = Power(patches, steps)
            with suppress(Killed):
                drain(out)
            whole = power.left >= 0
        if not whole:
            # What was written after the last checkpoint may have reached the disk in part.
            if out.exists() and out.with_name("out.jsonl.checkpoint").exists():
                with out.open("ab") as file:
                    file.write(b'{"torn')
            drain(out)
        assert out.read_bytes() == b"1\n2\n3\n4\n5\n"
        assert list(out.parent.iterdir()) == [out]
        out.unlink()
        if whole:
            break
    assert steps > 10


def test_two_runs_cannot_write_one_file(out: Path) -> None:
    with Output(out, ARGUMENTS), pytest.raises(InvalidRequest, match="another run is writing"), Output(out, ARGUMENTS):
        pass


def test_a_file_that_lost_what_was_counted_is_refused(out: Path) -> None:
    with Output(out, ARGUMENTS) as output:
        output.take(PAGES[0])
    out.write_bytes(b"1\n")
    with pytest.raises(InvalidRequest, match="has 2 bytes, but its checkpoint counts 4"), Output(out, ARGUMENTS):
        pass


def test_a_device_is_refused_and_stays() -> None:
    ours, theirs = os.openpty()
    try:
        device = Path(os.ttyname(theirs))
        for start_over in (False, True):
            with pytest.raises(InvalidRequest, match="is not a regular file"):
                Output(device, ARGUMENTS, start_over=start_over).__enter__()
        assert device.exists()
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize("start_over", [True, False])
def test_a_file_that_was_there_stays_when_nothing_came(out: Path, *, start_over: bool) -> None:
    out.touch()
    with Output(out, ARGUMENTS, start_over=start_over):
        pass
    assert out.exists()
    assert list(out.parent.iterdir()) == [out]


def test_a_file_that_was_not_there_is_not_there_when_it_is_refused(out: Path) -> None:
    with Output(out, ARGUMENTS) as output:
        output.take(PAGES[0])
    out.unlink()
    with pytest.raises(InvalidRequest, match="has 0 bytes"):
        Output(out, ARGUMENTS).__enter__()
    assert not out.exists()


@pytest.mark.parametrize("endless", [True, False])
def test_a_complete_file_that_was_moved_away(out: Path, *, endless: bool) -> None:
    with Output(out, ARGUMENTS, endless=endless) as output:
        output.take(PAGES[0])
        output.take(Page([3], "new"))
    out.unlink()
    if not endless:
        # The process was killed before it could remove the checkpoint: nobody can tell whether it was missed.
        with pytest.raises(InvalidRequest, match="has 0 bytes"):
            Output(out, ARGUMENTS).__enter__()
        return
    with Output(out, ARGUMENTS, endless=True) as output:
        assert output.checkpoint.token == "new"
        output.take(Page([4], "newer"))
        output.finish()
    assert out.read_bytes() == b"4\n"
    kept = Checkpoint.load(out.with_name("out.jsonl.checkpoint"))
    assert kept == Checkpoint(arguments=ARGUMENTS, token="newer", written=2, records=1, complete=True)


@pytest.mark.parametrize("held", [b"", b"{", b"[]", b'{"token":"a"}'])
def test_a_checkpoint_of_another_kind_is_refused(out: Path, held: bytes) -> None:
    out.with_name("out.jsonl.checkpoint").write_bytes(held)
    with pytest.raises(InvalidRequest, match="is not a checkpoint of this command"), Output(out, ARGUMENTS):
        pass
    with Output(out, ARGUMENTS, start_over=True) as output:
        assert output.checkpoint == Checkpoint(arguments=ARGUMENTS)


def test_what_has_no_json_is_refused(out: Path) -> None:
    with Output(out, ARGUMENTS) as output, pytest.raises(TypeError, match="object"):
        output.take(Page([object()]))
