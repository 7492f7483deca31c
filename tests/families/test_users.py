"""Users, roles and invitations: answers without an envelope, errors by the HTTP status."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from marketo_async import Marketo, RetryPolicy
from marketo_async.errors import AccessDenied, NotFound, Unavailable, UnexpectedShape
from marketo_async.models.users import Invitation, RoleGrant, UserChange
from marketo_async.sandbox import Sandbox
from tests.wire import CLIENT_ID, CLIENT_SECRET, ORIGIN, Answer, MockedMarketo


def bare(body: object, status: int = 200) -> Answer:
    """Return an answer without an envelope."""
    return Answer(json.dumps(body).encode(), status)


async def test_the_life_of_a_user(marketo: Marketo, sandbox: Sandbox) -> None:
    role, other, *_ = await marketo.users.roles()
    workspace, *_ = await marketo.users.workspaces()
    grant = RoleGrant(access_role_id=role.id, workspace_id=workspace.id)
    invitation = Invitation(
        email_address="new@example.com",
        first_name="New",
        last_name="User",
        user_role_workspaces=[grant],
        userid="new@example.com",
        api_only=True,
    )
    await marketo.users.invite(invitation)
    invited = await marketo.users.invited("new@example.com")
    assert invited.status == "pending"
    assert invited.expires_at is not None
    assert invited.expires_at.tzinfo is not None
    sandbox.instance.users.accept("new@example.com")

    user = await marketo.users.get("new@example.com")
    assert (user.first_name, user.api_only) == ("New", True)
    more = await marketo.users.add_roles(
        "new@example.com", [RoleGrant(access_role_id=other.id, workspace_id=workspace.id)]
    )
    assert {found.access_role_id for found in more} == {role.id, other.id}
    left = await marketo.users.remove_roles("new@example.com", [grant])
    assert [found.access_role_id for found in left] == [other.id]
    assert await marketo.users.roles_of("new@example.com") == left
    changed = await marketo.users.update("new@example.com", UserChange(last_name="Name"))
    assert changed.last_name == "Name"
    await marketo.users.delete("new@example.com")
    with pytest.raises(NotFound):
        await marketo.users.get("new@example.com")


async def test_an_invitation_can_be_taken_back(marketo: Marketo) -> None:
    role, *_ = await marketo.users.roles()
    workspace, *_ = await marketo.users.workspaces()
    grant = RoleGrant(access_role_id=role.id, workspace_id=workspace.id)
    invitation = Invitation(
        email_address="b@example.com",
        first_name="B",
        last_name="B",
        user_role_workspaces=[grant],
        expires_at=datetime(2030, 1, 1, tzinfo=UTC),
    )
    await marketo.users.invite(invitation)
    await marketo.users.delete_invitation("b@example.com")
    with pytest.raises(NotFound):
        await marketo.users.invited("b@example.com")


async def test_all_users_are_paged_to_the_end(mocked: MockedMarketo) -> None:
    row = {"userid": "u", "firstName": "F", "lastName": "L", "emailAddress": "e", "id": 1, "apiOnly": False}
    mocked.script = [
        bare([{**row, "userid": f"u{number}"} for number in range(200)]),
        bare([{**row, "userid": "last"}]),
    ]
    async with Marketo(ORIGIN, client_id=CLIENT_ID, client_secret=CLIENT_SECRET) as marketo:
        found = await marketo.users.browse().all()
    assert len(found) == 201
    assert found[-1].userid == "last"


async def test_errors_stand_beside_the_status(mocked: MockedMarketo) -> None:
    mocked.script = [
        bare({"errors": [{"code": 603, "message": "Access denied"}]}, 403),
        bare({"errors": [{"code": "702", "message": "No user"}]}, 404),
        bare({}, 404),
        bare({"errors": [{"code": 611, "message": "in use"}]}, 500),
        bare({"id": "not a user"}, 200),
    ]
    once = RetryPolicy(attempts=1)
    async with Marketo(ORIGIN, client_id=CLIENT_ID, client_secret=CLIENT_SECRET, retry=once) as marketo:
        with pytest.raises(AccessDenied, match="Access User Management Api and Access Users"):
            await marketo.users.get("a")
        with pytest.raises(NotFound, match="702 No user"):
            await marketo.users.get("a")
        with pytest.raises(NotFound):
            await marketo.users.get("a")
        with pytest.raises(Unavailable, match="611"):
            await marketo.users.get("a")
        with pytest.raises(UnexpectedShape) as caught:
            await marketo.users.get("a")
    assert caught.value.path == "$.id"
