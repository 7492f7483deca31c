"""Policies and the accesses of agents, for the tests of what an agent may do."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

from marketo_async.mcp.access import Access, Verdict
from marketo_async.mcp.calls import whole
from marketo_async.mcp.policy import Policy, policy_of
from marketo_async.operation import Plan
from marketo_async.planning import Planned, parts, plan_of
from marketo_async.writes import Batches

MUNCHKIN = "123-ABC-456"

CAMPAIGN = """
version = 1
[instances.main]
munchkin_id = "123-ABC-456"
client_id = { env = "MARKETO_CLIENT_ID" }
client_secret = { env = "MARKETO_CLIENT_SECRET" }
[agents.campaign]
title = "Campaign Agent"
instance = "main"
keys = ["sha256:%s"]
access = { people = "read", lists = "write", campaigns = "full", "campaigns.schedule" = "off" }
confirm = { reach = "operator", publish = "host", erase = "host" }
only = { list_id = [1001, 1002], program_id = [2001], campaign_id = [1002], workspace = ["Default"] }
also = ["lists.browse", "campaigns.browse"]
fields = { read = ["id", "email", "firstName", "company"], write = ["leadStatus"], mask = ["email"] }
priority = "interactive"
after_reading_outsiders = "confirm"
[agents.campaign.limits]
calls_a_day = 2000
calls_a_window = 30
at_once = 3
records_a_read = 200
records_a_write = 50
records_a_day = 500
people_a_campaign = 25
""" % ("0" * 64)


def policy(text: str) -> Policy:
    return policy_of(tomllib.loads(text), "policy.toml")


def access(agent: str, before: str = "") -> Access:
    """Return the access of an agent, whose table has these lines."""
    return Access("a", policy(f"version = 1\n{before}[agents.a]\n{agent}\n").agents["a"])


def first_call(planned: Planned) -> Plan[Any]:
    """Return the first call of something planned; a write is one call with all its records."""
    if isinstance(planned, Batches):
        return whole(planned)
    return next(iter(parts(planned)))


def judged(of: Access, name: str, arguments: Mapping[str, object] | None = None) -> Verdict:
    operation, planned = plan_of(name, arguments or {}, munchkin_id=MUNCHKIN)
    return of.check(operation, first_call(planned))
