"""The search finds what people ask for, and knows the names of Adobe's tools."""

from __future__ import annotations

import re

import pytest

from marketo_async.errors import InvalidRequest
from marketo_async.mcp.adobe import ALIASES, NEAREST
from marketo_async.mcp.find import find_operations, resolve, tool_name, words
from marketo_async.mcp.words import FAMILIES, OPERATIONS, VERBS
from marketo_async.schema import callees
from tests.mcp.questions import PROMPTS, QUESTIONS


def hits(questions: tuple[tuple[str, str], ...], limit: int) -> float:
    """Return the part of questions with an answer among the first ``limit``."""
    found = [
        bool(set(answers.split()) & set(find_operations(question, limit=limit))) for question, answers in questions
    ]
    return sum(found) / len(found)


def test_the_questions_are_a_hundred_and_their_answers_exist() -> None:
    assert len({question for question, _ in QUESTIONS}) == 100
    assert {name for _, answers in QUESTIONS + PROMPTS for name in answers.split()} <= callees().keys()


def test_nine_of_ten_questions_are_answered_by_the_first_five() -> None:
    assert hits(QUESTIONS, 5) >= 0.90
    assert hits(QUESTIONS, 8) >= 0.95


def test_the_prompts_that_adobe_prints_are_answered() -> None:
    assert hits(PROMPTS, 8) >= 0.95


@pytest.mark.parametrize("name", sorted(callees()))
def test_an_operation_is_found_by_its_own_name(name: str) -> None:
    assert name in find_operations(name.replace(".", " ").replace("_", " "), limit=8)


def test_only_what_is_asked_for_is_found() -> None:
    assert all(
        name.startswith("emails.") for name in find_operations("approve", among=lambda name: name.startswith("emails."))
    )
    assert find_operations("approve an email", limit=3, among=lambda _: True) == find_operations(
        "approve an email", limit=3
    )
    assert find_operations("xyzzy") == []
    assert find_operations("") == []


def test_words_are_reduced_to_stems() -> None:
    assert words("the companies' addresses") == words("company address")
    assert words("updating templates") == words("update template")
    assert words("is it the") == []


def test_the_tables_name_what_exists() -> None:
    assert {name.rpartition(".")[0] for name in callees()} == FAMILIES.keys()
    assert VERBS.keys() <= {name.rpartition(".")[2] for name in callees()}
    assert OPERATIONS.keys() <= callees().keys()


def test_every_name_of_adobe_s_is_known() -> None:
    assert len(ALIASES) + len(NEAREST) == 133
    assert ALIASES.keys() & NEAREST.keys() == set()
    assert set(ALIASES.values()) <= callees().keys()
    assert {name for near in NEAREST.values() for name in near} <= callees().keys()


@pytest.mark.parametrize("name", ["lists.add", "lists_add", "add_leads_to_list"])
def test_an_operation_has_three_names(name: str) -> None:
    assert resolve(name) == "lists.add"


def test_what_is_not_in_the_public_api_is_said_so() -> None:
    with pytest.raises(InvalidRequest, match=r"no operation for create_smart_list; the nearest are smart_lists\.clone"):
        resolve("create_smart_list")


@pytest.mark.parametrize(
    ("name", "text"), [("emails.approved", r"did you mean .*emails\.approve"), ("xyzzy", "call marketo_find")]
)
def test_an_unknown_name_is_refused_with_the_nearest(name: str, text: str) -> None:
    with pytest.raises(InvalidRequest, match=text):
        resolve(name)


def test_a_tool_name_fits_into_every_host() -> None:
    """``mcp__marketo__`` comes before it, and 64 characters are the limit; no two operations share one."""
    names = [tool_name(name) for name in callees()]
    assert len(set(names)) == len(names)
    assert all(len(name) <= 43 and re.fullmatch(r"[a-z0-9_]+", name) for name in names)
