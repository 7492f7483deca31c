"""What the tables' words mean: the answers of a shape, its members, and what counts as lost."""

from __future__ import annotations

import pytest

from tests.recorded.kinds import DAY, INT, TEXT, Either, Shape, Value, answers, ints, kind_of, lost, members, texts

SHAPE: Shape = ints("id") | texts("name?") | {"value": Either(INT, TEXT), "parts": [texts("type")]}


def test_a_shape_stands_for_answers_with_each_kind_and_without_what_may_be_missing() -> None:
    parts: list[Value] = [{"type": TEXT}]

    found = list(answers(SHAPE))

    assert {"id": INT, "name": TEXT, "value": INT, "parts": parts} in found
    assert {"id": INT, "value": TEXT, "parts": parts} in found
    assert {"id": INT, "name": None, "value": TEXT, "parts": parts} in found


def test_members_have_paths_and_kinds() -> None:
    assert set(members([SHAPE])) == {
        ("id", "number"),
        ("name", "text"),
        ("value", "number"),
        ("value", "text"),
        ("parts", "list"),
        ("parts.type", "text"),
    }


@pytest.mark.parametrize(
    ("value", "kind"), [(None, "null"), (True, "flag"), (1.5, "number"), ([], "list"), ({}, "object"), (DAY, "0-0-0")]
)
def test_kinds_are_json_s_but_for_dates(value: Shape, kind: str) -> None:
    assert kind_of(value) == kind


@pytest.mark.parametrize(
    ("read", "missing"),
    [
        ({"a": 1, "b": {"c": 2}, "d": [{"e": 3}]}, set()),
        ({"a": 1, "b": {}, "d": [{"e": None}]}, {"b.c", "d.e"}),
        ({"b": {"c": 2}, "d": []}, {"a", "d.e"}),
        (None, {"a", "b", "d"}),
    ],
)
def test_what_was_sent_and_not_kept_is_lost(read: Value, missing: set[str]) -> None:
    sent: Value = {"a": 1, "b": {"c": 2}, "d": [{"e": 3}], "nothing": None}

    assert set(lost(sent, read)) == missing
