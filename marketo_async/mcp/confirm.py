"""`Approvals`: plans of agents that are kept until they are made, approved by a person or denied, at most ten minutes.

They are in one SQLite file in the state folder, so that an operator approves in another process, and a restart loses
none. A plan is made at most once: `take` and the change of its state are one statement. The question that a person
answers is written here from the plan, and never by an agent. See ``server`` for how a host asks it.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from marketo_async.effects import Effect
from marketo_async.errors import ConfigurationError
from marketo_async.sqlite_file import connect
from marketo_async.workthread import WorkThread

KEPT_S = 600.0
_PATIENCE_S = 5.0  # for another process's transaction
_SHOWN = 5  # targets in a question

PlanState = Literal["kept", "waiting", "approved", "denied", "made"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS plans (
    id TEXT PRIMARY KEY, agent TEXT NOT NULL, instance TEXT NOT NULL, operation TEXT NOT NULL, arguments BLOB NOT NULL,
    digest TEXT NOT NULL, question TEXT NOT NULL, state TEXT NOT NULL, until REAL NOT NULL, decided_by TEXT
)
"""
_COLUMNS = "id, agent, instance, operation, arguments, digest, question, state, until, decided_by"


class KeptPlan(Struct, frozen=True, kw_only=True):
    """One plan that is kept: whose it is, what it would do, and what was decided; ``until`` is in epoch seconds."""

    id: str
    agent: str
    instance: str
    operation: str
    arguments: Mapping[str, Any]
    digest: str
    question: str
    state: PlanState
    until: float
    decided_by: str | None = None


class Approvals:
    """The kept plans in the file at ``path``; ``clock`` returns epoch seconds."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self._path = path
        self._clock = clock
        self._thread = WorkThread("marketo-approvals")
        self._connection: sqlite3.Connection | None = None

    async def keep(
        self,
        *,
        agent: str,
        instance: str,
        operation: str,
        arguments: Mapping[str, Any],
        digest: str,
        question: str,
        state: Literal["kept", "waiting"],
    ) -> KeptPlan:
        """Keep a plan for ten minutes; where the agent has the same one there, keep that one as long."""
        return await self._thread.run(
            self._keep,
            KeptPlan(
                id=f"plan_{secrets.token_urlsafe(9)}",
                agent=agent,
                instance=instance,
                operation=operation,
                arguments=arguments,
                digest=digest,
                question=question,
                state=state,
                until=self._clock() + KEPT_S,
            ),
        )

    async def get(self, id: str, agent: str) -> KeptPlan | None:
        """Return a plan of an agent, or ``None``: another's, or one that has expired."""
        found = await self._thread.run(self._select, "id = ? AND agent = ?", (id, agent))
        return found[0] if found else None

    async def waiting(self, agent: str | None = None) -> list[KeptPlan]:
        """Return the plans that wait for an operator: of all agents, or of one."""
        of_agent, values = ("", ()) if agent is None else (" AND agent = ?", (agent,))
        return await self._thread.run(self._select, f"state = 'waiting'{of_agent}", values)

    async def decide(self, id: str, state: Literal["approved", "denied"], by: str) -> KeptPlan | None:
        """Approve or deny a plan that waits; return it, or ``None`` if no such plan waits (any more)."""
        changed = await self._thread.run(
            self._update, "SET state = ?, decided_by = ? WHERE id = ? AND state = 'waiting'", (state, by, id)
        )
        found = await self._thread.run(self._select, "id = ?", (id,)) if changed else []
        return found[0] if found else None

    async def take(self, id: str, agent: str, *, state: Literal["kept", "approved"]) -> bool:
        """Mark a plan in this state as made; return whether it was: of several callers, one gets it."""
        return bool(
            await self._thread.run(
                self._update,
                "SET state = 'made', arguments = x'7b7d', question = '' WHERE id = ? AND agent = ? AND state = ?",
                (id, agent, state),
            )
        )

    async def close(self) -> None:
        """Close the file."""
        await self._thread.run(self._close)

    def _keep(self, plan: KeptPlan) -> KeptPlan:
        same = "agent = ? AND instance = ? AND digest = ? AND state = ?"
        if found := self._select(same, (plan.agent, plan.instance, plan.digest, plan.state)):
            self._update("SET until = ? WHERE id = ?", (plan.until, found[0].id))
            return replace(found[0], until=plan.until)
        values = [getattr(plan, name) for name in _COLUMNS.split(", ")]
        values[4] = msgspec.json.encode(plan.arguments)
        self._execute(f"INSERT INTO plans ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)  # noqa: S608
        return plan

    def _select(self, where: str, values: Sequence[object]) -> list[KeptPlan]:
        self._execute("DELETE FROM plans WHERE until <= ?", (self._clock(),))
        rows = self._execute(f"SELECT {_COLUMNS} FROM plans WHERE {where} ORDER BY until", values)[0]  # noqa: S608
        named = [dict(zip(_COLUMNS.split(", "), row, strict=True)) for row in rows]
        return [msgspec.convert({**row, "arguments": msgspec.json.decode(row["arguments"])}, KeptPlan) for row in named]

    def _update(self, change: str, values: Sequence[object]) -> int:
        return self._execute(f"UPDATE plans {change} AND until > ?", (*values, self._clock()))[1]

    def _execute(self, statement: str, values: Sequence[object]) -> tuple[list[Any], int]:
        """Run one statement in its own transaction; return its rows, and how many it changed."""
        try:
            with closing(self._opened().execute(statement, values)) as cursor:
                return cursor.fetchall(), cursor.rowcount
        except sqlite3.Error as error:
            self._close()
            raise ConfigurationError(
                f"{self._path}: {error}; check that this process may write the file and its folder"
            ) from error

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch(0o600)  # arguments hold personal data
            self._connection = connect(self._path, timeout=_PATIENCE_S, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._connection.execute("PRAGMA secure_delete = ON")
            self._connection.execute(_SCHEMA)
        return self._connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


_AT_WORST: Mapping[Effect, str] = {
    Effect.REACH: "It can send messages to people; what was sent can't be taken back.",
    Effect.PUBLISH: "It changes what is live at once.",
    Effect.ERASE: "What it deletes can't be restored.",
    Effect.ADMIN: "It changes users or the schema of the whole instance.",
    Effect.CHANGE: "It changes records.",
    Effect.READ: "It changes nothing.",
}


def question(
    *,
    title: str,
    operation: str,
    does: str,
    instance: str,
    target: str,
    count: int | None,
    shown: Sequence[str],
    effect: Effect,
) -> str:
    """Return what a person is asked before a call: who wants what, where, on which objects, and what can't be undone.

    ``target`` names the object by id, and by name where it is known; ``shown`` are the first targets, masked.
    """
    on = f" on {target}" if target else ""
    many = "" if count is None else f" for {count:,} {'record' if count == 1 else 'records'}"
    first = f" ({', '.join(shown[:_SHOWN])}{', …' if count is not None and count > _SHOWN else ''})" if shown else ""
    return f"{title} wants to call {operation}{on}{many}{first} in {instance}. {does} {_AT_WORST[effect]} Allow it?"
