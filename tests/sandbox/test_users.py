"""User management, whose answers have no envelope."""

from typing import Any

import msgspec
import pytest

from marketo_async.sandbox import Fault, InstanceLimits, Quirks, SandboxClock
from marketo_async.sandbox.permissions import USER_MANAGERS

from .api import Api, Connect
from .models import check_answer

USERS = "/userservice/management/v1/users"
NEW: dict[str, Any] = {
    "emailAddress": "nora@x.example",
    "firstName": "Nora",
    "lastName": "New",
    "userRoleWorkspaces": [{"accessRoleId": 2, "workspaceId": 1}],
}
MARKETER = f"{USERS}/marketer@sandbox.example"


async def call(api: Api, method: str, path: str, json: object = None, **params: Any) -> tuple[int, Any]:
    content: dict[str, Any] = {} if json is None else {"json": json}
    response = await api.raw(method, path, params=params, **content)
    return response.status, msgspec.json.decode(response.content)


async def get(api: Api, path: str, **params: Any) -> Any:
    status, body = await call(api, "GET", path, **params)
    assert status == 200
    return body


async def post(api: Api, path: str, json: object = None) -> Any:
    status, body = await call(api, "POST", path, json)
    assert status == 200
    return body


async def refusal(api: Api, method: str, path: str, json: object = None, **params: Any) -> tuple[int, int]:
    status, body = await call(api, method, path, json, **params)
    assert set(body) == {"errors"}
    [error] = body["errors"]
    assert error["message"]
    return status, error["code"]


async def test_all_users(api: Api) -> None:
    users = await get(api, f"{USERS}/allusers.json")

    assert [user["userid"] for user in users] == [
        "admin@sandbox.example",
        "marketer@sandbox.example",
        api.sandbox.user.login,
    ]
    assert [user["apiOnly"] for user in users] == [False, False, True]
    check_answer(users, "user", "ResponseOfAllUsers")


async def test_pages(api: Api) -> None:
    for number in range(25):
        api.sandbox.instance.users.add(f"u{number}@x.example", "U", str(number), 0.0)

    assert len(await get(api, f"{USERS}/allusers.json")) == 20
    assert len(await get(api, f"{USERS}/allusers.json", pageOffset=20)) == 8
    assert len(await get(api, f"{USERS}/allusers.json", pageSize=200)) == 28
    assert await get(api, f"{USERS}/allusers.json", pageOffset=28) == []
    for wrong in ({"pageSize": 201}, {"pageSize": 0}, {"pageOffset": -1}):
        assert await refusal(api, "GET", f"{USERS}/allusers.json", **wrong) == (400, 1003)
    assert await refusal(api, "GET", f"{USERS}/allusers.json", pageSize="many") == (400, 1001)


async def test_roles_and_workspaces(api: Api) -> None:
    roles, workspaces = await get(api, f"{USERS}/roles.json"), await get(api, f"{USERS}/workspaces.json")

    assert [role["name"] for role in roles] == ["Admin", "Standard User", "API", "Marketing User"]
    assert [workspace["name"] for workspace in workspaces] == ["Default", "EMEA"]
    check_answer(roles, "user", "ResponseOfRole")
    check_answer(workspaces, "user", "ResponseOfWorkspace")


async def test_an_invitation_and_its_acceptance(connect: Connect) -> None:
    api = await connect(clock=SandboxClock(speed=0, start=1_900_000_000))

    assert await post(api, f"{USERS}/invite.json", {**NEW, "expiresAt": "2035-01-01T00:00:00+01:00"}) == "true"

    invited = await get(api, f"{USERS}/nora@x.example/invite.json")
    assert invited["status"] == "pending"
    assert invited["createdAt"] == "20300317T17:46:40.0t+0000"
    assert invited["expiresAt"] == "20300324T17:46:40.0t+0000"
    check_answer(invited, "user", "ResponseOfInvitedUser")
    for path in ("user.json", "roles.json"):
        assert await refusal(api, "GET", f"{USERS}/nora@x.example/{path}") == (404, 1013)
    assert await refusal(api, "POST", f"{USERS}/nora@x.example/update.json", {"firstName": "N"}) == (404, 1013)
    assert await refusal(api, "POST", f"{USERS}/invite.json", NEW) == (400, 1017)
    assert len(await get(api, f"{USERS}/allusers.json")) == 3

    api.sandbox.instance.users.accept("nora@x.example")
    user = await get(api, f"{USERS}/nora%40x.example/user.json")
    assert (user["firstName"], user["expiresAt"]) == ("Nora", "2034-12-31T23:00:00.000t+0000")
    assert user["userRoleWorkspaces"] == [
        {"accessRoleId": 2, "accessRoleName": "Standard User", "workspaceId": 1, "workspaceName": "Default"}
    ]
    check_answer(user, "user", "ResponseOfUser")
    assert await refusal(api, "GET", f"{USERS}/nora@x.example/invite.json") == (404, 1013)
    assert await refusal(api, "POST", f"{USERS}/invite.json", NEW) == (400, 1017)


