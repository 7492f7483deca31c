"""User management: users with their roles, invitations, and the instance's roles and workspaces.

Its answers have no envelope. See ``wording`` for the HTTP status of an error.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.envelope import Answer, Members
from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.parameters import as_integer, as_moment, as_text, missing, wrong_type
from marketo_async.sandbox.permissions import USER_MANAGERS
from marketo_async.sandbox.records.users import Grant, Role, User, Users, Workspace, invitation_ends
from marketo_async.sandbox.routing import Routes

routes = Routes()

_SUBSCRIPTION = 4711

USER_ROWS, MOST_USER_ROWS = 20, 200

_PREFIX = "/userservice/management/v1/users"
_ADDRESS = re.compile(r"[^@\s]+@([\w-]+\.)+[A-Za-z]{2,63}")
# Marketo's own layout of dates, which callers send back: a lower-case t before the offset.
_LOWER_T = re.compile(r"t(?=Z|[+-]\d\d:?\d\d$)")
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)T")


def _dashed(moment: float | None) -> str | None:
    return None if moment is None else f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%S}.000t+0000"


def _compact(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y%m%dT%H:%M:%S}.0t+0000"


def _expiry(call: Call) -> float | None:
    value = call.body_text("expiresAt")
    if value is None:
        return None
    plain = _COMPACT.sub(r"\1-\2-\3T", _LOWER_T.sub("", value))
    # Python accepts fractions of three or six digits, Marketo of any number.
    return as_moment("expiresAt", re.sub(r"\.\d+", "", plain))


@routes.get(f"{_PREFIX}/allusers.json", USER_MANAGERS, optional=("pageOffset", "pageSize"))
def all_users(call: Call) -> Answer:
    """Answer a page of all users except pending ones."""
    offset, size = call.integer("pageOffset") or 0, call.integer("pageSize")
    size = USER_ROWS if size is None else size
    if offset < 0 or not 1 <= size <= MOST_USER_ROWS:
        raise ApiError("1003", f"'pageSize' must lie between 1 and {MOST_USER_ROWS}, 'pageOffset' not be negative")
    return Answer([_short(user) for user in call.instance.users.accepted()[offset : offset + size]])


@routes.get(f"{_PREFIX}/roles.json", USER_MANAGERS)
def roles(call: Call) -> Answer:
    """Answer all roles."""
    return Answer([_role(role) for role in call.instance.users.roles.values()])


@routes.get(f"{_PREFIX}/workspaces.json", USER_MANAGERS)
def workspaces(call: Call) -> Answer:
    """Answer all workspaces."""
    return Answer([_workspace(workspace) for workspace in call.instance.users.workspaces.values()])


@routes.post(
    f"{_PREFIX}/invite.json",
    USER_MANAGERS,
    body=("emailAddress", "firstName", "lastName", "userRoleWorkspaces"),
    body_optional=("apiOnly", "expiresAt", "userid", "reason"),
)
def invite_user(call: Call) -> Answer:
    """Invite a user, who is pending until the invitation is accepted."""
    users, now = call.instance.users, call.instance.clock.time()
    address = _address(call)
    userid = call.body_text("userid") or address
    if users.find(userid) is not None or users.find_pending(userid, now) is not None:
        raise ApiError("1017", f"User '{userid}' already exists")
    first_name, last_name = as_text("firstName", call.body["firstName"]), as_text("lastName", call.body["lastName"])
    grants, expires_at, api_only = _grants(call, "userRoleWorkspaces"), _expiry(call), call.body_flag("apiOnly")
    user = users.invite(userid, address, first_name, last_name, grants, now)
    user.expires_at, user.api_only = expires_at, bool(api_only)
    return Answer("true")


@routes.get(f"{_PREFIX}/{{userid}}/user.json", USER_MANAGERS)
def user(call: Call) -> Answer:
    """Answer a user that is not pending."""
    return Answer(_row(call.instance.users, _found(call)))


@routes.get(f"{_PREFIX}/{{userid}}/invite.json", USER_MANAGERS)
def invited_user(call: Call) -> Answer:
    """Answer a pending user."""
    return Answer(_invitation(_found_pending(call)))


@routes.post(f"{_PREFIX}/{{userid}}/delete.json", USER_MANAGERS)
def delete_user(call: Call) -> Answer:
    """Delete a user for good, unless it has a custom service."""
    user = _found(call)
    if user.serves_api:
        raise ApiError("611", f"User '{user.userid}' is in use by a custom service")
    call.instance.users.remove(user)
    return Answer(result=True)


@routes.post(f"{_PREFIX}/{{userid}}/invite/delete.json", USER_MANAGERS)
def delete_invited_user(call: Call) -> Answer:
    """Withdraw an invitation."""
    call.instance.users.remove(_found_pending(call))
    return Answer(result=True)


@routes.post(
    f"{_PREFIX}/{{userid}}/update.json",
    USER_MANAGERS,
    body_optional=("apiOnly", "emailAddress", "expiresAt", "firstName", "lastName"),
)
def update_user(call: Call) -> Answer:
    """Change attributes of a user that is not pending."""
    user = _found(call)
    address = user.email_address if call.member("emailAddress") is None else _address(call)
    first_name, last_name = call.body_text("firstName"), call.body_text("lastName")
    expires_at, api_only = _expiry(call), call.body_flag("apiOnly")
    user.email_address = address
    user.first_name, user.last_name = first_name or user.first_name, last_name or user.last_name
    user.expires_at = user.expires_at if expires_at is None else expires_at
    user.api_only = user.api_only if api_only is None else api_only
    user.updated_at = call.instance.clock.time()
    return Answer(_row(call.instance.users, user))


@routes.get(f"{_PREFIX}/{{userid}}/roles.json", USER_MANAGERS)
def user_roles(call: Call) -> Answer:
    """Answer the roles of a user in each workspace."""
    return Answer(_held(call.instance.users, _found(call)))


@routes.post(f"{_PREFIX}/{{userid}}/roles/create.json", USER_MANAGERS, body=("input",))
def add_roles(call: Call) -> Answer:
    """Add roles in workspaces, and answer all roles of the user."""
    user = _found(call)
    user.grants += [grant for grant in _grants(call, "input") if grant not in user.grants]
    return Answer(_held(call.instance.users, user))


@routes.post(f"{_PREFIX}/{{userid}}/roles/delete.json", USER_MANAGERS, body=("input",))
def delete_roles(call: Call) -> Answer:
    """Remove roles in workspaces, and answer the remaining roles of the user."""
    user = _found(call)
    given_up = _grants(call, "input")
    for grant in given_up:
        if grant not in user.grants:
            raise ApiError("1013", f"User does not have role {grant.role_id} in workspace {grant.workspace_id}")
    user.grants = [grant for grant in user.grants if grant not in given_up]
    return Answer(_held(call.instance.users, user))


def _found(call: Call) -> User:
    userid = call.path_text("userid")
    user = call.instance.users.find(userid)
    if user is None:
        raise ApiError("1013", f"User '{userid}' not found")
    return user


def _found_pending(call: Call) -> User:
    userid = call.path_text("userid")
    user = call.instance.users.find_pending(userid, call.instance.clock.time())
    if user is None:
        raise ApiError("1013", f"Pending user '{userid}' not found")
    return user


def _address(call: Call) -> str:
    address = call.body_text("emailAddress") or ""
    if not _ADDRESS.fullmatch(address):
        raise wrong_type("emailAddress", "email")
    return address


def _grants(call: Call, name: str) -> list[Grant]:
    users, grants = call.instance.users, []
    for record in call.records(name):
        for member in ("accessRoleId", "workspaceId"):
            if record.get(member) is None:
                raise missing(member)
        grant = Grant(
            as_integer("accessRoleId", record["accessRoleId"]), as_integer("workspaceId", record["workspaceId"])
        )
        if grant.role_id not in users.roles:
            raise ApiError("1013", f"Role '{grant.role_id}' not found")
        if grant.workspace_id not in users.workspaces:
            raise ApiError("1013", f"Workspace '{grant.workspace_id}' not found")
        grants.append(grant)
    return list(dict.fromkeys(grants))


def _short(user: User) -> Members:
    return {
        "userid": user.userid,
        "firstName": user.first_name,
        "lastName": user.last_name,
        "emailAddress": user.email_address,
        "id": user.id,
        "apiOnly": user.api_only,
    }


def _row(users: Users, user: User) -> Members:
    return {
        **_short(user),
        "optedIn": False,
        "failedLogins": 0,
        "failedDeviceCode": 0,
        "isLocked": False,
        "lockedReason": None,
        "userRoleWorkspaces": _held(users, user),
        "expiresAt": _dashed(user.expires_at),
        "lastLoginAt": _dashed(user.last_login_at),
    }


def _held(users: Users, user: User) -> list[Members]:
    return [
        {
            "accessRoleId": grant.role_id,
            "accessRoleName": users.roles[grant.role_id].name,
            "workspaceId": grant.workspace_id,
            "workspaceName": users.workspaces[grant.workspace_id].name,
        }
        for grant in user.grants
    ]


def _invitation(user: User) -> Members:
    return {
        "id": user.id,
        "firstName": user.first_name,
        "lastName": user.last_name,
        "emailAddress": user.email_address,
        "userId": user.userid,
        "subscriptionId": _SUBSCRIPTION,
        "status": "pending",
        "expiresAt": _compact(invitation_ends(user)),
        "createdAt": _compact(user.created_at),
        "updatedAt": _compact(user.updated_at),
    }


def _role(role: Role) -> Members:
    return {
        "id": role.id,
        "name": role.name,
        "description": role.description,
        "type": role.type,
        "hidden": role.is_hidden,
        "onlyAllZones": role.is_only_all_zones,
        "createdAt": _compact(role.created_at),
        "updatedAt": _compact(role.created_at),
    }


def _workspace(workspace: Workspace) -> Members:
    return {
        "id": workspace.id,
        "name": workspace.name,
        "description": workspace.description,
        "globalViz": workspace.global_viz,
        "currencyInfo": workspace.currency,
        "status": workspace.status,
        "createdAt": _compact(workspace.created_at),
        "updatedAt": _compact(workspace.created_at),
    }
