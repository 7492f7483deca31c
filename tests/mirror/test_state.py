"""The state of a mirror as text, and how a package changes it."""

from __future__ import annotations

import pytest
from msgspec import Struct

from marketo_async.errors import ConfigurationError
from marketo_async.mirror.chunks import LoadChunk
from marketo_async.mirror.package import packed
from marketo_async.mirror.state import DayUse, MirrorState


class Done(Struct):
    until: int


STATE = MirrorState(instance="123-ABC-456", types={1: "activity_visit_webpage"}, use=DayUse(day=1.0, calls=2))


def test_a_state_is_read_as_it_was_written() -> None:
    kept = STATE.with_progress({"leads": Done(7)})

    read = MirrorState.read(kept.text(), instance="123-ABC-456")
    assert read == kept
    assert read.progress_of("leads", Done) == Done(7)
    assert read.progress_of("lists", Done) is None
    assert STATE.with_progress({}) is STATE


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "can't be read"),
        ('{"instance":"123-ABC-456","v":2}', "has version 2, this release reads 1"),
        ('{"instance":"999-ABC-456"}', "a mirror of 999-ABC-456, and this client is of 123-ABC-456"),
    ],
)
def test_another_state_is_refused(text: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        MirrorState.read(text, instance="123-ABC-456")


def test_a_package_leaves_the_last_position_and_the_progress_of_each_producer() -> None:
    chunks = [
        LoadChunk(rows={"leads": [{"id": 1}]}, read_at=1.0, position="a", progress={"leads": Done(1)}),
        LoadChunk(deletions={"leads": [{"id": 2}]}, read_at=2.0, progress={"lists": True}),
        LoadChunk(read_at=3.0, position="b", progress={"leads": Done(2)}),
    ]
    package = packed(chunks, STATE)

    assert (package.size, package.state.position, package.state.loads) == (2, "b", 1)
    assert package.state.progress == {"leads": {"until": 2}, "lists": True}
    assert packed([], package.state).state.position == "b"
