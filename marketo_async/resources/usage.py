"""``marketo.usage``: the instance's own count of calls and errors, for all its users."""

from __future__ import annotations

from marketo_async.models.usage import ErrorsDay, UsageDay
from marketo_async.operation import Plan, many, one_or
from marketo_async.resources.base import Resource, endpoint


class Usage(Resource):
    """Calls and errors by day; needs no permission. Each of these calls counts as a call too.

    See https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/usage
    """

    name = "usage"

    @endpoint("GET", "/rest/v1/stats/usage.json")
    def today(self) -> Plan[UsageDay]:
        """Return today's calls, in total and by API user; all zero before the first call."""
        return one_or(UsageDay())

    @endpoint("GET", "/rest/v1/stats/usage/last7days.json")
    def last_7_days(self) -> Plan[list[UsageDay]]:
        """Return the calls of the last seven days; a day without calls may be missing."""
        return many(UsageDay)

    @endpoint("GET", "/rest/v1/stats/errors.json")
    def errors_today(self) -> Plan[ErrorsDay]:
        """Return today's errors by code; all zero if there were none."""
        return one_or(ErrorsDay())

    @endpoint("GET", "/rest/v1/stats/errors/last7days.json")
    def errors_last_7_days(self) -> Plan[list[ErrorsDay]]:
        """Return the errors of the last seven days."""
        return many(ErrorsDay)
