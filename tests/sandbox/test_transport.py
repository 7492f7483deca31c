import gzip
import io

import aiohttp
import pytest
from yarl import URL

from marketo_async.sandbox import Quirks

from .api import Api, Connect, code

LEADS = "/rest/v1/leads.json"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def test_request_ids_are_unique_and_hold_the_milliseconds(connect: Connect) -> None:
    api = await connect()
    seen = [(await api.get("/rest/v1/lead/1.json"))["requestId"] for _ in range(3)]

    assert len(set(seen)) == 3
    for request_id in seen:
        left, right = request_id.split("#")
        assert int(left, 16) > 0
        assert abs(int(right, 16) / 1000 - api.sandbox.clock.time()) < 60


async def test_content_type_and_no_invented_headers(api: Api) -> None:
    response = await api.raw("GET", "/rest/v1/lead/1.json")

    assert response.headers["Content-Type"] == "application/json;charset=UTF-8"
    invented = ["ETag", "Retry-After", "Link", "X-RateLimit-Remaining", "X-RateLimit-Limit"]
    assert not [name for name in invented if name in response.headers]


async def test_gzip_only_when_asked_for_and_long_enough(api: Api) -> None:
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        packing = Api(api.sandbox, session)
        packing.token = api.token
        long = await packing.raw("GET", "/rest/v1/list/1001/leads.json", headers={"Accept-Encoding": "gzip"})
        short = await packing.raw("GET", "/rest/v1/lead/1.json", headers={"Accept-Encoding": "gzip"})
        plain = await packing.raw("GET", "/rest/v1/list/1001/leads.json", headers={"Accept-Encoding": "identity"})

    assert long.headers["Content-Encoding"] == "gzip"
    assert b'"success":true' in gzip.decompress(long.content)
    assert "Content-Encoding" not in short.headers
    assert "Content-Encoding" not in plain.headers
    assert len(plain.content) >= 1024


@pytest.mark.parametrize(("length", "status"), [(8_192, 200), (8_193, 414)])
async def test_the_whole_target_counts_for_414(api: Api, length: int, status: int) -> None:
    path = "/rest/v1/lead/1.json?fields=email&x="
    response = await api.raw("GET", path + "a" * (length - len(path)))

    assert response.status == status


async def test_asset_targets_may_be_longer(api: Api) -> None:
    path = "/rest/asset/v1/staticLists.json?x="

    assert (await api.raw("GET", path + "a" * 20_000)).status == 200
    assert (await api.raw("GET", path + "a" * 66_560)).status == 414


@pytest.mark.parametrize(("length", "status"), [(1_048_576, 200), (1_048_577, 413), (70_000_000, 413)])
async def test_bodies_beyond_a_megabyte_are_413(api: Api, length: int, status: int) -> None:
    body = b'{"input":[{"email":"a@example.com"}]}'
    response = await api.raw(
        "POST", LEADS, data=io.BytesIO(body.ljust(length)), headers={"Content-Type": "application/json"}
    )

    assert response.status == status
    assert api.sandbox.stats.counted_today == (status == 200)


@pytest.mark.parametrize("where", ["query", "form"])
async def test_a_post_may_stand_for_a_get(api: Api, where: str) -> None:
    form = {"filterType": "id", "filterValues": "1,2"}
    response = await api.raw(
        "POST",
        LEADS,
        params={"_method": "GET"} if where == "query" else {},
        data=form if where == "query" else {**form, "_method": "GET"},
    )

    assert [row["id"] for row in response.json()["result"]] == [1, 2]


async def test_method_in_the_form_can_be_switched_off(connect: Connect) -> None:
    api = await connect(quirks=Quirks(form_method=False))
    response = await api.raw("POST", LEADS, data={"_method": "GET", "filterType": "id", "filterValues": "1"})

    assert code(response.json()) == "612"


async def test_other_overrides_are_not_supported(api: Api) -> None:
    assert code(await api.post(LEADS, _method="PUT")) == "605"
    assert code(await api.post(f"{LEADS[:-5]}/push.json", _method="DELETE")) == "605"


@pytest.mark.parametrize(("method", "override"), [("DELETE", {}), ("POST", {"_method": "DELETE"})])
async def test_leads_are_deleted_by_the_method_too(api: Api, method: str, override: dict[str, str]) -> None:
    """As recorded from an instance, and as published clients send it."""
    response = await api.raw(method, LEADS, params=override, json={"input": [{"id": 2}]})

    assert response.json()["result"] == [{"id": 2, "status": "deleted"}]
    assert (await api.get("/rest/v1/lead/2.json"))["result"] == []


async def test_an_override_may_name_the_method_that_the_call_has(api: Api) -> None:
    answer = await api.post("/rest/v1/leads/delete.json", {"input": [{"id": 3}]}, _method="POST")

    assert answer["result"] == [{"id": 3, "status": "deleted"}]


@pytest.mark.parametrize("path", ["/rest/../rest/v1/lead/1.json", "/rest/v1/./lead/1.json", "/../rest/v1/lead/1.json"])
async def test_dot_segments_are_resolved(api: Api, path: str) -> None:
    # The URL is sent as it stands: the HTTP client would resolve it.
    url = URL(api.sandbox.base_url + path, encoded=True)
    async with api.session.get(url, headers={"Authorization": f"Bearer {api.token}"}) as response:
        assert [row["id"] for row in (await response.json())["result"]] == [1]


