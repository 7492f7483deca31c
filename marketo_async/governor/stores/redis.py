"""`RedisStore`: one key of a Redis or Valkey server for all processes of all machines.

A decision is one call of a Lua script, which is atomic there and reads the server's own clock; it mirrors `Fleet`. One
key, so one slot of a cluster. A lost connection is opened again and the question asked once more: the fleet takes care
that nothing happens twice.

The server's clock is its wall clock. Set back, it only costs pace; set *ahead* by hand it frees places early by as
much, so let it be slewed, as time daemons do. A server that loses its data makes a whole window pass.
"""

from __future__ import annotations

import asyncio
import time
from hashlib import sha1
from importlib.resources import files

import msgspec
from redis.asyncio import ConnectionPool, Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import NoScriptError, RedisError
from redis.exceptions import TimeoutError as TimedOut

from marketo_async.errors import ConfigurationError, StoreUnavailable
from marketo_async.governor.messages import Question, Reply
from marketo_async.governor.quota import day_of

_SCRIPT = (files("marketo_async.governor.stores") / "fleet.lua").read_text("utf-8")
_SHA = sha1(_SCRIPT.encode(), usedforsecurity=False).hexdigest()
_TRIES = 4

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Reply | float).decode


class RedisStore:
    """Shares one instance's limits between all processes of all machines that reach one Redis or Valkey server.

    *url* is ``redis://``, ``rediss://`` or ``unix://`` (``valkey://`` is taken too), *instance* the name that all
    workers of one Marketo instance give, such as its munchkin id. *lease* is for how many seconds the calls of a worker
    that died, was stopped or was cut off are still counted as under way; `None` takes half a window, at most 10 s.
    *timeout* bounds each try to reach the server, in seconds; after four, `StoreUnavailable`. *cluster* is for a
    cluster. Raises `ConfigurationError` for a URL of another kind.
    """

    def __init__(
        self,
        url: str,
        *,
        instance: str,
        lease: float | None = None,
        timeout: float = 2.0,
        cluster: bool = False,
    ) -> None:
        if not instance or "{" in instance or "}" in instance:
            raise ConfigurationError("RedisStore: instance is a name that all workers of one instance share")
        self.instance = instance
        self.lease = lease
        self.key = f"marketo-async:{{{instance}}}"
        self._url = f"redis{url.removeprefix('valkey')}" if url.startswith("valkey") else url
        self._timeout = timeout
        self._cluster = cluster
        self._client: Redis | RedisCluster | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ahead = 0.0  # of our clock, the server's
        try:
            ConnectionPool.from_url(self._url)
        except ValueError:
            pass
        else:
            return
        # Raised here and not inside: the cause may hold the URL, and that a password.
        raise ConfigurationError("RedisStore: the URL begins with redis://, rediss://, unix:// or valkey://")

    def __repr__(self) -> str:
        return f"<RedisStore of {self.instance}>"  # the URL may hold a password

    async def ask(self, question: Question) -> Reply:
        """Let the script decide."""
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            self._client, self._loop = self._connect(), loop
        asked = _encode(question)
        try:
            while True:
                answer = _decode(await self._evaluate(self._client, asked))
                if isinstance(answer, Reply):
                    return answer
                self._ahead = answer - time.time()  # the script was given the midnights of another day
        except (RedisError, OSError, TimeoutError, msgspec.DecodeError) as error:
            raise StoreUnavailable(
                f"the store of {self.instance} gives no answer ({type(error).__name__})",
                hint="check the server and its URL, or give the governor a fallback",
            ) from error

    async def close(self) -> None:
        """Close the connections; the next question opens them again."""
        client, self._client = self._client, None
        if client is not None and self._loop is asyncio.get_running_loop():
            await client.aclose()

    def _arguments(self, question: bytes) -> list[bytes]:
        return [question, _encode(midnights(time.time() + self._ahead))]

    async def _evaluate(self, client: Redis | RedisCluster, question: bytes) -> bytes:
        arguments = self._arguments(question)
        answer: bytes
        try:
            answer = await client.evalsha(_SHA, 1, self.key, *arguments)
        except NoScriptError:  # a server that has not seen it, or not since it was started
            answer = await client.eval(_SCRIPT, 1, self.key, *arguments)
        return answer

    def _connect(self) -> Redis | RedisCluster:
        kind = RedisCluster if self._cluster else Redis
        return kind.from_url(
            self._url,
            socket_timeout=self._timeout,
            socket_connect_timeout=self._timeout,
            retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), _TRIES - 1),
            retry_on_error=[Disconnected, TimedOut],
        )


def midnights(moment: float) -> list[float]:
    """Return the midnights in America/Chicago before and after *moment*, two of each, in epoch seconds."""
    starts, ends = day_of(moment)
    return [day_of(starts - 1)[0], starts, ends, day_of(ends)[1]]
