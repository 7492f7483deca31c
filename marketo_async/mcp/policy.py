"""`Policy`: the policy file, which says what each agent may do. Reads TOML and checks it; see ``access`` for judging.

What the modules that serve agents call:

- ``load_policy(path) -> Policy`` reads a file, and ``default_policy()`` is the policy without one: one agent
  ``local``, which reads everything and writes nothing. Both raise `ConfigurationError` with the line or path of a
  mistake, its value and what is possible.
- ``Access(name, agent)`` (``access``) is pure. ``allows(operation)`` decides what an agent sees;
  ``check(operation, plan) -> Verdict`` judges one call as it would be sent, and gives the rule, the effect and the kind
  of confirmation.
- ``AgentGuard(access, marketo._open_client, options, audit=, budget=, limits=)`` (``agent_guard``): one for all calls
  of an agent on an instance, as it holds the agent's share and what it has read. ``left_today()`` is for whoami.
- ``GuardedSender(guard, Origin(via=, tool=, plan=), confirmed=, on_call=)`` (``guard``): the `Sender` of one tool call.
  It raises `NeedsConfirmation` with the ``digest`` to confirm (``calls.digest`` of ``calls.whole``), and takes a
  confirmation of that digest once. ``guard.record_denied`` records the denial of a tool.
- ``DayBudget(path)`` and ``AuditLog(folder, where, key=, anchor=)``: one of each per instance, closed at the end.
  ``audit.query`` has ``read_records`` and ``verify_file``; ``audit.masker.hashed(address)`` is what ``--about`` finds.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from enum import Enum
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from marketo_async import resources
from marketo_async.bulk.namespace import FAMILIES
from marketo_async.effects import AREAS, Effect
from marketo_async.errors import ConfigurationError
from marketo_async.governor import Priority
from marketo_async.instances import CredentialSource, Instance, decode_table, instances_of, read_toml

_Word = Annotated[str, Meta(min_length=1)]
_Count = Annotated[int, Meta(ge=0)]
_AtLeastOne = Annotated[int, Meta(ge=1)]
Confirmer = Literal["host", "operator", "none"]
_AgentName = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]


class AccessLevel(Enum):
    """What an agent may do in an area, a family or with an operation; each level includes those before it."""

    OFF = "off"
    READ = "read"
    WRITE = "write"
    FULL = "full"

    def permits(self, effect: Effect) -> bool:
        """Return whether a call with this effect is allowed: reads from ``read`` on, changes from ``write`` on."""
        least = {Effect.READ: AccessLevel.READ, Effect.CHANGE: AccessLevel.WRITE}.get(effect, AccessLevel.FULL)
        ranks = list(AccessLevel)
        return ranks.index(self) >= ranks.index(least)


class Confirmations(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who must confirm a call, by its effect: the agent's host, an operator on the server's machine, or none."""

    reach: Confirmer = "host"
    publish: Confirmer = "host"
    erase: Confirmer = "host"
    admin: Confirmer = "host"

    def of(self, effect: Effect) -> Confirmer:
        """Return who must confirm a call with this effect."""
        match effect:
            case Effect.REACH:
                return self.reach
            case Effect.PUBLISH:
                return self.publish
            case Effect.ERASE:
                return self.erase
            case Effect.ADMIN:
                return self.admin
        return "none"


