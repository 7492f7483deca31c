"""The users of an instance, their roles in its workspaces, and the open invitations.

These are the people and API-only users of user management. See ``identity`` for credentials and tokens.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field

INVITATION_SECONDS = 7 * 86_400.0


@dataclass(frozen=True, slots=True)
class Role:
    """A set of permissions by name."""

    id: int
    name: str
    description: str
    created_at: float
    type: str = "system"
    is_hidden: bool = False
    is_only_all_zones: bool = False


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace; a user has separate roles in each."""

    id: int
    name: str
    description: str
    created_at: float
    global_viz: int = 0
    currency: str = "USD"
    status: str = "active"


@dataclass(frozen=True, slots=True)
class Grant:
    """One role in one workspace."""

    role_id: int
    workspace_id: int


@dataclass(slots=True)
class User:
    """A user, or the invitation of a pending user."""

    id: int
    userid: str
    email_address: str
    first_name: str
    last_name: str
    created_at: float
    updated_at: float
    api_only: bool = False
    expires_at: float | None = None
    last_login_at: float | None = None
    grants: list[Grant] = field(default_factory=list)
    serves_api: bool = False
    """Whether this user has a custom service and can't be deleted."""


ADMIN = Grant(1, 1)
API_ROLE = Grant(3, 1)


class Users:
    """All users and invitations by case-insensitive userid, with the instance's roles and workspaces."""

    def __init__(self, roles: Iterable[Role], workspaces: Iterable[Workspace]) -> None:
        self.roles = {role.id: role for role in roles}
        self.workspaces = {workspace.id: workspace for workspace in workspaces}
        self._accepted: dict[str, User] = {}
        self._pending: dict[str, User] = {}
        self._ids = itertools.count(101)

    def accepted(self) -> list[User]:
        """Return the users without pending ones, in order of id."""
        return sorted(self._accepted.values(), key=lambda user: user.id)

    def workspace_id(self, name: str) -> int | None:
        """Return the id of the workspace of this name."""
        return next((workspace.id for workspace in self.workspaces.values() if workspace.name == name), None)

    def find(self, userid: str) -> User | None:
        """Return a user that is not pending."""
        return self._accepted.get(userid.casefold())

    def find_pending(self, userid: str, now: float) -> User | None:
        """Return an invitation that has not expired."""
        user = self._pending.get(userid.casefold())
        return user if user is not None and invitation_ends(user) > now else None

    def add(self, userid: str, first_name: str, last_name: str, now: float, *grants: Grant) -> User:
        """Create a user without an invitation."""
        user = User(next(self._ids), userid, userid, first_name, last_name, now, now, grants=list(grants))
        self._accepted[userid.casefold()] = user
        return user

    def add_api_user(self, login: str, now: float) -> User:
        """Create the API-only user of a custom service."""
        user = self.add(login, "API", "User", now, API_ROLE)
        user.api_only = user.serves_api = True
        return user

    def invite(
        self, userid: str, email_address: str, first_name: str, last_name: str, grants: Iterable[Grant], now: float
    ) -> User:
        """Invite a user, replacing an expired invitation."""
        user = User(next(self._ids), userid, email_address, first_name, last_name, now, now, grants=list(grants))
        self._pending[userid.casefold()] = user
        return user

    def accept(self, userid: str) -> User:
        """Accept an invitation, as the invited user does in the browser."""
        user = self._pending.pop(userid.casefold())
        self._accepted[userid.casefold()] = user
        return user

    def remove(self, user: User) -> None:
        """Delete a user or an invitation for good."""
        for users in (self._accepted, self._pending):
            if users.get(user.userid.casefold()) is user:
                del users[user.userid.casefold()]


def invitation_ends(user: User) -> float:
    """Return when the invitation of a pending user expires."""
    return user.created_at + INVITATION_SECONDS


def seeded_users(now: float) -> Users:
    """Return an instance's first roles, workspaces and people."""
    users = Users(
        (
            Role(1, "Admin", "All permissions", now),
            Role(2, "Standard User", "Everything but administration", now),
            Role(3, "API", "Permissions of API-only users", now, type="custom"),
            Role(4, "Marketing User", "Marketing activities and design studio", now, type="custom"),
        ),
        (
            Workspace(1, "Default", "Initial system workspace", now, global_viz=1),
            Workspace(2, "EMEA", "Europe, Middle East and Africa", now),
        ),
    )
    users.add("admin@sandbox.example", "Alba", "Admin", now, ADMIN)
    users.add("marketer@sandbox.example", "Mika", "Marketer", now, Grant(2, 1), Grant(4, 2))
    return users