async def test_an_invitation_runs_out_after_a_week(api: Api) -> None:
    await post(api, f"{USERS}/invite.json", {**NEW, "userid": "nora", "apiOnly": True})
    api.sandbox.clock.advance(7 * 86_400 - 60)
    await api.authorize()
    assert (await get(api, f"{USERS}/nora/invite.json"))["emailAddress"] == "nora@x.example"

    api.sandbox.clock.advance(61)

    assert await refusal(api, "GET", f"{USERS}/nora/invite.json") == (404, 1013)
    assert await post(api, f"{USERS}/invite.json", {**NEW, "userid": "nora"}) == "true"


async def test_taking_an_invitation_back(api: Api) -> None:
    await post(api, f"{USERS}/invite.json", NEW)

    assert await post(api, f"{USERS}/Nora@x.example/invite/delete.json") is True

    assert await refusal(api, "POST", f"{USERS}/nora@x.example/invite/delete.json") == (404, 1013)
    assert await refusal(api, "POST", f"{MARKETER}/invite/delete.json") == (404, 1013)


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"emailAddress": "nora"}, (400, 1001)),
        ({"emailAddress": 5}, (400, 1001)),
        ({"firstName": ""}, (400, 1002)),
        ({"lastName": 5}, (400, 1001)),
        ({"expiresAt": "soon"}, (400, 1001)),
        ({"apiOnly": "perhaps"}, (400, 1001)),
        ({"userRoleWorkspaces": []}, (400, 1002)),
        ({"userRoleWorkspaces": [{"accessRoleId": 2}]}, (400, 1002)),
        ({"userRoleWorkspaces": [{"accessRoleId": 99, "workspaceId": 1}]}, (404, 1013)),
        ({"userRoleWorkspaces": [{"accessRoleId": 2, "workspaceId": 99}]}, (404, 1013)),
    ],
)
async def test_invitations_that_cannot_be(api: Api, members: dict[str, Any], expected: tuple[int, int]) -> None:
    assert await refusal(api, "POST", f"{USERS}/invite.json", {**NEW, **members}) == expected
    assert await refusal(api, "GET", f"{USERS}/nora@x.example/invite.json") == (404, 1013)


async def test_updating(api: Api) -> None:
    changes = {"firstName": "Mo", "emailAddress": "mo@x.example", "expiresAt": "20400229T08:30:00.0t+0000"}

    updated = await post(api, f"{MARKETER}/update.json", {**changes, "apiOnly": True})

    assert (updated["firstName"], updated["lastName"], updated["emailAddress"]) == ("Mo", "Marketer", "mo@x.example")
    assert (updated["expiresAt"], updated["apiOnly"]) == ("2040-02-29T08:30:00.000t+0000", True)
    assert await get(api, f"{MARKETER}/user.json") == updated
    check_answer(updated, "user", "ResponseOfUser")
    assert await post(api, f"{MARKETER}/update.json", {"lastName": "M"}) == {**updated, "lastName": "M"}
    assert await refusal(api, "POST", f"{MARKETER}/update.json", {"emailAddress": ""}) == (400, 1001)


async def test_deleting(api: Api) -> None:
    assert await post(api, f"{MARKETER}/delete.json") is True

    assert await refusal(api, "GET", f"{MARKETER}/user.json") == (404, 1013)
    assert await refusal(api, "POST", f"{MARKETER}/delete.json") == (404, 1013)


