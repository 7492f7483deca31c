"""API users, their credentials and their access tokens.

A token belongs to a client id; a client id to an API user; an API user has the permissions of its role. Marketo's
page: https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/authentication
"""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass

from marketo_async.sandbox.clock import SandboxClock
from marketo_async.sandbox.envelope import Members
from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.permissions import AllOf


@dataclass(frozen=True, slots=True)
class ApiUser:
    """An API-only user with its custom service; without a permission set it has all permissions."""

    login: str
    client_id: str
    client_secret: str
    permissions: frozenset[str] | None = None

    def __repr__(self) -> str:
        return f"ApiUser(login={self.login!r}, client_id={self.client_id!r})"

    def may(self, permissions: frozenset[str]) -> bool:
        """Return whether the user has one of these permissions, or all of an ``AllOf``; an empty set needs none."""
        if self.permissions is None or not permissions:
            return True
        if isinstance(permissions, AllOf):
            return permissions <= self.permissions
        return bool(self.permissions & permissions)


class IdentityError(Exception):
    """The identity service's refusal of credentials: HTTP 401 with an OAuth body."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.body: Members = {"error": error, "error_description": description}


@dataclass(slots=True)
class _Token:
    value: str
    expires_at: float


class Identity:
    """The identity service: it issues one token per client id, the same one until it expires."""

    def __init__(self, clock: SandboxClock, rng: random.Random, *, life: float, always_602: bool) -> None:
        self._clock = clock
        self._rng = rng
        self._life = life
        self._always_602 = always_602
        self._users: dict[str, ApiUser] = {}
        self._tokens: dict[str, _Token] = {}
        self._owners: dict[str, ApiUser] = {}
        self._seen_expired: set[str] = set()

    def add_user(self, login: str, permissions: frozenset[str] | None) -> ApiUser:
        """Create an API user with credentials of its own."""
        user = ApiUser(login, str(self._uuid()), f"{self._rng.getrandbits(160):040x}", permissions)
        self._users[user.client_id] = user
        return user

    def grant(self, parameters: dict[str, str]) -> Members:
        """Return the token answer for these parameters, or raise ``IdentityError``."""
        if parameters.get("grant_type") != "client_credentials":
            raise IdentityError("unsupported_grant_type", "Unsupported grant type")
        user = self._users.get(parameters.get("client_id", ""))
        if user is None:
            raise IdentityError("invalid_client", "No client with requested id")
        if parameters.get("client_secret") != user.client_secret:
            raise IdentityError("unauthorized", "Bad client credentials")
        now = self._clock.time()
        token = self._tokens.get(user.client_id)
        if token is None or token.expires_at <= now:
            token = self._tokens[user.client_id] = _Token(f"{self._uuid()}:sb", now + self._life)
            self._owners[token.value] = user
        return {
            "access_token": token.value,
            "token_type": "bearer",
            "expires_in": int(token.expires_at - now),
            "scope": user.login,
        }

    def authenticate(self, value: str | None) -> ApiUser:
        """Return the user to whom a token belongs, or raise 603, 601 or 602."""
        if not value:
            raise ApiError("603", "Access denied")
        user = self._owners.get(value)
        if user is None:
            raise ApiError("601", "Access token invalid")
        token = self._tokens[user.client_id]
        if token.value == value and token.expires_at > self._clock.time():
            return user
        if value in self._seen_expired and not self._always_602:
            raise ApiError("601", "Access token invalid")
        self._seen_expired.add(value)
        raise ApiError("602", "Access token expired")

    def _uuid(self) -> uuid.UUID:
        return uuid.UUID(int=self._rng.getrandbits(128), version=4)