class Only(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The objects to which an agent is confined; a kind that is not given is not confined."""

    list_id: list[int] | None = None
    program_id: list[int] | None = None
    campaign_id: list[int] | None = None
    workspace: list[str | int] | None = None


class FieldLists(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The fields of records that an agent may ``read``, may ``write``, and sees masked; ``None`` means all of them."""

    read: list[_Word] | None = None
    write: list[_Word] | None = None
    mask: list[_Word] = []


class Caps(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The limits of an agent; ``None`` does not limit.

    ``calls_a_window`` and ``at_once`` are its share of the instance's window and slots; by default 70 % of the window,
    and 3 at once. ``calls_a_day`` and ``records_a_day`` count from midnight in America/Chicago, for reads and writes.
    ``records_a_read`` and ``records_a_write`` limit one listing or one write. ``people_a_campaign`` limits the people
    that an agent sends to one campaign in a day.
    """

    calls_a_day: _Count | None = None
    calls_a_window: _AtLeastOne | None = None
    at_once: _AtLeastOne = 3
    records_a_read: _AtLeastOne | None = None
    records_a_write: _AtLeastOne | None = None
    records_a_day: _Count | None = None
    people_a_campaign: _Count | None = None


class Agent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One agent: who it is, what it may do, and how much of it.

    ``access`` maps areas, families and operations to levels; what it does not name is off. ``also`` names what may be
    called although it names no object of ``only``. ``sample_domains`` are the domains to whose addresses it may send.
    """

    title: str = ""
    instance: str | None = None
    keys: list[Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]{64}$")]] = []
    access: dict[str, AccessLevel] = {}
    confirm: Confirmations = Confirmations()
    only: Only = Only()
    also: list[str] = []
    fields: FieldLists = FieldLists()
    limits: Caps = Caps()
    priority: Literal["interactive", "normal", "bulk"] = "normal"
    after_reading_outsiders: Literal["confirm"] | None = None
    sample_domains: list[_Word] = []
    structured: bool = False
    answer_chars: Annotated[int, Meta(ge=1_000)] = 24_000

    @property
    def call_priority(self) -> Priority:
        """The priority of its calls among all calls of the instance."""
        return Priority[self.priority.upper()]


class HeaderWay(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Requests that carry an instance's credentials in Adobe's three headers: whose rights they have, and where."""

    munchkin_ids: list[Annotated[str, Meta(pattern=r"^\d{3}-[A-Za-z0-9]{3}-\d{3}$")]]
    agent: str


class AuditSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the audit is kept, and how: ``folder`` and ``anchor`` are paths, ``key`` signs the chain."""

    folder: _Word | None = None
    key: CredentialSource | None = None
    anchor: _Word | None = None
    anchor_every: _AtLeastOne = 100
    sync: Literal["writes", "each"] = "writes"


class Policy(Struct, frozen=True, kw_only=True):
    """A whole policy file; an agent without an instance uses the one that the environment describes."""

    instances: Mapping[str, Instance] = {}
    headers: HeaderWay | None = None
    agents: Mapping[str, Agent]
    audit: AuditSettings = AuditSettings()


def load_policy(path: Path | str) -> Policy:
    """Read and check a policy file. Raises `ConfigurationError` with the line or path of the first mistake."""
    return policy_of(read_toml(path), str(path))


def default_policy() -> Policy:
    """Return the policy without a file: the agent ``local`` reads every area, and writes nothing."""
    return Policy(agents={"local": Agent(title="Local agent", access=dict.fromkeys(AREAS.values(), AccessLevel.READ))})


_FEW = 12  # words, which an error lists all
_TABLES = ("version", "instances", "headers", "agents", "audit")


def policy_of(table: Mapping[str, object], source: str) -> Policy:
    """Return the policy of a decoded file; ``source`` names it in errors."""
    if unknown := sorted(table.keys() - set(_TABLES)):
        raise ConfigurationError(f"{source}: {unknown[0]!r} is not known here{_hint(unknown[0], _TABLES)}")
    if table.get("version") != 1:
        raise ConfigurationError(f"{source}: version is {table.get('version')!r}; write version = 1")
    instances = instances_of(table["instances"], source) if "instances" in table else {}
    for name, instance in instances.items():
        if instance.literal:
            raise ConfigurationError(
                f"{source}: instances.{name}: a policy holds no credential itself; give client_id and client_secret as"
                ' { env = "NAME" } or { file = "PATH" }'
            )
    given = table.get("agents")
    if not isinstance(given, Mapping) or not given:
        raise ConfigurationError(f"{source}: it describes no agent; add a table such as [agents.reader]")
    agents = {name: _agent(name, entry, instances, source) for name, entry in given.items()}
    _check_keys(agents, source)
    policy = Policy(
        instances=instances,
        headers=decode_table(table["headers"], HeaderWay, f"{source}: headers") if "headers" in table else None,
        agents=agents,
        audit=decode_table(table.get("audit", {}), AuditSettings, f"{source}: audit"),
    )
    if policy.headers is not None and policy.headers.agent not in agents:
        name = policy.headers.agent
        raise ConfigurationError(f"{source}: headers.agent: {name!r} is not an agent here{_hint(name, agents)}")
    return policy


def _agent(name: str, entry: object, instances: Mapping[str, Instance], source: str) -> Agent:
    place = f"{source}: agents.{name}"
    decode_table({"name": name}, _Named, f"{source}: agents, the name {name!r}")
    if isinstance(entry, Mapping) and "access" in entry:
        _check_access(entry["access"], f"{place}.access")
    agent = decode_table(entry, Agent, place)
    for also in agent.also:
        if also not in _KNOWN:
            raise ConfigurationError(f"{place}.also: {also!r} is not an area, family or operation{_hint(also, _KNOWN)}")
    if agent.instance is not None and agent.instance not in instances:
        raise ConfigurationError(
            f"{place}.instance: {agent.instance!r} is not described here{_hint(agent.instance, instances)}"
        )
    if agent.instance is None and len(instances) > 1:
        raise ConfigurationError(f"{place}: name its instance{_hint('', instances)}")
    return agent


class _Named(Struct):
    name: _AgentName


def _check_access(access: object, place: str) -> None:
    """Check the levels by hand: a mistake is named with its key, which a decoder of mappings leaves out."""
    if not isinstance(access, Mapping):
        raise ConfigurationError(f'{place}: {access!r} is not a table; write one such as {{ lists = "read" }}')
    for key, level in access.items():
        if isinstance(level, Mapping):
            inner = next(iter(level), "operation")
            raise ConfigurationError(f'{place}: put the name of an operation in quotes, "{key}.{inner}"')
        if key not in _KNOWN:
            raise ConfigurationError(f"{place}: {key!r} is not an area, family or operation{_hint(key, _KNOWN)}")
        if level not in [known.value for known in AccessLevel]:
            raise ConfigurationError(f"{place}.{key}: {level!r} is not a level; possible are off, read, write, full")


def _check_keys(agents: Mapping[str, Agent], source: str) -> None:
    owners: dict[str, str] = {}
    for name, agent in agents.items():
        for key in agent.keys:
            if (owner := owners.setdefault(key, name)) != name:
                raise ConfigurationError(
                    f"{source}: agents.{name}.keys: {key[:15]}... is a key of {owner} too; give each agent its own"
                )


def _hint(word: str, known: Iterable[str]) -> str:
    """Return what is possible: the nearest known words, or all of a few."""
    words = sorted(known)
    near = words if len(words) <= _FEW else difflib.get_close_matches(word, words, n=3, cutoff=0.5)
    return f"; possible are {', '.join(near)}" if near else "; marketo-async operations lists them"


def operation_names() -> frozenset[str]:
    """Return the dotted names of all operations."""
    kinds = [getattr(resources, kind) for _, kind in resources.HOMES.values()]
    return frozenset(operation.name for kind in [*kinds, *FAMILIES] for operation in kind.operations.values())


_KNOWN = frozenset(AREAS.values()) | AREAS.keys() | operation_names()