async def test_a_user_for_whom_a_service_speaks_cannot_be_deleted(api: Api) -> None:
    assert await refusal(api, "POST", f"{USERS}/{api.sandbox.user.login}/delete.json") == (500, 611)
    assert await get(api, f"{USERS}/{api.sandbox.user.login}/user.json")


@pytest.mark.parametrize("wrapped", [True, False])
async def test_adding_and_removing_roles(api: Api, wrapped: bool) -> None:  # noqa: FBT001 - a parameter of the test
    def body(*pairs: tuple[int, int]) -> object:
        roles = [{"accessRoleId": role, "workspaceId": workspace} for role, workspace in pairs]
        return {"input": roles} if wrapped else roles

    def pairs(held: list[dict[str, int]]) -> list[tuple[int, int]]:
        return [(grant["accessRoleId"], grant["workspaceId"]) for grant in held]

    added = await post(api, f"{MARKETER}/roles/create.json", body((1, 2), (2, 1)))
    assert pairs(added) == [(2, 1), (4, 2), (1, 2)]
    check_answer(added, "user", "UserRoleWorkspace")
    assert await get(api, f"{MARKETER}/roles.json") == added

    removed = await post(api, f"{MARKETER}/roles/delete.json", body((2, 1), (4, 2)))
    assert pairs(removed) == [(1, 2)]
    assert await refusal(api, "POST", f"{MARKETER}/roles/delete.json", body((2, 1))) == (404, 1013)
    assert pairs(await get(api, f"{MARKETER}/roles.json")) == [(1, 2)]
    assert await refusal(api, "POST", f"{MARKETER}/roles/create.json", body()) == (400, 1002)


async def test_access_is_told_by_the_status(connect: Connect) -> None:
    api = await connect(quirks=Quirks(query_token=True))
    path, token = f"{USERS}/roles.json", str(api.token)
    for lacking in USER_MANAGERS:
        await api.authorize(api.sandbox.add_user(f"{lacking}@x.example", USER_MANAGERS - {lacking}))
        assert await refusal(api, "GET", path) == (403, 603)
    await api.authorize(api.sandbox.add_user("manager@x.example", frozenset(USER_MANAGERS)))
    assert await get(api, path)
    api.token = "unknown"
    assert await refusal(api, "GET", path) == (401, 601)
    api.token = None
    assert await refusal(api, "GET", path) == (403, 603)
    assert await refusal(api, "GET", path, access_token=token) == (403, 603)


async def test_other_refusals(connect: Connect) -> None:
    api = await connect(limits=InstanceLimits(calls=4))

    assert await refusal(api, "GET", f"{USERS}/nothing.json") == (404, 610)
    assert await refusal(api, "DELETE", f"{MARKETER}/user.json") == (405, 605)
    response = await api.raw("POST", f"{USERS}/invite.json", data=b"{", headers={"Content-Type": "application/json"})
    assert (response.status, response.json()["errors"][0]["code"]) == (400, 609)
    assert await refusal(api, "GET", f"{USERS}/roles.jsonx") == (404, 610)
    for _ in range(2):
        await call(api, "GET", f"{USERS}/roles.json")
    assert await refusal(api, "GET", f"{USERS}/roles.json") == (429, 606)


async def test_below_rest_there_is_no_user_management(api: Api) -> None:
    assert (await api.get(f"/rest{USERS}/roles.json"))["errors"][0]["code"] == "610"


async def test_faults_of_answers_without_an_envelope(connect: Connect) -> None:
    path = f"{USERS}/roles.json"
    api = await connect(faults=[Fault("no_result", times=1), Fault("null_request_id", times=1)])
    assert await get(api, path) == await get(api, path) == await get(api, path)

    api.sandbox.faults.append(Fault("numeric_strings", times=1))
    assert (await get(api, path))[0]["id"] == "1"


async def test_unfamiliar_members_come_here_too(connect: Connect) -> None:
    api = await connect(quirks=Quirks(unknown_members=True, shuffled_members=True))

    assert "addedLater" in (await get(api, f"{USERS}/roles.json"))[0]
