"""`Call`: what the handler of an operation receives: the caller, the parameters and the instance.

A handler can't read parameters that its route does not declare, so declarations and handlers can't drift apart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Protocol

from marketo_async.sandbox.envelope import Members
from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.identity import ApiUser
from marketo_async.sandbox.multipart import Upload, invalid_multipart
from marketo_async.sandbox.parameters import as_flag, as_integer, as_moment, as_objects, as_text, missing, split
from marketo_async.sandbox.records.instance import Instance

MOST_RECORDS = 300


class Declaration(Protocol):
    """The part of a route that declares its parameters."""

    @property
    def operation(self) -> str:
        """Method and path template."""
        ...

    @property
    def required(self) -> tuple[str, ...]:
        """Required query parameters."""
        ...

    @property
    def parameters(self) -> frozenset[str]:
        """All query parameters."""
        ...

    @property
    def body(self) -> tuple[str, ...]:
        """Required body members."""
        ...

    @property
    def body_optional(self) -> tuple[str, ...]:
        """Optional body members."""
        ...


class Work:
    """The duration of an operation, in real seconds, waited for once."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def done(self) -> None:
        """Wait until the work is done; a second wait returns at once."""
        seconds, self._seconds = self._seconds, 0.0
        if seconds > 0:
            await asyncio.sleep(seconds)

    def skip(self) -> None:
        """End the wait at once."""
        self._seconds = 0.0


class Call:
    """One admitted call of one operation.

    A handler runs when the call arrives; its code after ``await work.done()`` runs just before the answer.
    """

    def __init__(
        self,
        instance: Instance,
        user: ApiUser,
        route: Declaration,
        arguments: Mapping[str, str],
        query: Mapping[str, list[str]],
        body: Members,
        work: Work,
    ) -> None:
        self.instance = instance
        self.user = user
        self.route = route
        self.arguments = arguments
        self.query = query
        self.body = body
        self.work = work

    def check_required(self) -> None:
        """Raise 1002 if a required parameter or body member is missing or empty."""
        for name in self.route.required:
            if not self.many(name):
                raise missing(name)
        for name in self.route.body:
            if self.body.get(name) in (None, "", [], {}):
                raise missing(name)

    def path_id(self, name: str) -> int:
        """Return an id from the path."""
        return int(self.arguments[name])

    def path_text(self, name: str) -> str:
        """Return a name from the path."""
        return self.arguments[name]

    def text(self, name: str) -> str | None:
        """Return a query parameter unchanged."""
        if name not in self.route.parameters:
            raise LookupError(f"{self.route.operation} declares no parameter {name!r}")
        values = self.query.get(name)
        return values[0] if values and values[0] else None

    def many(self, name: str) -> list[str]:
        """Return the items of a list parameter."""
        if name not in self.route.parameters:
            raise LookupError(f"{self.route.operation} declares no parameter {name!r}")
        return split(self.query.get(name, []))

    def integer(self, name: str) -> int | None:
        """Return a query parameter as an integer."""
        value = self.text(name)
        return None if value is None else as_integer(name, value)

    def integers(self, name: str) -> list[int]:
        """Return the items of a list parameter as integers."""
        return [as_integer(name, item) for item in self.many(name)]

    def flag(self, name: str) -> bool | None:
        """Return a query parameter as a boolean."""
        value = self.text(name)
        return None if value is None else as_flag(name, value)

    def moment(self, name: str) -> float | None:
        """Return a query parameter as epoch seconds."""
        value = self.text(name)
        return None if value is None else as_moment(name, value)

    def member(self, name: str) -> object:
        """Return a member of the body, or ``None`` if it is missing."""
        if name not in self.route.body and name not in self.route.body_optional:
            raise LookupError(f"{self.route.operation} declares no body member {name!r}")
        return self.body.get(name)

    def body_text(self, name: str) -> str | None:
        """Return a member of the body as text."""
        value = self.member(name)
        return None if value is None else as_text(name, value)

    def body_integer(self, name: str) -> int | None:
        """Return a member of the body as an integer."""
        value = self.member(name)
        return None if value is None else as_integer(name, value)

    def body_flag(self, name: str) -> bool | None:
        """Return a member of the body as a boolean."""
        value = self.member(name)
        return None if value is None else as_flag(name, value)

    def upload(self, name: str) -> Upload:
        """Return a file of a multipart body, or raise 613 if it is not a file."""
        value = self.member(name)
        if not isinstance(value, Upload):
            raise invalid_multipart()
        return value

    def records(self, name: str = "input", most: int = MOST_RECORDS) -> list[Members]:
        """Return the records of the body."""
        value = self.member(name)
        records = as_objects(name, [] if value is None else value)
        if len(records) > most:
            raise ApiError("1003", f"'{name}' exceeds the maximum of {most} records")
        return records

    def record_ids(self) -> list[int]:
        """Return lead ids given as ``id`` parameters or as ``input`` records of the body."""
        ids = self.integers("id")
        ids += [as_integer("id", record.get("id")) for record in self.records()]
        if not ids:
            raise missing("id")
        if len(ids) > MOST_RECORDS:
            raise ApiError("1003", f"'id' exceeds the maximum of {MOST_RECORDS} records")
        return ids