async def test_an_override_takes_parameters_from_query_and_form_together(api: Api) -> None:
    response = await api.raw("POST", LEADS, params={"_method": "GET", "filterType": "id"}, data={"filterValues": "3"})

    assert [row["id"] for row in response.json()["result"]] == [3]


async def test_json_in_an_override_only_where_the_operation_has_a_body(api: Api) -> None:
    members = await api.post("/rest/v1/lists/1001/leads/ismember.json", {"input": [{"id": 1}]}, _method="GET")
    assert members["result"] == [{"id": 1, "status": "memberof"}]

    assert code(await api.post(LEADS, {"filterType": "id"}, _method="GET", filterType="id", filterValues=1)) == "612"


async def test_assets_ignore_the_override(api: Api) -> None:
    response = await api.raw("POST", "/rest/asset/v1/smartLists.json", params={"_method": "GET"}, data={"offset": 0})

    assert code(response.json()) == "605"


async def test_lists_come_with_commas_and_as_repeats(api: Api) -> None:
    commas = await api.get(LEADS, filterType="id", filterValues="1,2,3", fields="email,title")
    repeats = await api.get(LEADS, filterType="id", filterValues=[1, 2, 3], fields=["email", "title"])
    both = await api.get(LEADS, filterType="id", filterValues=["1,2", 3], fields=["email,title"])

    assert commas["result"] == repeats["result"] == both["result"]
    assert len(commas["result"]) == 3


@pytest.mark.parametrize("path", ["//rest/v1/lead/1.json", "/rest//v1/lead/1.json"])
async def test_doubled_slashes(connect: Connect, path: str) -> None:
    strict = await connect()
    lenient = await connect(quirks=Quirks(double_slash_rejected=False))

    assert code(await strict.get(path)) == "610"
    assert (await lenient.get(path))["success"]


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/rest/v1/nothing.json", "610"),
        ("GET", "/rest/v1/lead/abc.json", "610"),
        ("GET", "/rest/v1/lead/1", "610"),
        ("GET", "/rest/bulk/v1/leads/export.json", "610"),
        ("GET", "/rest/identity/oauth/token", "610"),
        ("POST", "/rest/v1/lead/1.json", "605"),
        ("PUT", "/rest/v1/leads.json", "605"),
        ("DELETE", "/rest/v1/lists.json", "605"),
        ("PATCH", "/rest/v1/lists/1001/leads.json", "605"),
    ],
)
async def test_paths_and_methods_that_do_not_exist(api: Api, method: str, path: str, expected: str) -> None:
    response = await api.raw(method, path)

    assert response.status == 200
    assert code(response.json()) == expected


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (b'{"input":[{"email":"a@example.com"}]}', "text/plain", "612"),
        (b'{"input":[{"email":"a@example.com"}]}', "application/x-www-form-urlencoded", "612"),
        (b"", "application/octet-stream", "612"),
        (b'{"input":[', "application/json", "609"),
        (b"[1]", "application/json", "609"),
        (b'{"input":"\xff"}', "application/json", "609"),
        (b"", "application/json", "609"),
        (b"{}", "application/json", "1002"),
        (b'{"input":[]}', "application/json;charset=utf-8", "1002"),
        (b'{"input":{"email":"a@example.com"}}', "application/json", "1001"),
        (b'{"input":["a@example.com"]}', "application/json", "1001"),
    ],
)
async def test_bodies_that_cannot_be_read(api: Api, body: bytes, content_type: str, expected: str) -> None:
    response = await api.raw("POST", LEADS, data=body, headers={"Content-Type": content_type})

    assert code(response.json()) == expected


async def test_operations_without_a_body_do_not_mind_one(api: Api) -> None:
    response = await api.raw("GET", "/rest/v1/lead/1.json", data=b"whatever", headers=FORM)

    assert response.json()["success"]


async def test_members_that_nobody_documented(connect: Connect) -> None:
    api = await connect(quirks=Quirks(unknown_members=True))
    answer = await api.get(LEADS, filterType="id", filterValues="1,2")

    assert answer["success"] is True
    assert answer["addedLater"]
    assert answer["result"][0]["addedLater"]


async def test_members_in_any_order(connect: Connect) -> None:
    api = await connect(quirks=Quirks(shuffled_members=True))
    answers = [
        await api.get("/rest/v1/activities.json", activityTypeIds=1, nextPageToken=await api.since()) for _ in range(6)
    ]

    assert len({tuple(answer) for answer in answers}) > 1
    assert len({tuple(answer["result"][0]) for answer in answers}) > 1
    assert answers[0]["result"] == answers[1]["result"]


async def test_errors_have_the_shape_of_their_family(api: Api) -> None:
    lead = await api.get("/rest/v1/nothing.json")
    asset = await api.get("/rest/asset/v1/nothing.json")

    assert set(lead) == {"requestId", "success", "errors"}
    assert set(asset) == {"requestId", "success", "errors", "warnings"}
    assert isinstance(lead["errors"][0]["code"], str)
