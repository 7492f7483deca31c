import asyncio

import aiohttp
import pytest

from marketo_async.sandbox import Fault, InstanceLimits, SandboxClock

from .api import Api, Connect, code

LEAD = "/rest/v1/lead/1.json"
LEADS = "/rest/v1/leads.json"


async def exists(api: Api, email: str) -> bool:
    found = await api.get(LEADS, filterType="email", filterValues=email)
    return bool(found["result"])


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", ["502", "604", "611", "reset", "truncate", "bad_json", "html", "empty", "http_500"])
async def test_a_write_has_happened_exactly_when_the_fault_strikes_after(
    connect: Connect, kind: str, when: str
) -> None:
    api = await connect()
    api.sandbox.faults.append(Fault(kind, times=1, method="post", when="after" if when == "after" else "before"))
    try:
        await api.raw("POST", LEADS, json={"input": [{"email": "unknown@example.com"}]})
    except aiohttp.ClientError:
        assert kind in ("reset", "truncate")

    assert await exists(api, "unknown@example.com") is (when == "after")
    assert api.sandbox.stats.faults_injected == {kind: 1}


@pytest.mark.parametrize("kind", ["606", "608", "611", "713", "9999"])
async def test_codes_are_envelopes(connect: Connect, kind: str) -> None:
    api = await connect(faults=[Fault(kind, times=1)])
    response = await api.raw("GET", LEAD)

    assert response.status == 200
    assert code(response.json()) == kind
    assert (await api.get(LEAD))["success"]
    assert api.sandbox.stats.refused == {}


async def test_a_reset_comes_before_any_byte(connect: Connect) -> None:
    api = await connect(faults=[Fault("reset", times=1)])
    with pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
        # Not a GET: aiohttp repeats those by itself when a connection that it had kept open breaks.
        await api.raw("POST", LEADS, json={"input": [{"email": "new@example.com"}]})
    assert api.sandbox.stats.in_flight == 0


async def test_a_truncated_body_breaks_its_promise(connect: Connect) -> None:
    api = await connect(faults=[Fault("truncate", times=1)])
    with pytest.raises(aiohttp.ClientPayloadError):
        await api.raw("GET", LEAD)


async def test_bad_json_has_its_full_length(connect: Connect) -> None:
    api = await connect(faults=[Fault("bad_json")])
    response = await api.raw("GET", LEAD)

    assert response.status == 200
    assert int(response.headers["Content-Length"]) == len(response.content)
    with pytest.raises(ValueError, match="truncated"):
        response.json()


@pytest.mark.parametrize(
    ("kind", "status", "content_type"),
    [
        ("html", 502, "text/html;charset=UTF-8"),
        ("html200", 200, "text/html;charset=UTF-8"),
        ("empty", 200, "application/json;charset=UTF-8"),
        ("http_500", 500, "text/plain;charset=UTF-8"),
        ("http_503", 503, "text/plain;charset=UTF-8"),
    ],
)
async def test_answers_that_are_no_envelopes(connect: Connect, kind: str, status: int, content_type: str) -> None:
    api = await connect(faults=[Fault(kind)])
    response = await api.raw("GET", LEAD)

    assert response.status == status
    assert response.headers["Content-Type"] == content_type
    assert bool(response.content) is (kind != "empty")


async def test_a_body_that_is_not_utf8(connect: Connect) -> None:
    api = await connect(faults=[Fault("non_utf8", when="after")])
    response = await api.raw("GET", LEAD)

    with pytest.raises(UnicodeDecodeError):
        response.content.decode()


async def test_a_redirect_leads_elsewhere_on_the_same_machine(connect: Connect) -> None:
    api = await connect(faults=[Fault("redirect", times=1)])
    response = await api.raw("GET", LEAD)

    assert response.status == 302
    assert response.headers["Location"] == f"{api.sandbox.base_url}/moved{LEAD}"
    assert code(await api.get(f"/moved{LEAD}")) == "610"


