"""``marketo.users``: the users of an instance, their roles and invitations.

Marketo answers without an envelope and reports errors by the HTTP status; a missing user raises `NotFound`.
"""

from __future__ import annotations

from collections.abc import Iterable

from marketo_async.models.users import (
    Invitation,
    InvitedUser,
    Role,
    RoleGrant,
    RoleInWorkspace,
    User,
    UserChange,
    UserSummary,
    Workspace,
)
from marketo_async.operation import Page, Paging, Plan, Repeat, nothing, page, whole
from marketo_async.paging import Distinct
from marketo_async.resources.arguments import within
from marketo_async.resources.base import Resource
from marketo_async.resources.descriptors import endpoint, paged

_ROOT = "/userservice/management/v1/users"


class Users(Resource):
    """Users. Only the methods for invitations find a user who has not accepted the invitation yet.

    See https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/user-management
    """

    name, rights, every = "users", ("Access User Management Api", "Access Users"), True

    @paged(_ROOT + "/allusers.json", rule=Paging.USERS)
    def browse(self, *, token: str | None = None) -> Plan[Page[UserSummary]]:
        """Iterate all users."""
        return page(UserSummary, token=token, sift=lambda: Distinct(lambda found: found.userid))

    @endpoint("GET", _ROOT + "/{userid}/user.json")
    def get(self, userid: str) -> Plan[User]:
        """Return one user."""
        return whole(User, path={"userid": userid})

    @endpoint("POST", _ROOT + "/{userid}/update.json", repeat=Repeat.SAFE)
    def update(self, userid: str, change: UserChange) -> Plan[User]:
        """Change a user who has accepted the invitation."""
        return whole(User, path={"userid": userid}, json=change)

    @endpoint("POST", _ROOT + "/{userid}/delete.json", repeat=Repeat.SETTLES, proof=("1013",))
    def delete(self, userid: str) -> Plan[None]:
        """Delete a user for good; Marketo refuses an API user that is in use (611)."""
        return nothing(path={"userid": userid})

    @endpoint("POST", _ROOT + "/invite.json")
    def invite(self, invitation: Invitation) -> Plan[None]:
        """Invite a person by email; with Adobe identities, only API users. Never retried automatically."""
        return nothing(json=invitation)

    @endpoint("GET", _ROOT + "/{userid}/invite.json")
    def invited(self, userid: str) -> Plan[InvitedUser]:
        """Return an invited user."""
        return whole(InvitedUser, path={"userid": userid})

    @endpoint("POST", _ROOT + "/{userid}/invite/delete.json", repeat=Repeat.SETTLES, proof=("1013",))
    def delete_invitation(self, userid: str) -> Plan[None]:
        """Withdraw an invitation."""
        return nothing(path={"userid": userid})

    @endpoint("GET", _ROOT + "/roles.json")
    def roles(self) -> Plan[list[Role]]:
        """Return all roles."""
        return whole(list[Role])

    @endpoint("GET", _ROOT + "/workspaces.json")
    def workspaces(self) -> Plan[list[Workspace]]:
        """Return all workspaces."""
        return whole(list[Workspace])

    @endpoint("GET", _ROOT + "/{userid}/roles.json")
    def roles_of(self, userid: str) -> Plan[list[RoleInWorkspace]]:
        """Return the roles of a user in each workspace."""
        return whole(list[RoleInWorkspace], path={"userid": userid})

    @endpoint("POST", _ROOT + "/{userid}/roles/create.json", repeat=Repeat.SAFE)
    def add_roles(self, userid: str, roles: Iterable[RoleGrant]) -> Plan[list[RoleInWorkspace]]:
        """Give roles to a user; returns all roles that the user now has."""
        return whole(list[RoleInWorkspace], path={"userid": userid}, json={"input": _pairs(roles)})

    @endpoint("POST", _ROOT + "/{userid}/roles/delete.json", repeat=Repeat.SETTLES)
    def remove_roles(self, userid: str, roles: Iterable[RoleGrant]) -> Plan[list[RoleInWorkspace]]:
        """Take roles from a user; returns the roles that remain."""
        return whole(list[RoleInWorkspace], path={"userid": userid}, json={"input": _pairs(roles)})


def _pairs(roles: Iterable[RoleGrant]) -> list[dict[str, int]]:
    return [{"accessRoleId": role.access_role_id, "workspaceId": role.workspace_id} for role in within("roles", roles)]
