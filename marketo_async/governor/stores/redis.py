"""`RedisStore`: one key of a Redis or Valkey server for all processes of all machines.

A decision is one call of a Lua script, which is atomic there and reads the server's own clock; it mirrors `Fleet`. One
key, so one slot of a cluster. A lost connection is opened again and the question asked once more: the fleet takes care
that nothing happens twice. After a failover the address may lead to another server while the open connections still
lead to the demoted one, so an answer that only such a server gives (`READONLY` and its like) closes them all, and the
question is asked over a new one.

The server's clock is its wall clock. Set back, it only costs pace; set *ahead* by hand it frees places early by as
much, so let it be slewed, as time daemons do.

A server can forget, by an eviction, a flush or a restart, and a replica that takes over may lag. So a whole window
passes before the first call of a new state, because nothing shows whether there was one before; that happens once in
the life of a state, which ends when nobody asks for two days. A whole window passes as well where the server's
replication history is another than the one that wrote the state, which every restart and failover begins. See ``fleet``
for the rest. A server that was replaced without knowing it (a network that is split) still grants calls beside the new
one; ``min-replicas-to-write 1`` in its configuration ends that.
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
# What a server answers that is not the primary (any more, or yet). redis-py has exceptions for some of it, but servers
# before Redis 7 wrap what a script has met into the text of another error.
_DEMOTED = (ReadOnlyError, ClusterDownError, TryAgainError)
_DEMOTED_TEXT = ("READONLY", "MASTERDOWN", "NOREPLICAS", "CLUSTERDOWN", "TRYAGAIN")

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(StoreReply | float).decode


class RedisStore:
    """Shares one instance's limits between all processes of all machines that reach one Redis or Valkey server.

    *url* is ``redis://``, ``rediss://`` or ``unix://`` (``valkey://`` is taken too), *instance* the name that all
    workers of one Marketo instance give, such as its munchkin id. The first call after the server has forgotten the
    instance, or has never known it, waits for a whole window: other workers may have called just before.

    *lease* is for how many seconds the calls of a worker that died, was stopped or was cut off are still counted as
    under way; `None` takes half a window, at most 10 s. Marketo may work longer on what a killed worker sent: a lease
    as long as the longest call keeps its slots taken until then. (A client that is closed needs no such thing: the
    answers that it gives up are stored with the moment at which their slots are free.) *timeout* bounds each try to
    reach the server, in seconds; after four tries calls raise `StoreUnavailable`. *cluster* is for a cluster. Raises
    `ConfigurationError` for a URL of another kind, and for a *lease* or *timeout* that is not a finite number above 0.
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
        self.lease = checked_lease("RedisStore", lease)
        self.key = f"marketo-async:{{{instance}}}"
        self._url = f"redis{url.removeprefix('valkey')}" if url.startswith("valkey") else url
        self._timeout = checked_seconds("RedisStore", "timeout", timeout)
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

    async def ask(self, request: StoreRequest) -> StoreReply:
        """Let the script decide."""
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            self._client, self._loop = self._connect(), loop
        asked = _encode(request)
        try:
            while True:
                answer = _decode(await self._insist(self._client, asked))
                if isinstance(answer, StoreReply):
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

    def _arguments(self, request: bytes) -> list[bytes]:
        return [request, _encode(midnights(time.time() + self._ahead))]

    async def _insist(self, client: Redis | RedisCluster, request: bytes) -> bytes:
        """Ask over new connections where a server answers that is not the primary, a few times."""
        for failures in range(1, _TRIES):
            try:
                return await self._evaluate(client, request)
            except ResponseError as error:
                if not _demoted(error):
                    raise
            await _hang_up(client)
            await asyncio.sleep(_BACKOFF.compute(failures))
        try:
            return await self._evaluate(client, request)
        except ResponseError:
            await _hang_up(client)  # the next question does not begin with this server
            raise

    async def _evaluate(self, client: Redis | RedisCluster, request: bytes) -> bytes:
        arguments = self._arguments(request)
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
            retry=Retry(_BACKOFF, _TRIES - 1),
            retry_on_error=[Disconnected, TimedOut],
        )


def _demoted(error: ResponseError) -> bool:
    """Tell whether another server may be the primary, so that new connections may reach it."""
    return isinstance(error, _DEMOTED) or any(word in str(error) for word in _DEMOTED_TEXT)


async def _hang_up(client: Redis | RedisCluster) -> None:
    """Close the connections that nobody uses at this moment."""
    if isinstance(client, RedisCluster):
        await client.aclose()  # and it finds out again who serves which slots
    else:
        await client.connection_pool.disconnect(inuse_connections=False)


def midnights(moment: float) -> list[float]:
    """Return the midnights in America/Chicago before and after *moment*, two of each, in epoch seconds."""
    starts, ends = day_of(moment)
    return [day_of(starts - 1)[0], starts, ends, day_of(ends)[1]]
