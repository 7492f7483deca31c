"""`Desk`: what all agents of one server share: the policy, the clients of its instances, approvals and kept pages.

A seat is an agent at the desk: its rights, and the guarded sender of its calls. One governor per instance serves all
agents; each has a share of it. A new policy takes effect at the next call of a tool.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self
from weakref import WeakKeyDictionary

from marketo_async.call import Options
from marketo_async.client import Marketo
from marketo_async.errors import ConfigurationError, Denied
from marketo_async.governor import Governor
from marketo_async.instances import read_credential
from marketo_async.mcp.access import Access, Verdict
from marketo_async.mcp.agent_guard import AgentGuard
from marketo_async.mcp.agent_share import DayBudget
from marketo_async.mcp.agents import AgentIdentity, Doorkeeper, HeaderClients, HeaderCredentials
from marketo_async.mcp.answers import Rests, Seal
from marketo_async.mcp.audit import AuditLog
from marketo_async.mcp.confirm import Approvals
from marketo_async.mcp.guard import GuardedSender
from marketo_async.mcp.policy import Agent, AuditSettings, Confirmer, Policy
from marketo_async.mcp.recorder import Origin
from marketo_async.mcp.toolcall import Confirmed, ToolCall
from marketo_async.operation import Operation, Plan
from marketo_async.resources.base import Sender
from marketo_async.retry import RetryPolicy

_ENVIRONMENT = ""  # the name of the instance that the environment describes


class Desk:
    """One server's agents and instances; use it in ``async with``.

    ``state`` is the folder of approvals and records. ``environment`` holds the variables that describe an instance and
    its credentials. ``governor`` makes the governor of that instance.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        state: Path,
        environment: Mapping[str, str],
        governor: Callable[[], Governor] = Governor,
    ) -> None:
        self.policy = policy
        self.rests = Rests(time.monotonic)
        self._clients: dict[str, Marketo] = {}
        self._access: dict[str, Access] = {}
        self.adopt(policy)
        self.state = state
        self.approvals = Approvals(state / "approvals.db", time.time)
        self.seal = Seal(secrets.token_bytes(32))
        self._environment, self._governor = environment, governor
        self._visitors = HeaderClients(self._visitor, time.monotonic)
        self._files = AgentFiles(policy.audit, state, environment)
        self._guards: WeakKeyDictionary[Marketo, dict[str, AgentGuard]] = WeakKeyDictionary()

    async def __aenter__(self) -> Self:
        try:
            for name in self._instances():
                self._clients[name] = client = await self._made(name).__aenter__()
                if client.munchkin_id:
                    self._visitors.share(client.munchkin_id, client.governor)
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all clients and files."""
        await self._visitors.close()
        for name in list(self._clients):
            await self._clients.pop(name).close()
        await self.approvals.close()
        self._files.close()

    def adopt(self, policy: Policy) -> None:
        """Use another policy from the next call on. Raises `ConfigurationError` for what a running server can't change.

        An agent whose rights are the same keeps what it has used of its share.
        """
        if self._clients and (policy.instances, policy.audit) != (self.policy.instances, self.policy.audit):
            raise ConfigurationError("the instances and the audit of a running server can't change: start it again")
        self.rests.clear()
        before = self._access
        self.policy = policy
        self._access = {
            name: before[name] if name in before and before[name].agent == agent else Access(name, agent)
            for name, agent in policy.agents.items()
        }

    @property
    def doorkeeper(self) -> Doorkeeper:
        """Identifies requests by the policy of this moment."""
        headers = self.policy.headers
        return Doorkeeper(
            keys={name: agent.keys for name, agent in self.policy.agents.items()},
            munchkin_ids=() if headers is None else tuple(headers.munchkin_ids),
            guest=None if headers is None else headers.agent,
        )

    async def seat(self, identity: AgentIdentity) -> AgentSeat:
        """Return the seat of an agent. Raises `ConfigurationError` for one that the policy no longer has."""
        access = self._access.get(identity.agent)
        if access is None:
            raise ConfigurationError(f"the policy has no agent {identity.agent!r} any more")
        if identity.credentials is not None:
            client = await self._visitors.get(identity.credentials)
        else:
            client = self._clients[self._instance_of(access.agent)]
        return AgentSeat(self, identity, self._guard(access, client), client)

    def _guard(self, access: Access, client: Marketo) -> AgentGuard:
        """Return the guard of an agent on an instance, which is kept as long as its rights are."""
        kept = self._guards.setdefault(client, {})
        found = kept.get(access.name)
        if found is None or found.access is not access:
            where = place_of(client)
            found = kept[access.name] = AgentGuard(
                access,
                client._open_client,  # noqa: SLF001 - as the client's own families
                Options(retry=RetryPolicy()),
                audit=self._files.audit(where),
                budget=self._files.budget(where),
                limits=client.governor.limits,
            )
        return found

    def _instances(self) -> list[str]:
        """Return the instances to open: all described ones, or that of the environment if agents of keys need it."""
        if self.policy.instances:
            return list(self.policy.instances)
        guest = self.policy.headers.agent if self.policy.headers else None
        own = [name for name, agent in self.policy.agents.items() if name != guest or agent.keys]
        return [_ENVIRONMENT] if own else []

    def _instance_of(self, agent: Agent) -> str:
        if not self.policy.instances:
            return _ENVIRONMENT
        return agent.instance or next(iter(self.policy.instances))

    def _made(self, name: str) -> Marketo:
        if name == _ENVIRONMENT:
            return Marketo.from_env(self._environment, governor=self._governor())
        instance = self.policy.instances[name]
        same = (client.governor for client in self._clients.values() if client.base_url == instance.endpoint)
        return instance.client(governor=next(same, None), environment=self._environment)

    @staticmethod
    def _visitor(credentials: HeaderCredentials, governor: Governor) -> Marketo:
        return Marketo(
            credentials.munchkin_id,
            client_id=credentials.client_id,
            client_secret=credentials.client_secret,
            munchkin_id=credentials.munchkin_id,
            governor=governor,
        )


def place_of(client: Marketo) -> str:
    """Return the name of an instance in records and answers: its munchkin id, or its host."""
    return client.munchkin_id or client.base_url.partition("://")[2]


class AgentFiles:
    """The audits and budgets of the instances of one server, each opened when it is first needed."""

    def __init__(self, settings: AuditSettings, state: Path, environment: Mapping[str, str]) -> None:
        self._settings, self._state = settings, state
        self._key = None if settings.key is None else read_credential("audit.key", settings.key, environment).encode()
        self._audits: dict[str, AuditLog] = {}
        self._budgets: dict[str, DayBudget] = {}

    def audit(self, where: str) -> AuditLog:
        """Return the audit of an instance."""
        if where not in self._audits:
            settings = self._settings
            self._audits[where] = AuditLog(
                audit_folder(settings, self._state),
                where,
                key=self._key,
                anchor=None if settings.anchor is None else Path(settings.anchor),
                anchor_every=settings.anchor_every,
                sync_each=settings.sync == "each",
            )
        return self._audits[where]

    def budget(self, where: str) -> DayBudget:
        """Return the budgets of the agents on an instance."""
        if where not in self._budgets:
            self._budgets[where] = DayBudget(self._state / f"{_UNSAFE.sub('_', where)}.budget.db")
        return self._budgets[where]

    def close(self) -> None:
        """Close all files."""
        for audit in self._audits.values():
            audit.close()
        for budget in self._budgets.values():
            budget.close()


def audit_folder(settings: AuditSettings, state: Path) -> Path:
    """Return the folder of the audit: the policy's, or one in the state folder."""
    return state / "audit" if settings.folder is None else Path(settings.folder)


