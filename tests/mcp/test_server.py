"""The server through the official client, in both eras of the protocol: what it lists, reaches, explains and hides."""

from __future__ import annotations

import ast
import json
import logging
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mcp", reason="it comes with the mcp extra")

from mcp.shared.exceptions import MCPError

import marketo_async
from marketo_async.effects import EFFECTS
from marketo_async.mcp import tools as tools_module
from marketo_async.mcp.answers import as_text
from marketo_async.mcp.desk import Desk
from marketo_async.sandbox import Sandbox
from marketo_async.schema import callees
from tests.json_arguments import json_arguments
from tests.mcp.conftest import Connect


def test_one_module_imports_the_library() -> None:
    package = Path(marketo_async.__file__).parent
    found = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom) and not node.level
            else []
        )
        if name.partition(".")[0] in {"mcp", "mcp_types"}
    }
    assert found == {"mcp/server.py"}


async def test_the_list_is_cached_for_the_agent_alone(connect: Connect, era: str) -> None:
    async with connect("reader", era=era) as tools:
        listed = await tools.client.list_tools()
        names = [tool.name for tool in listed.tools]
        assert names[:3] == ["marketo_find", "marketo_describe", "marketo_read"]
        assert "marketo_write" not in names
        assert all(tool.annotations.read_only_hint for tool in listed.tools)
        if era == "auto":
            assert (listed.ttl_ms, listed.cache_scope) == (300_000, "private")
        again = await tools.client.list_tools()
        assert [tool.name for tool in again.tools] == names


async def test_the_server_introduces_itself(connect: Connect, era: str) -> None:
    async with connect(era=era) as tools:
        assert "marketo_find" in tools.client.instructions
        assert tools.client.server_info.name == "marketo-async"


# The errors of made-up ids; the sandbox understands the requests themselves.
UNDERSTOOD = {"not_found", "conflict", "invalid", "unavailable", "marketo_permission", "busy"}


# The sandbox's base URL holds no munchkin id, which ingestion needs.
REACHED = [name for name in callees() if not name.startswith("ingestion.")]
FIRST = list({name.rpartition(".")[0]: name for name in reversed(REACHED)}.values())


@pytest.mark.parametrize(
    "names", [pytest.param(REACHED, marks=pytest.mark.slow), FIRST], ids=["every operation", "one of each family"]
)
async def test_an_operation_is_reached_by_the_generic_tools(
    names: list[str], connect: Connect, sandbox: Sandbox
) -> None:
    async with connect("alone", tools="meta") as tools:
        for name in names:
            arguments = json_arguments()[name]
            before = sum(sandbox.stats.by_operation.values())
            tool = "marketo_write" if name in EFFECTS else "marketo_read"
            answer = await tools(tool, operation=name, arguments=arguments)
            assert sum(sandbox.stats.by_operation.values()) > before, (name, answer)
            error = answer.get("error", {})
            assert error.get("kind", "not_found") in UNDERSTOOD, (name, error)
            assert error.get("code") not in {"600", "601", "602", "603", "605", "609", "610", "611", "612", "613"}, name


async def test_ingestion_needs_a_munchkin_id(connect: Connect) -> None:
    async with connect("alone") as tools:
        error = await tools.refused(
            "marketo_write", operation="ingestion.add_to_list", arguments={"list_id": 1, "lead_ids": [1]}
        )
        assert "munchkin id" in error["message"]


async def test_an_operation_is_found_and_described_by_any_name(connect: Connect) -> None:
    async with connect("writer") as tools:
        found = (await tools("marketo_find", query="put people on a static list", limit=3))["operations"]
        assert "lists.add(list_id: int, lead_ids: [int])" in [one["signature"] for one in found]
        assert len(found) == 3
        for name in ("lists.add", "lists_add", "add_leads_to_list"):
            described = await tools("marketo_describe", operation=name)
            assert described["operation"] == "lists.add"
            assert described["schema"]["required"] == ["list_id", "lead_ids"]
            assert described["you"] == "allowed"
        removed = await tools("marketo_describe", operation="lists.remove")
        assert (removed["effect"], removed["you"]) == ("erase", "host confirms")
        by_name = (await tools("marketo_find", query="get_list_members", limit=1))["operations"]
        assert by_name[0]["signature"].startswith("lists.leads(")
        in_area = (await tools("marketo_find", query="browse", area="forms"))["operations"]
        assert all(one["signature"].startswith(("forms.", "form_fields.")) for one in in_area)


async def test_what_is_denied_is_found_only_if_asked_for(connect: Connect) -> None:
    async with connect("reader") as tools:
        hidden = (await tools("marketo_find", query="delete leads"))["operations"]
        assert all(one["you"] == "allowed" for one in hidden)
        shown = (await tools("marketo_find", query="delete leads", denied=True))["operations"]
        assert {"leads.delete(lead_ids: [int])": "denied"}.items() <= {
            one["signature"]: one["you"] for one in shown
        }.items()
        error = await tools.refused("marketo_describe", operation="leads.delete")
        assert error["kind"] == "denied"


@pytest.mark.parametrize(
    ("tool", "arguments", "text"),
    [
        ("marketo_find", {}, "missing required field query"),
        ("marketo_find", {"query": "x", "area": "pets"}, "'pets' is not an area"),
        ("marketo_find", {"query": "x", "limit": "many"}, "limit: expected int"),
        ("marketo_read", {"operation": "leads.gets"}, "did you mean"),
        ("marketo_read", {"operation": "leads.get", "arguments": {"lead_id": 1}, "all": True}, "unknown field all"),
        ("leads_get", {"lead_id": "x"}, "lead_id: expected int, got str; call leads.get("),
        ("leads_get", {"id": 1}, "'id' is not an argument"),
    ],
)
async def test_a_mistake_in_arguments_is_an_error_of_the_tool(
    connect: Connect, tool: str, arguments: dict[str, Any], text: str
) -> None:
    async with connect() as tools:
        error = await tools.refused(tool, **arguments)
        assert error["kind"] == "invalid"
        assert text in error["message"]