async def test_answers_with_a_part_missing(connect: Connect) -> None:
    api = await connect(faults=[Fault("no_result", times=1), Fault("null_request_id", times=1)])

    without_result = await api.get(LEAD)
    without_request_id = await api.get(LEAD)

    assert without_result["success"]
    assert "result" not in without_result
    assert without_request_id["requestId"] is None
    assert without_request_id["result"]


async def test_numeric_strings(connect: Connect) -> None:
    api = await connect(faults=[Fault("numeric_strings")])
    token = await api.since()
    [row, *_] = (await api.get("/rest/v1/activities.json", nextPageToken=token, activityTypeIds="1"))["result"]

    assert isinstance(row["id"], str)
    assert isinstance(row["leadId"], str)
    assert isinstance(row["activityTypeId"], str)
    assert row["marketoGUID"]


async def test_slow_answers_keep_their_slot(connect: Connect) -> None:
    api = await connect(faults=[Fault("slow", seconds=0.05)])
    loop = asyncio.get_running_loop()
    start = loop.time()
    answer = await api.get(LEAD)

    assert answer["success"]
    assert loop.time() - start >= 0.05


@pytest.mark.parametrize(
    ("fault", "struck"),
    [
        (Fault("713", path="/rest/v1/lead/"), True),
        (Fault("713", path="/rest/v1/leads"), False),
        (Fault("713", path="*/lead/?.json"), True),
        (Fault("713", path="/rest/asset/*"), False),
        (Fault("713", method="GET"), True),
        (Fault("713", method="POST"), False),
        (Fault("713", probability=1.0), True),
        (Fault("713", probability=0.0), False),
        (Fault("713", times=0), False),
    ],
)
async def test_which_calls_match(connect: Connect, fault: Fault, struck: bool) -> None:  # noqa: FBT001 - a case
    api = await connect(faults=[fault])

    assert (await api.get(LEAD))["success"] is not struck


async def test_probability_repeats_with_the_seed(connect: Connect) -> None:
    async def pattern(seed: int) -> list[bool]:
        api = await connect(seed=seed, faults=[Fault("713", probability=0.5)])
        return [(await api.get(LEAD))["success"] for _ in range(30)]

    first = await pattern(1)
    assert first == await pattern(1)
    assert first != await pattern(2)
    assert 5 < sum(first) < 25


async def test_equal_faults_each_strike_their_times(connect: Connect) -> None:
    api = await connect(faults=[Fault("713", times=1), Fault("713", times=1)])

    assert [(await api.get(LEAD))["success"] for _ in range(3)] == [False, False, True]


async def test_identity_is_spared_unless_named(connect: Connect) -> None:
    api = await connect(faults=[Fault("html")])
    assert (await api.grant()).status == 200

    api.sandbox.faults[:] = [Fault("http_503", times=1, path="/identity/")]
    assert (await api.grant()).status == 503
    api.sandbox.faults[:] = [Fault("611", times=1, path="/identity/")]
    assert code((await api.grant()).json()) == "611"
    api.sandbox.faults[:] = [Fault("empty", times=1, path="/identity/", when="after")]
    assert (await api.grant()).content == b""
    assert (await api.grant()).status == 200
    assert api.sandbox.stats.errors == {"611": 1}


async def test_a_refused_call_uses_up_no_fault(connect: Connect) -> None:
    clock = SandboxClock(speed=0)
    api = await connect(
        clock=clock,
        limits=InstanceLimits(calls=1, refusals_count=False),
        faults=[Fault("713", times=1, path="*/2.json")],
    )
    await api.get(LEAD)
    assert code(await api.get("/rest/v1/lead/2.json")) == "606"
    clock.advance(20)
    assert code(await api.get("/rest/v1/lead/2.json")) == "713"


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "explode"},
        {"kind": "611", "probability": 2.0},
        {"kind": "611", "when": "during"},
    ],
)
def test_faults_that_make_no_sense(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"kind of fault|probability is|when is"):
        Fault(**wrong)  # type: ignore[arg-type]
