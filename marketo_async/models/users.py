"""Users of an instance, their roles and workspaces. A user's ``userid`` is a login like an email address."""

from __future__ import annotations

from datetime import datetime

from msgspec import UNSET, Struct, UnsetType

from marketo_async.models.moment import Moment
from marketo_async.models.spellings import unify


class RoleGrant(Struct, frozen=True, kw_only=True, rename="camel"):
    """A role to give to a user in a workspace, or to take away."""

    access_role_id: int
    workspace_id: int


class RoleInWorkspace(RoleGrant, frozen=True, kw_only=True, rename="camel"):
    """A role that a user has in a workspace."""

    access_role_name: str | None = None
    workspace_name: str | None = None


class UserSummary(Struct, frozen=True, kw_only=True, rename="camel"):
    """A user as a listing returns it."""

    userid: str
    id: int | None = None
    first_name: str | None = None
    last_name: str | None = None
    email_address: str | None = None
    api_only: bool | None = None


class User(UserSummary, frozen=True, kw_only=True, rename="camel"):
    """A user who has accepted the invitation."""

    opted_in: bool | None = None
    is_locked: bool | None = None
    locked_reason: str | None = None
    failed_logins: int | None = None
    failed_device_code: int | None = None
    expires_at: Moment | None = None
    last_login_at: Moment | None = None
    user_role_workspaces: list[RoleInWorkspace] = []


class InvitedUser(Struct, frozen=True, kw_only=True, rename="camel"):
    """A user who has not accepted the invitation yet; it expires after seven days.

    Marketo spells the login ``userId`` here and ``userid`` elsewhere; both members have it.
    """

    userid: str | None = None
    user_id: str | None = None
    id: int | None = None
    first_name: str | None = None
    last_name: str | None = None
    email_address: str | None = None
    subscription_id: str | int | None = None
    status: str | None = None
    expires_at: Moment | None = None
    created_at: Moment | None = None
    updated_at: Moment | None = None

    def __post_init__(self) -> None:
        unify(self, "userid", "user_id")


class Role(Struct, frozen=True, kw_only=True, rename="camel"):
    """A role that users can have.

    Marketo uses ``hidden`` and ``onlyAllZones``, or ``isHidden`` and ``isOnlyAllZones``; both members have the value.
    """

    id: int
    name: str
    description: str | None = None
    type: str | None = None
    hidden: bool | None = None
    is_hidden: bool | None = None
    only_all_zones: bool | None = None
    is_only_all_zones: bool | None = None
    created_at: Moment | None = None
    updated_at: Moment | None = None

    def __post_init__(self) -> None:
        unify(self, "hidden", "is_hidden")
        unify(self, "only_all_zones", "is_only_all_zones")


class Workspace(Struct, frozen=True, kw_only=True, rename="camel"):
    """A workspace."""

    id: int
    name: str
    description: str | None = None
    status: str | None = None
    currency_info: str | None = None
    global_viz: int | None = None
    created_at: Moment | None = None
    updated_at: Moment | None = None


class Invitation(Struct, kw_only=True, rename="camel", omit_defaults=True):
    """A person to invite, and the roles to give; the invitation email contains ``reason``."""

    email_address: str
    first_name: str
    last_name: str
    user_role_workspaces: list[RoleGrant]
    api_only: bool | None = None
    expires_at: datetime | None = None
    userid: str | None = None
    reason: str | None = None


class UserChange(Struct, kw_only=True, rename="camel", omit_defaults=True):
    """The changes to a user; members that are left out keep their values."""

    email_address: str | UnsetType = UNSET
    first_name: str | UnsetType = UNSET
    last_name: str | UnsetType = UNSET
    expires_at: datetime | UnsetType = UNSET
    api_only: bool | UnsetType = UNSET