class AgentSeat:
    """One agent at the desk, on one instance: see `toolcall.Seat`."""

    def __init__(self, desk: Desk, identity: AgentIdentity, guard: AgentGuard, client: Marketo) -> None:
        agent = guard.access.agent
        self._guard = guard
        self._client = client
        self.identity = identity
        self.name, self.holder = identity.agent, identity.holder
        self.title = agent.title or identity.agent
        self.access = guard.access
        self.approvals, self.seal, self.rests = desk.approvals, desk.seal, desk.rests
        self.answer_chars = agent.answer_chars
        self.structured = agent.structured
        self.base_url, self.ingestion_url = client.base_url, client.ingestion_url
        self.munchkin_id = client.munchkin_id
        self.instance = place_of(client)

    def sender(self, call: ToolCall, confirmed: Confirmed | None = None) -> Sender:
        """Return the guarded sender of one tool call."""
        return GuardedSender(self._guard, self._origin(call), confirmed=confirmed, on_call=call.cost.add)

    def confirmer(self, verdict: Verdict) -> Confirmer:
        """Return who must confirm an allowed call now."""
        return self._guard.confirmer(verdict)

    def record_denied(self, call: ToolCall, operation: Operation, plan: Plan[Any], why: str, rule: str) -> None:
        """Put on record that a call was denied before it reached the guard."""
        denial = Denied(why, operation=operation.name, rule=rule)
        self._guard.record_denied(operation, plan, denial, self._origin(call))

    def _origin(self, call: ToolCall) -> Origin:
        return Origin(via=self.identity.via, tool=call.tool, plan=call.plan)

    async def left(self) -> dict[str, Any]:
        """Return what the instance and this agent have left of the day and the window."""
        seen, own = self._client.governor.snapshot(), self._guard.left_today()
        calls = seen.left_today if own["calls"] is None else min(seen.left_today, own["calls"])
        found = {
            "calls_today": calls,
            "records_today": own["records"],
            "calls_in_this_window": max(0, seen.window_share - seen.window_used),
            "day_ends_at": seen.resets_at.isoformat(),
        }
        return {name: value for name, value in found.items() if value is not None}


_UNSAFE = re.compile(r"[^A-Za-z0-9.-]+")
