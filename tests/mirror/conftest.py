"""A sandbox with live traffic and a client of it, and a real Postgres."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from marketo_async import Governor, Limits, Marketo, RetryPolicy
from marketo_async.sandbox import InstanceLimits, Quirks, Sandbox, Traffic

GENEROUS = Limits(calls=10_000, concurrency=100, daily=1_000_000)


@pytest.fixture
def traffic() -> Traffic:
    return Traffic(rate=0)


@pytest_asyncio.fixture
async def sandbox(traffic: Traffic) -> AsyncIterator[Sandbox]:
    limits = InstanceLimits(calls=10_000, concurrency=100, daily=1_000_000)
    async with Sandbox(leads=700, activities=0, limits=limits, traffic=traffic, quirks=Quirks()) as sandbox:
        traffic.join(sandbox.instance)
        yield sandbox


@pytest_asyncio.fixture
async def marketo(sandbox: Sandbox, fast: RetryPolicy) -> AsyncIterator[Marketo]:
    async with Marketo(
        sandbox.base_url,
        client_id=sandbox.client_id,
        client_secret=sandbox.client_secret,
        governor=Governor(GENEROUS),
        retry=fast,
    ) as marketo:
        yield marketo


@pytest.fixture
def duckdb(tmp_path: Path) -> str:
    """The target of a DuckDB file."""
    return f"duckdb:///{tmp_path}/marketo.duckdb"


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A real Postgres, which runs until the end of the tests."""
    runtime = tmp_path_factory.mktemp("runtime")
    runtime.chmod(0o700)
    kept = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)  # where it keeps its lock; root has none
    try:
        pgserver = pytest.importorskip("pgserver", reason="its wheels end with Python 3.12")
        server = pgserver.get_server(tempfile.mkdtemp(prefix="postgres-"), cleanup_mode="delete")
    finally:
        if kept is None:
            del os.environ["XDG_RUNTIME_DIR"]
        else:
            os.environ["XDG_RUNTIME_DIR"] = kept
    yield server
    server.cleanup()


@pytest.fixture
def postgres(postgres_server: Any) -> str:
    """The target of a database of its own, so that no test finds the mirror of another one."""
    name = f"test_{uuid4().hex}"
    postgres_server.psql(f"CREATE DATABASE {name};")
    target: str = postgres_server.get_uri(name)
    return target