async def test_an_unknown_tool_is_an_error_of_the_protocol(connect: Connect, era: str) -> None:
    async with connect(era=era) as tools:
        with pytest.raises(MCPError, match="unknown tool 'marketo_call'"):
            await tools("marketo_call")


async def test_whoami_says_what_the_agent_may_do(connect: Connect) -> None:
    async with connect("reader") as tools:
        answer = await tools("marketo_whoami")
        assert (answer["agent"], answer["title"]) == ("reader", "Reader")
        assert set(answer["access"].values()) == {"read"}
        assert answer["left"]["calls_today"] > 0
        assert answer["waiting"] == []


async def test_a_fault_of_ours_shows_no_more_than_its_number(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("secret-that-must-never-show")

    found = tools_module.operation_tool("leads.get")
    broken_tool = tools_module.Tool(
        **{name: getattr(found, name) for name in found.__struct_fields__ if name != "handler"}, handler=broken
    )
    monkeypatch.setattr(tools_module, "operation_tool", lambda _: broken_tool)
    async with connect() as tools:
        with caplog.at_level(logging.ERROR):
            error = await tools.refused("leads_get", lead_id=1)
    assert error["kind"] == "internal"
    assert "secret" not in json.dumps(error)
    assert error["message"].removeprefix("the server failed (incident ").rstrip(")") in caplog.text


async def test_structured_content_is_sent_where_the_policy_asks_for_it(connect: Connect, desk: Desk) -> None:
    from msgspec.structs import replace  # noqa: PLC0415

    agents = {**desk.policy.agents, "reader": replace(desk.policy.agents["reader"], structured=True)}
    async with connect("alone") as tools:
        assert (await tools.client.call_tool("leads_get", {"lead_id": 1})).structured_content is None
    desk.adopt(replace(desk.policy, agents=agents))
    async with connect("reader") as tools:
        result = await tools.client.call_tool("leads_get", {"lead_id": 1})
        assert as_text(result.structured_content) == result.content[0].text


async def test_a_new_policy_holds_from_the_next_call_on(connect: Connect, desk: Desk) -> None:
    from msgspec.structs import replace  # noqa: PLC0415

    async with connect("reader") as tools:
        assert "result" in await tools("leads_get", lead_id=1)
        desk.adopt(replace(desk.policy, agents={"other": desk.policy.agents["reader"]}))
        with pytest.raises(MCPError, match="no agent 'reader' any more"):
            await tools("leads_get", lead_id=1)


async def test_a_page_that_was_kept_is_not_given_after_the_rights_change(
    connect: Connect, desk: Desk, sandbox: Sandbox
) -> None:
    from msgspec.structs import replace  # noqa: PLC0415

    from marketo_async.mcp.policy import Only  # noqa: PLC0415

    async with connect("reader") as tools:
        listing = {"operation": "activities.types", "arguments": {}}
        first = await tools("marketo_read", **listing, limit=2)
        narrower = replace(desk.policy.agents["reader"], only=Only(list_id=[1]))
        desk.adopt(replace(desk.policy, agents={**desk.policy.agents, "reader": narrower}))
        rest = await tools("marketo_read", **listing, limit=2, cursor=first["cursor"])
        assert rest["cost"]["calls"] == 1  # it was asked for, and judged, again


async def test_resources_explain_what_the_agent_may_call(connect: Connect, era: str) -> None:
    async with connect("reader", era=era) as tools:
        listed = (await tools.client.list_resources()).resources
        assert [str(one.uri) for one in listed] == ["marketo://guide", "marketo://operations"]
        texts = {str(one.uri): (await tools.client.read_resource(str(one.uri))).contents[0].text for one in listed}
        assert "marketo_find" in texts["marketo://guide"]
        lines = texts["marketo://operations"].splitlines()
        assert len(lines) == sum(name not in EFFECTS for name in callees())
        (template,) = (await tools.client.list_resource_templates()).resource_templates
        assert template.uri_template == "marketo://operations/{name}"
        one = await tools.client.read_resource("marketo://operations/leads.get")
        assert one.contents[0].text.startswith("leads.get(lead_id: int")
        for hidden in ("marketo://operations/leads.delete", "marketo://secrets"):
            with pytest.raises(MCPError, match="unknown resource"):
                await tools.client.read_resource(hidden)


async def test_prompts_take_their_argument(connect: Connect, era: str) -> None:
    async with connect(era=era) as tools:
        listed = (await tools.client.list_prompts()).prompts
        assert [one.name for one in listed] == ["audit_program", "explain_person", "clean_list"]
        got = await tools.client.get_prompt("audit_program", {"program": "1001"})
        assert "program 1001." in got.messages[0].content.text
        for name, arguments in [("audit_program", {}), ("other", {"program": "1"})]:
            with pytest.raises(MCPError, match="unknown prompt"):
                await tools.client.get_prompt(name, arguments)


async def test_progress_grows_where_the_host_asks_for_it(connect: Connect, era: str) -> None:
    seen: list[float] = []

    async def note(progress: float, _: float | None, __: str | None) -> None:
        seen.append(progress)

    async with connect("alone", era=era) as tools:
        await tools.client.call_tool(
            "marketo_write",
            {"operation": "lists.add", "arguments": {"list_id": 1001, "lead_ids": list(range(1, 31))}},
            progress_callback=note,
        )
    assert seen == sorted(set(seen))
    assert seen
