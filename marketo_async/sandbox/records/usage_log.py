"""Calls per day and user, and errors per day and code, for the usage operations."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date

from marketo_async.sandbox.envelope import Members

DAYS_KEPT = 7


class UsageLog:
    """Counters by day of US Central time."""

    def __init__(self) -> None:
        self._calls: defaultdict[date, Counter[str]] = defaultdict(Counter)
        self._errors: defaultdict[date, Counter[str]] = defaultdict(Counter)

    def count_call(self, day: date, login: str, number: int = 1) -> None:
        """Count a call of a user; minus one undoes the count of a call that must not count."""
        self._calls[day][login] += number

    def count_error(self, day: date, code: str) -> None:
        """Count an answer with this error code."""
        self._errors[day][code] += 1

    def usage(self, today: date, days: int) -> list[Members]:
        """Return the calls of the last days, today first; past days without calls are left out."""
        return [
            {
                "date": day.isoformat(),
                "total": self._calls[day].total(),
                "users": [{"userId": login, "count": count} for login, count in self._calls[day].items() if count],
            }
            for day in _last(self._calls, today, days)
        ]

    def errors(self, today: date, days: int) -> list[Members]:
        """Return the errors of the last days, in the same way."""
        return [
            {
                "date": day.isoformat(),
                "total": self._errors[day].total(),
                "errors": [{"errorCode": code, "count": count} for code, count in self._errors[day].items()],
            }
            for day in _last(self._errors, today, days)
        ]


def _last(days_seen: defaultdict[date, Counter[str]], today: date, days: int) -> list[date]:
    return sorted((day for day in {today, *days_seen} if 0 <= (today - day).days < days), reverse=True)
