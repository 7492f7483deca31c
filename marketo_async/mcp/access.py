"""`Access`: judges one agent's calls by its policy, as they would be sent: level, objects, fields and addresses. Pure.

A call is judged on its `Plan`, not on the arguments of a tool: path, query and body as they go on the wire. So the way
to it (a tool, an alias, a composite, a cursor) makes no difference. See ``guard`` for where calls are judged, and for
what has to be counted.

The rules, in order
    1. Level: the most specific of operation, family and area decides, and what none of them names is off. Records of
       another area (a bulk file of people, a member of a program) need that area's level too.
    2. Objects: every id that a call names must be in ``only``. In an area whose objects are confined, a call that names
       no confined object is denied unless ``also`` names it. People, accounts, custom objects and the schema are not
       confined by ``only``: an agent that reads people reads all of them.
    3. Fields: see ``fields``.
    4. Addresses: a call that makes Marketo write to an address needs the address's domain in ``sample_domains``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import Raw, Struct

from marketo_async.effects import AREAS, Effect, Scope, area_of, data_area_of, effect_of, family_of, named_ids
from marketo_async.mcp.fields import FieldRules
from marketo_async.mcp.masking import ADDRESS, shown_name
from marketo_async.mcp.policy import AccessLevel, Agent, Confirmer
from marketo_async.operation import Operation, Plan
from marketo_async.planning import Refused

R = TypeVar("R")

# The kinds of objects by which the calls of an area can be confined.
CONFINED: Mapping[str, frozenset[Scope]] = {
    "activities": frozenset({Scope.LIST}),
    "lists": frozenset({Scope.LIST, Scope.PROGRAM, Scope.WORKSPACE}),
    "programs": frozenset({Scope.PROGRAM, Scope.WORKSPACE}),
    "campaigns": frozenset({Scope.CAMPAIGN, Scope.PROGRAM, Scope.WORKSPACE}),
    "emails": frozenset({Scope.PROGRAM, Scope.WORKSPACE}),
    "pages": frozenset({Scope.PROGRAM, Scope.WORKSPACE}),
    "forms": frozenset({Scope.PROGRAM, Scope.WORKSPACE}),
    "library": frozenset({Scope.PROGRAM, Scope.WORKSPACE}),
    "exports": frozenset({Scope.LIST, Scope.PROGRAM}),
}
# Calls that are about no object: types, descriptions, and the token at which a listing by date starts.
_ABOUT_NONE = frozenset({"activities.paging_token", "activities.types", "program_members.describe"})
# Members that name an object by its name, which can't be compared with the ids of a policy.
_BY_NAME: Mapping[str, Scope] = {
    "programName": Scope.PROGRAM,
    "cloneToProgramName": Scope.PROGRAM,
    "listName": Scope.LIST,
    "staticListName": Scope.LIST,
    "campaignName": Scope.CAMPAIGN,
}
_ADDRESSED: Mapping[str, str] = {"emails.send_sample": "emailAddress", "users.invite": "emailAddress"}
_RECORDS_READ = frozenset({"create", "enqueue", "cancel"})  # of a bulk export: they read the records of their area


class Verdict(Struct, frozen=True, kw_only=True):
    """The judgement of one call.

    ``rule`` is the line of the policy that decided, ``why`` the reason of a denial in one sentence, for the agent.
    ``confirm`` says who must confirm an allowed call. ``refused`` has the records that may not be sent. ``own_job`` is
    the id of a bulk job that must be one of the agent's own.
    """

    allowed: bool
    rule: str
    effect: Effect
    why: str = ""
    confirm: Confirmer = "none"
    refused: tuple[Refused, ...] = ()
    own_job: str | None = None


class _Denial(Struct, frozen=True):
    """Why a call is denied, and the line of the policy that denies it."""

    rule: str
    why: str
    refused: tuple[Refused, ...] = ()


class Access:
    """What one agent of a policy may do."""

    def __init__(self, name: str, agent: Agent) -> None:
        self.name = name
        self.agent = agent
        self.fields = FieldRules(agent.fields)
        only = agent.only
        given = {
            Scope.LIST: only.list_id,
            Scope.PROGRAM: only.program_id,
            Scope.CAMPAIGN: only.campaign_id,
            Scope.WORKSPACE: only.workspace,
        }
        self._only = {scope: frozenset(map(str, ids)) for scope, ids in given.items() if ids is not None}
        self._domains = frozenset(domain.casefold() for domain in agent.sample_domains)

    def level(self, name: str, area: str) -> tuple[AccessLevel, str]:
        """Return the level of an operation or family in an area, and the line of the policy that gives it."""
        access = self.agent.access
        for key in (name, family_of(name), area):
            if key in access:
                return access[key], f"agents.{self.name}.access.{key} = {access[key].value}"
        return AccessLevel.OFF, f"agents.{self.name}.access.{area}, which is not given and so off"

    def allows(self, operation: Operation) -> bool:
        """Return whether the agent may call an operation at all, with the right arguments; if not, it is not shown."""
        if isinstance(self._rule_of(operation, effect_of(operation)), _Denial):
            return False
        return operation.name not in _ADDRESSED or bool(self._domains)

    def check(self, operation: Operation, plan: Plan[Any]) -> Verdict:
        """Judge one call as it would be sent, with all its records."""
        effect = effect_of(operation, plan)
        rule = self._rule_of(operation, effect)
        if isinstance(rule, _Denial):
            return _denied(rule, effect)
        for judge in (self._by_named, self._by_confinement, self._by_fields, self._by_address):
            if denial := judge(operation, plan):
                return _denied(denial, effect)
        return Verdict(
            allowed=True,
            rule=rule,
            effect=effect,
            confirm=self.agent.confirm.of(effect),
            own_job=self.fields.job_of(operation, plan),
        )

    def narrowed(self, operation: Operation, plan: Plan[R]) -> Plan[R]:
        """Return the plan with the fields that the agent may read, where it asks for Marketo's default ones."""
        return self.fields.narrowed(operation, plan)

    def _rule_of(self, operation: Operation, effect: Effect) -> str | _Denial:
        """Return the lines of the policy that permit an effect."""
        area = area_of(operation.name)
        level, rule = self.level(operation.name, area)
        if not level.permits(effect):
            return _Denial(rule, f"this agent may not {_DOES[effect]} in {area}")
        data = data_area_of(operation.name)
        if data is None:
            return rule
        family = family_of(operation.name).removeprefix("bulk.")
        of_records, rule_of_records = self.level(f"{family}.*" if AREAS.get(family) == data else data, data)
        reads = area == "exports" and operation.name.rpartition(".")[2] in _RECORDS_READ
        needed = Effect.READ if reads else effect
        if not of_records.permits(needed):
            return _Denial(rule_of_records, f"this agent may not {_DOES[needed]} in {data}, whose records these are")
        return f"{rule}, {rule_of_records}"

    def _by_named(self, operation: Operation, plan: Plan[Any]) -> _Denial | None:
        """Deny a call that names an object outside ``only``."""
        if not self._only:
            return None
        for scope, ids in named_ids(operation, plan).items():
            allowed = self._only.get(scope)
            if allowed is not None and (others := sorted(ids - allowed)):
                listed = ", ".join(map(shown_name, others[:5]))
                return _Denial(self._only_rule(scope), f"{scope.value} {listed} is not among those of this agent")
        return None

    def _by_confinement(self, operation: Operation, plan: Plan[Any]) -> _Denial | None:
        """Deny a call that names no object, or one by its name, where the agent is confined to some of them."""
        area, data = area_of(operation.name), data_area_of(operation.name)
        free = {operation.name, family_of(operation.name), area}
        if not self._only or operation.name in _ABOUT_NONE or free & set(self.agent.also):
            return None
        names = set(_members(plan))
        for name, scope in _BY_NAME.items():
            if scope in self._only and name in names:
                return _Denial(self._only_rule(scope), f"{name} names an object by name; name it by its id")
        confining = (CONFINED.get(area, _NO_SCOPES) | CONFINED.get(data or "", _NO_SCOPES)) & self._only.keys()
        if not confining or confining & named_ids(operation, plan).keys():
            return None
        kinds = " or ".join(sorted(scope.value for scope in confining))
        return _Denial(
            f"agents.{self.name}.only", f"the call names no {kinds}, to some of which this agent is confined"
        )

    def _only_rule(self, scope: Scope) -> str:
        return f"agents.{self.name}.only.{scope.value}"

    def _by_fields(self, operation: Operation, plan: Plan[Any]) -> _Denial | None:
        """Deny a call that asks for, filters by or writes another field."""
        if why := self.fields.refusal(operation, plan):
            return _Denial(f"agents.{self.name}.fields", why)
        refused = [*self.fields.refused_records(operation, plan)]
        if not refused:
            return None
        more = f" ({len(refused) - 1} more are refused)" if len(refused) > 1 else ""
        why = f"record {refused[0].index}: {refused[0].why}{more}"
        return _Denial(f"agents.{self.name}.fields.write", why, tuple(refused))

    def _by_address(self, operation: Operation, plan: Plan[Any]) -> _Denial | None:
        """Deny a call that makes Marketo write to an address at another domain."""
        member = _ADDRESSED.get(operation.name)
        if member is None:
            return None
        body = plan.json if plan.json is not None else plan.form
        members = msgspec.to_builtins(body) if isinstance(body, Struct) else body
        address = str(members.get(member, "")) if isinstance(members, Mapping) else ""
        single = ADDRESS.fullmatch(address.strip())  # and not a list, or a name with an address
        if single and single[0].rpartition("@")[2].casefold() in self._domains:
            return None
        why = "the address is at a domain that this agent may not write to"
        return _Denial(f"agents.{self.name}.sample_domains", why)


def _denied(denial: _Denial, effect: Effect) -> Verdict:
    return Verdict(allowed=False, rule=denial.rule, why=denial.why, effect=effect, refused=denial.refused)


_DOES: Mapping[Effect, str] = {
    Effect.READ: "read",
    Effect.CHANGE: "write",
    Effect.PUBLISH: "publish",
    Effect.REACH: "reach people",
    Effect.ERASE: "erase",
    Effect.ADMIN: "administer",
}
_NO_SCOPES: frozenset[Scope] = frozenset()


def _members(plan: Plan[Any]) -> Iterator[str]:
    """Yield the names of the members that a call sends, without those within lists, which are records."""
    for sent in (plan.query, plan.form or {}, plan.json):
        yield from _names(sent)


def _names(value: object) -> Iterator[str]:
    if isinstance(value, Struct):
        value = msgspec.to_builtins(value, enc_hook=lambda _: None)
    if isinstance(value, Raw) or not isinstance(value, Mapping):
        return
    for name, member in value.items():
        if member is not None:
            yield str(name)
            yield from _names(member)
