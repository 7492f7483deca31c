"""A tap on the client, between the wire and the reading of answers: what was asked, and the body that came."""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from typing import Any

import pytest

from marketo_async.operation import Operation, Plan
from marketo_async.response import read_response


@dataclass(frozen=True)
class Heard:
    """One answer as it came."""

    operation: Operation
    plan: Plan[Any]
    status: int
    body: bytes


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[Heard]:
    """Return the answers that the client reads from now on."""
    found: list[Heard] = []

    @wraps(read_response)
    def listening(operation: Operation, plan: Plan[Any], status: int, body: bytes, **options: Any) -> Any:
        found.append(Heard(operation, plan, status, body))
        return read_response(operation, plan, status, body, **options)

    monkeypatch.setattr("marketo_async.transport.read_response", listening)
    return found
