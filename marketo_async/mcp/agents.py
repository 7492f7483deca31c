"""Who calls: keys of agents, the identity of a request, and the clients of instances whose credentials come with it.

A key is ``mka_<agent>_<43 characters>``: 256 random bits, of which a policy holds only the SHA-256. Requests may also
carry an instance's credentials in the three headers of Adobe's server; such clients are kept in memory for a while, and
nothing of their credentials is logged or written.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Literal, NamedTuple

from msgspec import Struct

from marketo_async.client import Marketo
from marketo_async.errors import MarketoError
from marketo_async.governor import Governor

_PREFIX = "mka_"
_IDLE_S, _MOST = 600.0, 32
CLIENT_ID, CLIENT_SECRET, MUNCHKIN_ID = "x-marketo-client-id", "x-marketo-client-secret", "x-marketo-munchkin-id"
_HEADERS = (CLIENT_ID, CLIENT_SECRET, MUNCHKIN_ID)


class NotIdentified(MarketoError):
    """A request that does not say which agent makes it, or whose key is not known; answered with 401."""


class NewKey(NamedTuple):
    """A key, which is shown once, and the hash of it for the policy."""

    key: str
    hash: str


class HeaderCredentials(Struct, frozen=True):
    """The credentials that a request carries; their repr does not show them."""

    munchkin_id: str
    client_id: str
    client_secret: str

    def __repr__(self) -> str:
        return f"<credentials of {self.munchkin_id}>"

    @property
    def digest(self) -> bytes:
        """The SHA-256 of id and secret."""
        return hashlib.sha256(f"{self.client_id}\0{self.client_secret}".encode()).digest()


class AgentIdentity(Struct, frozen=True):
    """The agent of a request, and how it is known."""

    agent: str
    via: Literal["stdio", "bearer", "headers"]
    credentials: HeaderCredentials | None = None

    @property
    def holder(self) -> str:
        """Whose plans and cursors these are: the agent's, or with credentials in headers, theirs alone."""
        if self.credentials is None:
            return self.agent
        return f"{self.agent}#{self.credentials.digest.hex()[:32]}"


def new_key(agent: str) -> NewKey:
    """Return a new key for an agent."""
    key = f"{_PREFIX}{agent}_{secrets.token_urlsafe(32)}"
    return NewKey(key, hash_of(key))


def hash_of(key: str) -> str:
    """Return the hash of a key as a policy holds it; the key has 256 random bits, so a plain hash is enough."""
    return f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"


class Doorkeeper(Struct, frozen=True):
    """Identifies requests: ``keys`` are the hashes of each agent's keys; ``munchkin_ids`` and ``guest`` allow headers.

    Without ``munchkin_ids``, credentials in headers are refused.
    """

    keys: Mapping[str, Sequence[str]]
    munchkin_ids: Collection[str] = ()
    guest: str | None = None

    def identify(self, headers: Mapping[str, str]) -> AgentIdentity:
        """Return who makes a request with these headers, whose names are in lower case.

        A bearer key wins over headers. Raises `NotIdentified`, which names the missing header and shows no value.
        """
        authorization = headers.get("authorization", "")
        if authorization:
            return self._by_key(authorization)
        given = [name for name in _HEADERS if headers.get(name)]
        if not given:
            raise NotIdentified(
                "the request has no key: send Authorization: Bearer mka_..., as the server's owner gave it"
            )
        return self._by_headers(headers, given)

    def _by_key(self, authorization: str) -> AgentIdentity:
        scheme, _, key = authorization.partition(" ")
        if scheme.casefold() != "bearer" or not key.strip():
            raise NotIdentified("the Authorization header is not a bearer key: send Authorization: Bearer mka_...")
        if not key.startswith(_PREFIX):
            raise NotIdentified(
                "the bearer token is not a key of this server, which takes no IMS tokens: send a key that begins with"
                " mka_, or the three X-Marketo-... headers"
            )
        given, found = hash_of(key.strip()), ""
        for agent, hashes in self.keys.items():  # all of them, so that the time says nothing
            for known in hashes:
                if hmac.compare_digest(known, given):
                    found = agent
        if not found:
            raise NotIdentified("the key is not known here: ask the owner of this server for another")
        return AgentIdentity(found, "bearer")

    def _by_headers(self, headers: Mapping[str, str], given: Sequence[str]) -> AgentIdentity:
        if self.guest is None or not self.munchkin_ids:
            raise NotIdentified("this server does not take credentials in headers: send a key")
        if missing := [name for name in _HEADERS if name not in given]:
            raise NotIdentified(f"the header {' and '.join(missing)} is missing")
        munchkin_id = headers[MUNCHKIN_ID].strip().upper()
        if munchkin_id not in {known.upper() for known in self.munchkin_ids}:
            raise NotIdentified("the instance is not one that this server's owner allows")
        credentials = HeaderCredentials(munchkin_id, headers[CLIENT_ID], headers[CLIENT_SECRET])
        return AgentIdentity(self.guest, "headers", credentials)


Make = Callable[[HeaderCredentials, Governor], Marketo]


class HeaderClients:
    """The clients of instances whose credentials come with each request: at most 32, each for ten idle minutes.

    One governor serves all clients of an instance, with any credentials.
    """

    def __init__(self, make: Make, clock: Callable[[], float]) -> None:
        self._make = make
        self._clock = clock
        self._clients: OrderedDict[tuple[str, bytes], tuple[float, Marketo]] = OrderedDict()
        self._governors: dict[str, Governor] = {}
        self._changing = asyncio.Lock()

    def share(self, munchkin_id: str, governor: Governor) -> None:
        """Use a governor for an instance that the server calls with its own credentials too."""
        self._governors[munchkin_id.upper()] = governor

    async def get(self, credentials: HeaderCredentials) -> Marketo:
        """Return the open client of these credentials."""
        key = (credentials.munchkin_id, credentials.digest)
        async with self._changing:
            await self._drop_idle()
            _, client = self._clients.pop(key, (0.0, None))
            if client is None:
                governor = self._governors.setdefault(credentials.munchkin_id, Governor())
                client = await self._make(credentials, governor).__aenter__()
            self._clients[key] = (self._clock(), client)
            while len(self._clients) > _MOST:
                _, (_, oldest) = self._clients.popitem(last=False)
                await oldest.close()
            return client

    async def _drop_idle(self) -> None:
        before = self._clock() - _IDLE_S
        for key in [key for key, (used, _) in self._clients.items() if used <= before]:
            _, client = self._clients.pop(key)
            await client.close()

    async def close(self) -> None:
        """Close all clients."""
        async with self._changing:
            while self._clients:
                _, (_, client) = self._clients.popitem()
                await client.close()
