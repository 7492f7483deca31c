"""Calls and errors, day by day, of all users of the instance."""

from __future__ import annotations

from datetime import date

from msgspec import Struct, field


class UserCount(Struct, frozen=True, kw_only=True, rename="camel"):
    """The calls of one API user."""

    user_id: str
    count: int


class UsageDay(Struct, frozen=True, kw_only=True):
    """The calls of one day; the day begins at midnight in America/Chicago."""

    day: date | None = field(default=None, name="date")
    total: int = 0
    users: list[UserCount] = []


class ErrorCount(Struct, frozen=True, kw_only=True, rename="camel"):
    """How often Marketo returned one error code."""

    error_code: str | int
    count: int


class ErrorsDay(Struct, frozen=True, kw_only=True):
    """The errors of one day, by code."""

    day: date | None = field(default=None, name="date")
    total: int = 0
    errors: list[ErrorCount] = []
