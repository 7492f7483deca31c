import pytest

from marketo_async.sandbox import InstanceLimits, Quirks, SandboxClock
from marketo_async.sandbox.permissions import READ_LEAD, WRITE_LEAD

from .api import Connect, code

LEAD = "/rest/v1/lead/1.json"


async def test_the_same_token_until_it_expires(connect: Connect) -> None:
    api = await connect(clock=SandboxClock(speed=0))
    first = (await api.grant()).json()
    api.sandbox.clock.advance(100)
    second = (await api.grant()).json()
    api.sandbox.clock.advance(3_500)
    third = (await api.grant()).json()

    assert first["expires_in"] == 3_600
    assert first["token_type"] == "bearer"
    assert first["scope"] == api.sandbox.user.login
    assert second["access_token"] == first["access_token"]
    assert second["expires_in"] == 3_500
    assert third["access_token"] != first["access_token"]
    assert third["expires_in"] == 3_600


async def test_an_expired_token_is_602_once_and_then_601(connect: Connect) -> None:
    api = await connect(clock=SandboxClock(speed=0), limits=InstanceLimits(token_life=5))
    assert (await api.get(LEAD))["success"]

    api.sandbox.clock.advance(5)
    assert [code(await api.get(LEAD)) for _ in range(3)] == ["602", "601", "601"]

    await api.authorize()
    assert (await api.get(LEAD))["success"]


async def test_a_replaced_token_is_expired_too(connect: Connect) -> None:
    api = await connect(
        clock=SandboxClock(speed=0), limits=InstanceLimits(token_life=5), quirks=Quirks(always_602=True)
    )
    old = api.token
    api.sandbox.clock.advance(6)
    await api.authorize()
    api.token = old

    assert [code(await api.get(LEAD)) for _ in range(3)] == ["602", "602", "602"]


async def test_unknown_and_missing_tokens(connect: Connect) -> None:
    api = await connect()
    api.token = "nobody"
    assert code(await api.get(LEAD)) == "601"

    api.token = None
    assert code(await api.get(LEAD)) == "603"
    assert code((await api.raw("GET", LEAD, headers={"Authorization": "Basic eA=="})).json()) == "603"


@pytest.mark.parametrize("allowed", [False, True])
async def test_tokens_in_the_query(connect: Connect, allowed: bool) -> None:  # noqa: FBT001 - a case, not a switch
    api = await connect(quirks=Quirks(query_token=allowed))
    token, api.token = api.token or "", None
    answer = await api.get(LEAD, access_token=token)

    assert answer["success"] is allowed


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": "nobody"}, "invalid_client"),
        ({"client_secret": "wrong"}, "unauthorized"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
async def test_bad_credentials_are_http_401(connect: Connect, changes: dict[str, str], error: str) -> None:
    api = await connect()
    response = await api.grant(None, **changes)

    assert response.status == 401
    assert response.json()["error"] == error
    assert response.json()["error_description"]


async def test_identity_by_post_with_query_or_form(connect: Connect) -> None:
    api = await connect()
    user = api.sandbox.user
    credentials = {
        "grant_type": "client_credentials",
        "client_id": user.client_id,
        "client_secret": user.client_secret,
    }
    by_query = await api.raw("POST", "/identity/oauth/token", params=credentials)
    by_form = await api.raw("POST", "/identity/oauth/token", data=credentials)

    assert by_query.json()["access_token"] == by_form.json()["access_token"] == api.token
    assert by_query.headers["Cache-Control"] == "no-store"


async def test_identity_is_not_an_api_call(connect: Connect) -> None:
    api = await connect()
    await api.grant()

    assert api.sandbox.stats.calls == 0
    assert api.sandbox.stats.identity_calls == 2
    assert api.sandbox.stats.counted_today == 0


async def test_permissions_are_the_users(connect: Connect) -> None:
    api = await connect(permissions=frozenset({READ_LEAD}))
    sync = {"input": [{"email": "new@example.com"}]}
    assert (await api.get(LEAD))["success"]
    assert code(await api.post("/rest/v1/leads.json", sync)) == "603"
    assert code(await api.get("/rest/v1/activities/types.json")) == "603"
    assert (await api.get("/rest/v1/stats/usage.json"))["success"]

    await api.authorize(api.sandbox.add_user("writer@sandbox.example", frozenset({WRITE_LEAD})))
    assert (await api.post("/rest/v1/leads.json", sync))["result"][0]["status"] == "created"


async def test_users_have_tokens_of_their_own(connect: Connect) -> None:
    api = await connect()
    other = api.sandbox.add_user("other@sandbox.example")
    first = api.token

    assert await api.authorize(other) != first
    assert other.client_secret not in repr(other)
    assert (await api.get(LEAD))["success"]
