"""The file that an export grows into: what a run that was killed has left beside it."""

from __future__ import annotations

import random
from pathlib import Path

from marketo_async.bulk.exports.output import ExportOutput
from marketo_async.bulk.exports.state import ExportState, new_state


def made() -> ExportState:
    return new_state({}, ["one", "two"], random.Random(1))


def test_the_file_of_a_window_that_is_written_is_removed_and_the_others_are_gone_on_with(tmp_path: Path) -> None:
    with ExportOutput(tmp_path / "leads.csv") as target:
        state_file = target.state_file(made)
        state_file.state.windows[0].written = True
        state_file.save()
        for number in range(2):
            target.window(number).write_bytes(b"id\n1\n")
    with ExportOutput(tmp_path / "leads.csv") as target:
        assert target.state_file(made).state.windows[0].written
        assert target.resumed
        assert [target.window(number).exists() for number in range(2)] == [False, True]
