"""Which tools an agent sees, what they say, and how much of a context they take."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from marketo_async.effects import Effect, effect_of
from marketo_async.errors import ConfigurationError
from marketo_async.mcp.access import Access
from marketo_async.mcp.policy import AccessLevel, Agent
from marketo_async.mcp.tools import CURATED, INSTRUCTIONS, Tool, selection_of, tools_of
from marketo_async.schema import callee, callees
from tests.mcp.conftest import EVERYTHING, POLICY, READS

FULL = Access("full", Agent(access=EVERYTHING, sample_domains=["x.io"]))
READER = Access("reader", Agent(access=READS))
GENERIC = [
    "marketo_find", "marketo_describe", "marketo_read", "marketo_plan", "marketo_write", "marketo_whoami",
]  # fmt: skip
EXPORTS = ["marketo_export_start", "marketo_export_status", "marketo_export_rows"]


def names(access: Access, selection: str) -> list[str]:
    return list(tools_of(access, selection_of(selection)))


def test_the_default_list_is_fixed() -> None:
    curated = [name.replace(".", "_") for name in CURATED.split()]
    assert len(curated) == 20
    assert names(FULL, "default") == [*GENERIC, "marketo_person", *EXPORTS, *curated]


def test_meta_has_the_generic_tools_alone() -> None:
    assert names(FULL, "meta") == GENERIC


def test_families_have_a_tool_for_each_operation() -> None:
    found = names(FULL, "families:lists, tokens")
    assert [name for name in found if not name.startswith("marketo_")] == [
        name.replace(".", "_") for name in callees() if name.startswith(("lists.", "tokens."))
    ]


def test_all_have_a_tool_each() -> None:
    assert len(names(FULL, "all")) == len(callees()) + len(GENERIC) + 1 + len(EXPORTS)


@pytest.mark.parametrize("selection", ["everything", "families:", "families:pets"])
def test_another_choice_is_refused(selection: str) -> None:
    with pytest.raises(ConfigurationError):
        selection_of(selection)


@pytest.mark.parametrize("selection", ["meta", "default", "all"])
def test_a_reader_sees_no_write(selection: str) -> None:
    found = tools_of(READER, selection_of(selection))
    assert all(tool.reads for tool in found.values())
    assert not {"marketo_plan", "marketo_write", "lists_add", "marketo_export_start"} & found.keys()


def test_what_an_agent_may_not_call_it_does_not_see() -> None:
    lists = Access("lists", Agent(access={"lists": AccessLevel.WRITE}))
    found = names(lists, "all")
    own = [name for name in found if not name.startswith("marketo_")]
    expected = [name for name, one in callees().items() if lists.allows(one.operation)]
    assert own == [name.replace(".", "_") for name in expected]
    assert "lists_add" in own
    assert "lists_remove" not in own
    assert not set(EXPORTS) & set(found)


def test_the_hints_are_those_of_the_effect() -> None:
    for name, tool in tools_of(FULL, selection_of("all")).items():
        if name.startswith("marketo_"):
            continue
        operation = next(one.operation for key, one in callees().items() if key.replace(".", "_") == name)
        effect = effect_of(operation)
        assert tool.reads is (effect is Effect.READ)
        assert tool.destructive is (effect not in {Effect.READ, Effect.CHANGE})
        assert tool.idempotent is operation.idempotent
        assert tool.calls_marketo


def test_a_tool_is_named_titled_and_described() -> None:
    for tool in tools_of(FULL, selection_of("all")).values():
        assert re.fullmatch(r"[a-z0-9_]{1,43}", tool.name)
        assert tool.title
        assert 10 < len(tool.description) <= 120
        assert tool.description.endswith(".")
        assert "``" not in tool.description
        assert tool.schema["additionalProperties"] is False


def test_paging_and_checks_are_not_shown() -> None:
    properties = tools_of(FULL, selection_of("all"))["leads_by_filter"].schema["properties"]
    assert list(properties) == ["filter_type", "values", "fields", "limit", "cursor"]
    assert "check" not in tools_of(FULL, selection_of("all"))["leads_sync"].schema["properties"]


def test_no_tool_takes_a_confirmation() -> None:
    """A person confirms, and never an argument."""
    for tool in tools_of(FULL, selection_of("all")).values():
        assert not {"confirm", "confirmed", "force", "yes", "approve"} & set(tool.schema["properties"])
    assert callee("leads.delete").operation.write


def as_seen(tool: Tool) -> str:
    """Return a tool as a model sees it."""
    seen = {"name": tool.name, "description": tool.description, "parameters": tool.schema}
    return json.dumps(seen, separators=(",", ":"), ensure_ascii=False)


@pytest.fixture(scope="module")
def tokens() -> Any:
    encoding = pytest.importorskip("bpe_openai", reason="it counts tokens").get_encoding("o200k_base")
    return lambda text: len(encoding.encode(text))


@pytest.mark.parametrize(("selection", "most"), [("meta", 600), ("default", 2_500)])
def test_the_list_is_small(selection: str, most: int, tokens: Any) -> None:
    assert sum(tokens(as_seen(tool)) for tool in tools_of(FULL, selection_of(selection)).values()) <= most


def test_no_schema_is_large(tokens: Any) -> None:
    assert max(tokens(as_seen(tool)) for tool in tools_of(FULL, selection_of("all")).values()) <= 450


def test_the_instructions_are_short(tokens: Any) -> None:
    assert tokens(INSTRUCTIONS) <= 120


def test_the_policy_of_the_tests_has_these_agents() -> None:
    assert list(POLICY.agents) == ["reader", "writer", "alone", "watched"]
