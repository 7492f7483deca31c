"""`RedisStore`: one key of a Redis or Valkey server for all processes of all machines.

A decision is one call of a Lua script, the twin of `SharedLimiter`. The server runs it atomically, with its own clock.
It uses one key, so one slot of a cluster. After a lost connection the store connects and sends the request again;
requests are idempotent. After a failover the address may lead to another server while the open connections still lead
to the demoted one. So an answer that only a demoted server gives (`READONLY` and the like) closes all connections, and
the request is sent over a new one.

The server's clock is its wall clock. Setting it back only lowers the rate. Setting it *ahead* by hand frees places too
early by the same amount; let a time daemon slew it instead.

A server can lose its state by an eviction, a flush or a restart, and a replica that takes over may lag. So a whole
window passes before the first call of a new state, because an earlier one may have been lost. That happens once in the
life of a state, which ends after two days without a request. A whole window also passes if the state was written under
another replication history than the server's; every restart and failover begins a new one. See ``shared_limiter`` for
the rest. After a network split, a replaced primary still grants calls, and so does the new one; prevent that with
``min-replicas-to-write 1`` in its configuration.
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
from redis.exceptions import ClusterDownError, NoScriptError, ReadOnlyError, RedisError, ResponseError, TryAgainError
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import TimeoutError as TimedOut

from marketo_async.errors import ConfigurationError, StoreUnavailable
from marketo_async.governor.quota import day_of
from marketo_async.governor.stores import checked_lease, checked_seconds
from marketo_async.governor.stores.messages import StoreReply, StoreRequest

_SCRIPT = (files("marketo_async.governor.stores") / "shared_limiter.lua").read_text("utf-8")
_SHA = sha1(_SCRIPT.encode(), usedforsecurity=False).hexdigest()
_TRIES = 4
_BACKOFF = ExponentialBackoff(cap=0.5, base=0.05)
# The errors of a server that is not the primary (any more, or yet). redis-py has exceptions for some of them, but
# servers before Redis 7 wrap the errors of a script into the text of another error.
_DEMOTED = (ReadOnlyError, ClusterDownError, TryAgainError)
_DEMOTED_TEXT = ("READONLY", "MASTERDOWN", "NOREPLICAS", "CLUSTERDOWN", "TRYAGAIN")

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(StoreReply | float).decode


class RedisStore:
    """Shares one instance's limits between all processes of all machines that reach one Redis or Valkey server.

    ``url`` begins with ``redis://``, ``rediss://``, ``unix://`` or ``valkey://``. ``instance`` is a name that all
    workers of one Marketo instance share, such as its munchkin id. The first call on a new state waits for a whole
    window: other workers may have called just before.

    ``lease`` is the number of seconds for which the calls of a worker that died, was stopped or was cut off still count
    as under way; `None` means half a window, at most 10 s. Marketo may work longer on the calls of a killed worker: a
    lease as long as the longest call keeps their slots taken until then. (A closed client does not need that: its
    abandoned calls are stored with the moment at which their slots are free.) ``timeout`` limits each attempt to reach
    the server, in seconds; after four attempts calls raise `StoreUnavailable`. Set ``cluster`` for a cluster. Raises
    `ConfigurationError` for any other URL, and for a ``lease`` or ``timeout`` that is not a finite number above 0.
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
            raise ConfigurationError(
                f"RedisStore: instance is {instance!r}; pass a name without braces that all its workers share"
            )
        self.instance = instance
        self.lease = checked_lease("RedisStore", lease)
        self.key = f"marketo-async:{{{instance}}}"
        self._url = f"redis{url.removeprefix('valkey')}" if url.startswith("valkey") else url
        self._timeout = checked_seconds("RedisStore", "timeout", timeout)
        self._cluster = cluster
        self._client: Redis | RedisCluster | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ahead = 0.0  # how far the server's clock is ahead of ours
        try:
            ConnectionPool.from_url(self._url)
        except ValueError:
            pass
        else:
            return
        # Raised outside the `except`: the cause may hold the URL, and so a password.
        raise ConfigurationError("RedisStore: the URL must begin with redis://, rediss://, unix:// or valkey://")

    def __repr__(self) -> str:
        return f"<RedisStore of {self.instance}>"  # the URL may hold a password

    async def ask(self, request: StoreRequest) -> StoreReply:
        """Decide by the script."""
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            self._client, self._loop = self._connect(), loop
        asked = _encode(request)
        try:
            while True:
                answer = _decode(await self._ask_primary(self._client, asked))
                if isinstance(answer, StoreReply):
                    return answer
                self._ahead = answer - time.time()  # the script received the midnights of another day
        except (RedisError, OSError, TimeoutError, msgspec.DecodeError) as error:
            raise StoreUnavailable(
                f"the store of {self.instance} does not answer ({type(error).__name__})",
                hint="check the server and its URL, or give the governor a fallback",
            ) from error

    async def close(self) -> None:
        """Close the connections; the next request opens them again."""
        client, self._client = self._client, None
        if client is not None and self._loop is asyncio.get_running_loop():
            await client.aclose()

    def _arguments(self, request: bytes) -> list[bytes]:
        return [request, _encode(midnights(time.time() + self._ahead))]

    async def _ask_primary(self, client: Redis | RedisCluster, request: bytes) -> bytes:
        """Send a request; if the server is not the primary, retry a few times over new connections."""
        for failures in range(1, _TRIES):
            try:
                return await self._evaluate(client, request)
            except ResponseError as error:
                if not _demoted(error):
                    raise
            await _disconnect(client)
            await asyncio.sleep(_BACKOFF.compute(failures))
        try:
            return await self._evaluate(client, request)
        except ResponseError:
            await _disconnect(client)  # the next request does not begin with this server
            raise

    async def _evaluate(self, client: Redis | RedisCluster, request: bytes) -> bytes:
        arguments = self._arguments(request)
        answer: bytes
        try:
            answer = await client.evalsha(_SHA, 1, self.key, *arguments)
        except NoScriptError:  # the server has not loaded the script since its start
            answer = await client.eval(_SCRIPT, 1, self.key, *arguments)
        return answer

    def _connect(self) -> Redis | RedisCluster:
        kind = RedisCluster if self._cluster else Redis
        return kind.from_url(
            self._url,
            socket_timeout=self._timeout,
            socket_connect_timeout=self._timeout,
            retry=Retry(_BACKOFF, _TRIES - 1),
            retry_on_error=[Disconnected, TimedOut],
        )


def _demoted(error: ResponseError) -> bool:
    """Return whether another server may be the primary, so that new connections may reach it."""
    return isinstance(error, _DEMOTED) or any(word in str(error) for word in _DEMOTED_TEXT)


async def _disconnect(client: Redis | RedisCluster) -> None:
    """Close the idle connections."""
    if isinstance(client, RedisCluster):
        await client.aclose()  # the client then asks again which server has which slots
    else:
        await client.connection_pool.disconnect(inuse_connections=False)


def midnights(moment: float) -> list[float]:
    """Return the midnights in America/Chicago before and after ``moment``, two of each, in epoch seconds."""
    starts, ends = day_of(moment)
    return [day_of(starts - 1)[0], starts, ends, day_of(ends)[1]]
