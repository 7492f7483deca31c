"""The policy file: what it gives, and how each mistake in it is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from marketo_async.effects import AREAS, Effect
from marketo_async.errors import ConfigurationError
from marketo_async.governor import Priority
from marketo_async.mcp.policy import AccessLevel, Caps, Confirmations, default_policy, load_policy
from tests.mcp.policies import CAMPAIGN, policy

CLOSED = "version = 1\n[agents.a]\n"
SECRET = "canary-Zq7"


def test_a_whole_policy_is_read(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(
        CAMPAIGN + '[headers]\nmunchkin_ids = ["123-ABC-456"]\nagent = "campaign"\n[audit]\nsync = "each"\n'
    )
    found = load_policy(path)
    agent = found.agents["campaign"]

    assert found.instances["main"].endpoint == "https://123-abc-456.mktorest.com"
    assert found.headers is not None
    assert found.headers.agent == "campaign"
    assert found.audit.sync == "each"
    assert agent.access["campaigns.schedule"] is AccessLevel.OFF
    assert agent.call_priority is Priority.INTERACTIVE
    assert agent.limits.people_a_campaign == 25
    assert [agent.confirm.of(effect) for effect in Effect] == ["none", "none", "host", "operator", "host", "host"]


def test_what_is_not_given_is_closed() -> None:
    agent = policy(CLOSED).agents["a"]

    assert agent.access == {}
    assert agent.sample_domains == []
    assert agent.limits == Caps()
    assert agent.limits.at_once == 3
    assert {agent.confirm.of(effect) for effect in (Effect.PUBLISH, Effect.REACH, Effect.ERASE)} == {"host"}
    assert Confirmations(reach="none").of(Effect.REACH) == "none"


def test_without_a_file_one_agent_reads_everything() -> None:
    (agent,) = default_policy().agents.values()

    assert agent.access == dict.fromkeys(AREAS.values(), AccessLevel.READ)


@pytest.mark.parametrize("level", AccessLevel)
def test_a_level_permits_what_the_levels_before_it_permit(level: AccessLevel) -> None:
    permitted = {
        AccessLevel.OFF: set(),
        AccessLevel.READ: {Effect.READ},
        AccessLevel.WRITE: {Effect.READ, Effect.CHANGE},
        AccessLevel.FULL: set(Effect),
    }

    assert {effect for effect in Effect if level.permits(effect)} == permitted[level]


INSTANCES = """
[instances.main]
munchkin_id = "123-ABC-456"
client_id = { env = "I" }
client_secret = { env = "S" }
"""
MISTAKES = {
    "": "version is None; write version = 1",
    "version = 2\n[agents.a]\n": "version is 2; write version = 1",
    "version = 1\n": "it describes no agent; add a table such as [agents.reader]",
    "version = 1\n[agent.a]\n": "'agent' is not known here; possible are agents, audit, headers, instances, version",
    'version = 1\n[agents."A b"]\n': "agents, the name 'A b'.name: expected `str` matching regex",
    CLOSED + "acces = {}\n": "agents.a: object contains unknown field `acces`; possible are title, instance, keys,",
    CLOSED + "access = 3\n": 'agents.a.access: 3 is not a table; write one such as { lists = "read" }',
    CLOSED
    + 'access = { list = "read" }\n': "agents.a.access: 'list' is not an area, family or operation; possible are",
    CLOSED
    + 'access = { lists = "rw" }\n': "agents.a.access.lists: 'rw' is not a level; possible are off, read, write,",
    CLOSED + "access = { lists = 3 }\n": "agents.a.access.lists: 3 is not a level",
    CLOSED + 'access.lists.add = "off"\n': 'agents.a.access: put the name of an operation in quotes, "lists.add"',
    CLOSED
    + 'also = ["lists.brows"]\n': "agents.a.also: 'lists.brows' is not an area, family or operation; possible are",
    CLOSED + 'also = ["zzzzzzzzz"]\n': "operation; marketo-async operations lists them",
    CLOSED
    + 'confirm = { reach = "me" }\n': "a.confirm.reach: invalid enum value 'me'; possible are host, none, operator",
    CLOSED + "only = { lists = [1] }\n": "agents.a.only: object contains unknown field `lists`; possible are list_id,",
    CLOSED + 'only = { list_id = ["x"] }\n': "agents.a.only.list_id[0]: expected `int`, got `str`",
    CLOSED + 'fields = { read = [""] }\n': "agents.a.fields.read[0]: expected `str` of length >= 1",
    CLOSED + "limits = { at_once = 0 }\n": "agents.a.limits.at_once: expected `int` >= 1",
    CLOSED
    + 'priority = "high"\n': "agents.a.priority: invalid enum value 'high'; possible are bulk, interactive, normal",
    CLOSED + 'keys = ["mka_x"]\n': "agents.a.keys[0]: expected `str` matching regex",
    CLOSED + 'instance = "main"\n': "agents.a.instance: 'main' is not described here; marketo-async",
    CLOSED + '[headers]\nmunchkin_ids = []\nagent = "b"\n': "headers.agent: 'b' is not an agent here; possible are a",
    CLOSED + '[audit]\nsync = "never"\n': "audit.sync: invalid enum value 'never'; possible are each, writes",
    CLOSED + INSTANCES + INSTANCES.replace("main", "eu"): "agents.a: name its instance; possible are eu, main",
    CLOSED + INSTANCES.replace('{ env = "S" }', f'"{SECRET}"'): "instances.main: a policy holds no credential itself;",
    CLOSED + f'keys = ["sha256:{"1" * 64}"]\n[agents.b]\nkeys = ["sha256:{"1" * 64}"]\n': (
        "agents.b.keys: sha256:11111111... is a key of a too; give each agent its own"
    ),
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_named_with_its_place_and_what_is_possible(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        policy(text)

    assert str(caught.value).startswith("policy.toml: ")
    assert MISTAKES[text] in str(caught.value)
    assert SECRET not in str(caught.value)


def test_an_agent_without_an_instance_has_the_only_one() -> None:
    assert policy(CLOSED + INSTANCES).agents["a"].instance is None
