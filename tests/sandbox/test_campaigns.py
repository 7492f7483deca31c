from typing import Any

import pytest

from marketo_async.sandbox import SandboxClock
from marketo_async.sandbox.clock import iso

from .api import Api, Body, Connect, code

PATH = "/rest/v1/campaigns"
NOW = 1_767_225_600.0
DAY = 86_400.0


@pytest.fixture
def clock() -> SandboxClock:
    return SandboxClock(speed=0, start=NOW)


@pytest.fixture
async def api(connect: Connect, clock: SandboxClock) -> Api:
    return await connect(leads=150, activities=0, clock=clock)


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({}, [4001, 4002, 4003]),
        ({"id": "4003,4001"}, [4001, 4003]),
        ({"name": "Newsletter"}, [4001]),
        ({"programName": "Welcome Nurture"}, [4002]),
        ({"workspaceName": "Default", "isTriggerable": "true"}, [4002]),
        ({"isTriggerable": "false"}, [4001, 4003]),
        ({"name": "Nothing"}, []),
    ],
)
async def test_finding(api: Api, params: dict[str, str], found: list[int]) -> None:
    assert [row["id"] for row in (await api.get(f"{PATH}.json", **params))["result"]] == found


async def test_pages_and_rows(api: Api) -> None:
    first = await api.get(f"{PATH}.json", batchSize=2)
    rows = await api.drain(f"{PATH}.json", batchSize=2)

    assert "moreResult" not in first
    assert [row["type"] for row in rows] == ["batch", "trigger", "trigger"]
    assert (rows[1]["programId"], rows[1]["programName"], rows[1]["active"]) == (2002, "Welcome Nurture", True)
    assert "programId" not in rows[0]
    assert (await api.get(f"{PATH}/4002.json"))["result"] == [rows[1]]
    assert code(await api.get(f"{PATH}/9.json")) == "1013"


async def trigger(api: Api, *leads: object, campaign: int = 4002, **members: Any) -> Body:
    return await api.post(f"{PATH}/{campaign}/trigger.json", {"input": {"leads": leads, **members}})


async def test_triggering(api: Api) -> None:
    token = await api.since()
    answer = await trigger(api, {"id": 1}, 2, tokens=[{"name": "{{my.subject}}", "value": "Hello"}])

    assert answer["result"] == [{"id": 4002}]
    [run] = api.sandbox.instance.campaign_runs.runs
    assert (run.lead_ids, run.tokens) == ((1, 2), {"{{my.subject}}": "Hello"})
    rows = await api.drain("/rest/v1/activities.json", activityTypeIds=47, nextPageToken=token)
    assert [(row["leadId"], row["campaignId"]) for row in rows] == [(1, 4002), (2, 4002)]
    membership = await api.get("/rest/v1/leads/1/smartCampaignMembership.json")
    assert 4002 in [row["smartCampaignId"] for row in membership["result"]]


@pytest.mark.parametrize(
    ("campaign", "leads", "tokens", "expected"),
    [
        (9, [{"id": 1}], [], "1013"),
        (4001, [{"id": 1}], [], "1003"),
        (4003, [{"id": 1}], [], "1003"),
        (4002, [{"id": number} for number in range(1, 102)], [], "1003"),
        (4002, [], [], "1003"),
        (4002, [{"id": 1}, {"id": 999}], [], "1004"),
        (4002, [{}], [], "1001"),
        (4002, [{"id": 1}], [{"name": f"{{{{my.t{number}}}}}", "value": "x"} for number in range(101)], "1003"),
        (4002, [{"id": 1}], [{"name": "subject", "value": "x"}], "1003"),
        (4002, [{"id": 1}], [{"name": "{{my.subject}}"}], "1001"),
    ],
)
async def test_what_cannot_be_triggered(
    api: Api, campaign: int, leads: list[Body], tokens: list[Body], expected: str
) -> None:
    assert code(await trigger(api, *leads, campaign=campaign, tokens=tokens)) == expected
    assert api.sandbox.instance.campaign_runs.runs == []


async def test_leads_are_a_list(api: Api) -> None:
    assert code(await api.post(f"{PATH}/4002/trigger.json", {"input": {"leads": 1}})) == "1001"
    assert code(await api.post(f"{PATH}/4002/trigger.json", {})) == "1002"


async def test_reading_is_not_executing(api: Api) -> None:
    await api.authorize(api.sandbox.add_user("reader", frozenset({"Read-Write Campaign"})))

    assert (await api.get(f"{PATH}.json"))["success"]
    assert code(await trigger(api, {"id": 1})) == "603"


async def schedule(api: Api, **data: Any) -> Body:
    return await api.post(f"{PATH}/4001/schedule.json", {"input": data})


async def test_scheduling(api: Api) -> None:
    assert (await api.post(f"{PATH}/4001/schedule.json"))["result"] == [{"id": 4001}]
    assert (await schedule(api, runAt="2026-03-28T18:05:00+0000", tokens=[{"name": "{{my.x}}", "value": "y"}]))[
        "success"
    ]

    first, second = api.sandbox.instance.campaign_runs.runs
    assert first.run_at == NOW + 300
    assert (iso(second.run_at), second.tokens) == ("2026-03-28T18:05:00Z", {"{{my.x}}": "y"})


@pytest.mark.parametrize(
    ("campaign", "data", "expected"),
    [
        (9, {}, "1013"),
        (4002, {}, "1003"),
        (4001, {"runAt": iso(NOW + 200)}, "1003"),
        (4001, {"runAt": iso(NOW + 3 * 366 * DAY)}, "1042"),
        (4001, {"runAt": "tomorrow"}, "1001"),
        (4001, {"cloneToProgramName": "Copy"}, "1003"),
        (4001, {"tokens": [{"name": "x", "value": "y"}]}, "1003"),
    ],
)
async def test_what_cannot_be_scheduled(api: Api, campaign: int, data: Body, expected: str) -> None:
    assert code(await api.post(f"{PATH}/{campaign}/schedule.json", {"input": data})) == expected


class TestClones:
    @pytest.fixture(autouse=True)
    async def in_a_program(self, api: Api) -> None:
        api.sandbox.instance.campaigns[4001].folder = (2001, "Program")
        for static_list in api.sandbox.instance.lists:
            static_list.folder = (20, "Folder")

    @pytest.mark.parametrize("member", ["cloneToProgramName", "cloneToProgram"])
    async def test_the_clone_is_what_runs(self, api: Api, member: str) -> None:
        [row] = (await schedule(api, **{member: "Autumn Webinar"}))["result"]
        [clone] = (await api.get(f"{PATH}.json", programName="Autumn Webinar"))["result"]

        assert clone["id"] == row["id"] != 4001
        assert clone["name"] == "Newsletter"
        assert [run.campaign_id for run in api.sandbox.instance.campaign_runs.runs] == [row["id"]]
        assert code(await schedule(api, cloneToProgramName="Autumn Webinar")) == "709"

    async def test_twenty_a_day(self, api: Api, clock: SandboxClock) -> None:
        for number in range(20):
            assert (await schedule(api, cloneToProgramName=f"Copy {number}"))["success"]

        assert code(await schedule(api, cloneToProgramName="One more")) == "1020"
        clock.advance(DAY)
        await api.authorize()
        assert (await schedule(api, cloneToProgramName="One more"))["success"]

    async def test_some_assets_prevent_it(self, api: Api) -> None:
        next(iter(api.sandbox.instance.lists)).folder = (2001, "Program")

        assert code(await schedule(api, cloneToProgramName="Copy")) == "709"
