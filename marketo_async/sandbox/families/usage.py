"""Usage: calls and errors of today and of the last seven days."""

from __future__ import annotations

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.clock import central_day
from marketo_async.sandbox.envelope import Answer
from marketo_async.sandbox.permissions import ANYBODY
from marketo_async.sandbox.records.usage_log import DAYS_KEPT
from marketo_async.sandbox.routing import Routes

routes = Routes()


@routes.get("/rest/v1/stats/usage.json", ANYBODY)
def daily_usage(call: Call) -> Answer:
    """Answer today's calls by user."""
    return Answer(call.instance.usage.usage(central_day(call.instance.clock.time()), 1))


@routes.get("/rest/v1/stats/usage/last7days.json", ANYBODY)
def weekly_usage(call: Call) -> Answer:
    """Answer the calls of seven days by user."""
    return Answer(call.instance.usage.usage(central_day(call.instance.clock.time()), DAYS_KEPT))


@routes.get("/rest/v1/stats/errors.json", ANYBODY)
def daily_errors(call: Call) -> Answer:
    """Answer today's errors by code."""
    return Answer(call.instance.usage.errors(central_day(call.instance.clock.time()), 1))


@routes.get("/rest/v1/stats/errors/last7days.json", ANYBODY)
def weekly_errors(call: Call) -> Answer:
    """Answer the errors of seven days by code."""
    return Answer(call.instance.usage.errors(central_day(call.instance.clock.time()), DAYS_KEPT))
