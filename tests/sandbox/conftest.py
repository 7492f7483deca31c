"""Fixtures that start a sandbox and give it the plainest possible caller."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Unpack

import aiohttp
import pytest

from marketo_async.sandbox.fixtures import Knobs, SandboxFactory, marketo_sandbox, marketo_sandbox_factory

from .api import Api, Connect

__all__ = ["marketo_sandbox", "marketo_sandbox_factory"]

# pytest-asyncio asks for the current loop before it makes its own; where none was ever set, Python 3.11 would create
# one that nobody closes, and some later test would fail with its ResourceWarning.
asyncio.set_event_loop(None)


@pytest.fixture
async def connect(marketo_sandbox_factory: SandboxFactory) -> AsyncIterator[Connect]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def start(**knobs: Unpack[Knobs]) -> Api:
            api = Api(await marketo_sandbox_factory(**knobs), session)
            await api.authorize()
            return api

        yield start


@pytest.fixture
async def api(connect: Connect) -> Api:
    return await connect()
