"""Data ingestion: accepted now, applied by the sandbox's clock a moment later."""

from io import BytesIO
from typing import Any

import pytest

from marketo_async.sandbox import Fault, InstanceLimits, Sandbox, SandboxClock
from marketo_async.sandbox.records.custom_objects import TypeField, TypeVersion

from .api import Api, Body, Connect, Response


class Ingestion:
    def __init__(self, api: Api) -> None:
        self.api = api
        self.token: str | None = api.token

    async def raw(self, path: str, json: object = None, *, method: str = "POST", **content: Any) -> Response:
        if json is not None:
            content["json"] = json
        headers = {**({"X-Mkto-User-Token": self.token} if self.token else {}), **content.pop("headers", {})}
        url = f"{self.api.sandbox.ingestion_url}{path}"
        async with self.api.session.request(method, url, headers=headers, allow_redirects=False, **content) as response:
            return Response(response.status, response.headers, await response.read())

    async def send(self, path: str, json: object = None, **content: Any) -> Response:
        return await self.raw(f"/subscriptions/{self.api.sandbox.munchkin_id}/{path}", json, **content)

    async def accepted(self, path: str, **body: Any) -> None:
        response = await self.send(path, body)
        assert (response.status, response.content) == (202, b"")
        assert response.headers["X-Request-Id"]

    async def settled(self, path: str, **body: Any) -> None:
        await self.accepted(path, **body)
        self.api.sandbox.clock.advance(1)

    async def refused(self, path: str, json: object = None, **content: Any) -> tuple[int, str]:
        return refusal(await self.send(path, json, **content))

    async def leads(self, field: str, value: object, fields: str = "id") -> list[Body]:
        path = "/rest/v1/leads.json"
        return list((await self.api.get(path, filterType=field, filterValues=str(value), fields=fields))["result"])


def refusal(response: Response) -> tuple[int, str]:
    body = response.json()
    assert set(body) == {"error_code", "message"}
    assert body["message"]
    assert response.headers["X-Request-Id"]
    return response.status, body["error_code"]


@pytest.fixture
async def ingestion(connect: Connect) -> Ingestion:
    clock = SandboxClock(speed=0, start=1_900_000_000)
    return Ingestion(await connect(clock=clock, leads=10, activities=0, lists={7: [1, 2]}))


async def test_persons_are_created_and_updated_a_moment_later(ingestion: Ingestion) -> None:
    persons = [
        {"EMAIL": "lead1@example.com", "firstname": "Changed", "company": "Acme"},
        {"email": "new@example.com", "firstName": "New"},
    ]
    await ingestion.accepted("persons", persons=persons, priority="high", partitionName="EMEA")
    assert await ingestion.leads("email", "new@example.com") == []

    ingestion.api.sandbox.clock.advance(1)

    [created] = await ingestion.leads("email", "new@example.com", "firstName,leadPartitionId")
    assert (created["firstName"], created["leadPartitionId"]) == ("New", 2)
    [updated] = await ingestion.leads("email", "lead1@example.com", "firstName,company")
    assert updated == {"id": 1, "firstName": "Changed", "company": "Acme"}


async def test_two_dedupe_fields_hold_together(ingestion: Ingestion) -> None:
    fields = {"field1": "email", "field2": "FirstName"}
    for name in ("Other", "Other"):
        person = {"email": "lead1@example.com", "firstName": name, "title": "Twin"}
        await ingestion.settled("persons", dedupeFields=fields, persons=[person])

    assert len(await ingestion.leads("email", "lead1@example.com")) == 2
    # By the address alone it is not clear any more which of the two is meant.
    await ingestion.settled("persons", persons=[{"email": "lead1@example.com", "title": "Changed"}])
    rows = await ingestion.leads("email", "lead1@example.com", "title")
    assert "Changed" not in [row["title"] for row in rows]


async def test_persons_that_cannot_be_written_are_left_out(ingestion: Ingestion) -> None:
    by_id = {"field1": "id"}
    await ingestion.settled(
        "persons",
        dedupeFields=by_id,
        persons=[
            {"id": 2, "title": "Second"},
            {"id": 999, "title": "x"},
            {"id": "x"},
            {"title": "x"},
            {"id": 3, "x": 1},
        ],
    )
    await ingestion.settled("persons", dedupeFields={"field1": "colour"}, persons=[{"colour": "red"}])
    await ingestion.settled("persons", partitionName="Nowhere", persons=[{"email": "nobody@example.com"}])

    assert (await ingestion.leads("id", 2, "title"))[0]["title"] == "Second"
    assert len(ingestion.api.sandbox.instance.leads) == 10
    assert len(ingestion.api.sandbox.instance.inbox) == 0


@pytest.mark.parametrize("name", ["input", "companies"])
async def test_companies(ingestion: Ingestion, name: str) -> None:
    companies = [{"externalCompanyId": "c-9", "company": "Nine"}, {"ExternalCompanyId": "company-1", "site": "HQ"}]
    await ingestion.settled("companies", **{name: companies})
    await ingestion.settled("companies", action="updateOnly", dedupeBy="IDFIELD", input=[{"id": 2, "industry": "Toys"}])

    params = {"filterType": "externalCompanyId", "filterValues": "c-9,company-1,company-2"}
    rows = (await ingestion.api.get("/rest/v1/companies.json", **params, fields="company,site,industry"))["result"]
    assert [(row["company"], row["site"], row["industry"]) for row in rows] == [
        ("Northwind", "HQ", None),
        ("Contoso", None, "Toys"),
        ("Nine", None, None),
    ]


def a_car(ingestion: Ingestion) -> None:
    kind = ingestion.api.sandbox.instance.objects.custom.add("car", TypeVersion("Car", "Cars"), 0.0)
    assert kind.draft is not None
    kind.draft.put(TypeField("vin", "VIN", "string", is_dedupe_field=True))
    kind.draft.put(TypeField("email", "Owner", "link", related_to=("Lead", "email")))
    kind.draft.put(TypeField("driver", "Driver", "link", related_to=("Lead", "id")))
    kind.draft.put(TypeField("make", "Make", "string"))
    kind.approve(0.0)


async def cars(ingestion: Ingestion) -> list[tuple[object, object]]:
    path = "/rest/v1/customobjects/car.json"
    answer = await ingestion.api.get(path, filterType="vin", filterValues="1,2,3", fields="vin,make")
    return [(row["vin"], row["make"]) for row in answer["result"]]


async def test_custom_objects_wait_for_their_person(ingestion: Ingestion) -> None:
    a_car(ingestion)
    await ingestion.settled(
        "customobjects/car",
        customObjects=[
            {"VIN": "1", "make": "BMW", "email": "lead1@example.com"},
            {"vin": "3", "email": "lead1@example.com", "driver": "x"},
            {"vin": "2", "make": "VW", "email": "late@example.com"},
        ],
    )
    assert await cars(ingestion) == [("1", "BMW")]

    await ingestion.settled("persons", persons=[{"email": "late@example.com"}])
    assert await cars(ingestion) == [("1", "BMW")]
    ingestion.api.sandbox.clock.advance(300)
    assert await cars(ingestion) == [("1", "BMW"), ("2", "VW")]


async def test_waiting_for_a_person_has_an_end(ingestion: Ingestion) -> None:
    a_car(ingestion)
    await ingestion.settled("customobjects/car", customObjects=[{"vin": "2", "email": "never@example.com"}])

    for minutes in (0, 5, 15, 20, 20):
        assert len(ingestion.api.sandbox.instance.inbox) == 1
        ingestion.api.sandbox.clock.advance(60 * minutes)
        await ingestion.api.authorize()
        await cars(ingestion)

    assert len(ingestion.api.sandbox.instance.inbox) == 0


async def test_custom_objects_by_guid(ingestion: Ingestion) -> None:
    a_car(ingestion)
    await ingestion.settled("customobjects/car", customObjects=[{"vin": "1", "make": "BMW"}])
    assert await cars(ingestion) == [("1", "BMW")]
    guid = ingestion.api.sandbox.instance.objects.custom.records("car").get(1)["marketoGUID"]

    objects = [{"marketoGUID": guid, "make": "VW"}]
    await ingestion.settled("customobjects/car", dedupeBy="marketoGUID", customObjects=objects)
    await ingestion.settled("customobjects/unknown", customObjects=objects)

    assert await cars(ingestion) == [("1", "VW")]


async def test_program_members(ingestion: Ingestion) -> None:
    program = ingestion.api.sandbox.instance.programs[2002]
    await ingestion.settled(
        "programmembers",
        programs=[
            {"programId": 2002, "status": "engaged", "members": [{"leadId": 1}, {"leadId": 2}, {"leadId": 999}]},
            {"programId": 2002, "statusName": "Member", "input": [{"leadId": 1}, {"leadId": 3}]},
            {"programId": 2002, "status": "Member", "members": [{"leadId": 3, "WebinarURL": "https://x.example"}]},
            {"programId": 2002, "status": "Member", "members": [{"leadId": 5, "colour": "red"}]},
            {"programId": 2002, "status": "Member", "members": [{"leadId": 3, "createdAt": "2020-01-01T00:00:00Z"}]},
            {"programId": 2002, "status": "Unknown", "members": [{"leadId": 4}]},
            {"programId": 9, "status": "Member", "members": [{"leadId": 4}]},
        ],
    )
    await ingestion.api.get("/rest/v1/lists.json")
    assert {lead_id: member.status for lead_id, member in program.members.items()} == {
        1: "Engaged",
        2: "Engaged",
        3: "Member",
    }
    assert program.members[3].values == {"webinarUrl": "https://x.example"}

    programs = [{"programId": 2002, "members": [{"leadId": 1}, {"leadId": 8}]}, {"programId": 9, "members": []}]
    await ingestion.settled("programmembers/delete", programs=programs)
    await ingestion.api.get("/rest/v1/lists.json")
    assert set(program.members) == {2, 3}


async def test_lists(ingestion: Ingestion) -> None:
    await ingestion.settled("lists", listId=7, input=[{"leadId": 3}, {"leadId": 999}])
    await ingestion.settled("lists", listId=7, leads=[{"id": 4}])
    await ingestion.settled("lists/remove", listId=7, input=[{"leadId": 1}])
    await ingestion.settled("lists/remove", listId=99, input=[{"leadId": 2}])

    rows = await ingestion.api.drain("/rest/v1/lists/7/leads.json")
    assert [row["id"] for row in rows] == [2, 3, 4]


MEMBERS = [{"leadId": 1}]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("persons", {}),
        ("persons", {"persons": []}),
        ("persons", {"persons": ["x"]}),
        ("persons", {"persons": [{}] * 1001}),
        ("persons", {"persons": [{}], "priority": "low"}),
        ("persons", {"persons": [{}], "dedupeFields": {}}),
        ("persons", {"persons": [{}], "dedupeFields": {"field1": "email", "field3": "x"}}),
        ("persons", {"persons": [{}], "dedupeFields": "email"}),
        ("customobjects/car", {"customObjects": [{}], "dedupeBy": "idField"}),
        ("customobjects/car", {"customObjects": [{}], "priority": "urgent"}),
        ("companies", {"input": [{"company": "x"}]}),
        ("companies", {"input": [{"externalCompanyId": "x", "id": 5}]}),
        ("companies", {"input": [{"id": 5}], "dedupeBy": "idField"}),
        ("companies", {"input": [{"id": 5, "externalCompanyId": "x"}], "dedupeBy": "idField", "action": "updateOnly"}),
        ("companies", {"input": [{"externalCompanyId": "x"}], "dedupeBy": "name"}),
        ("companies", {"input": [{"externalCompanyId": "x"}], "action": "CREATEONLY"}),
        ("programmembers", {"programs": [{"programId": 0, "status": "Member", "members": MEMBERS}]}),
        ("programmembers", {"programs": [{"programId": 2002, "status": " ", "members": MEMBERS}]}),
        ("programmembers", {"programs": [{"programId": 2002, "status": "NOT in Program", "members": MEMBERS}]}),
        ("programmembers", {"programs": [{"programId": 2002, "members": MEMBERS}]}),
        ("programmembers", {"programs": [{"programId": 2002, "status": "Member", "members": [{}]}]}),
        ("programmembers", {"programs": [{"programId": 2002, "status": "Member", "members": MEMBERS * 501}] * 2}),
        ("programmembers/delete", {"programs": [{"programId": 2002}]}),
        ("lists", {"listId": -7, "input": MEMBERS}),
        ("lists", {"input": MEMBERS}),
        ("lists/remove", {"listId": 7, "input": MEMBERS * 1001}),
    ],
)
async def test_invalid_data(ingestion: Ingestion, path: str, body: Body) -> None:
    assert await ingestion.refused(path, body) == (400, "4000802")
    assert len(ingestion.api.sandbox.instance.inbox) == 0


async def test_bad_requests(ingestion: Ingestion) -> None:
    body = {"persons": [{"email": "x@example.com"}]}

    assert await ingestion.refused("persons", data=b"{}") == (400, "4000801")
    for content in (b"{", b"[" + b" " * 1_100_000 + b"]"):
        headers = {"Content-Type": "application/json"}
        assert await ingestion.refused("persons", data=BytesIO(content), headers=headers) == (400, "4000801")
    assert await ingestion.refused("persons", body, params={"a": "b"}) == (400, "4000801")
    for name, longest in (("X-Correlation-Id", 255), ("X-Request-Source", 50)):
        assert (await ingestion.send("persons", body, headers={name: "x" * longest})).status == 202
        assert await ingestion.refused("persons", body, headers={name: "x" * (longest + 1)}) == (400, "4000801")


async def test_what_is_not_there(ingestion: Ingestion) -> None:
    assert await ingestion.refused("nothing", {}) == (404, "404040")
    assert await ingestion.refused("persons", method="GET") == (404, "404040")
    for path in ("/rest/v1/lists.json", "/identity/oauth/token"):
        assert refusal(await ingestion.raw(path, method="GET")) == (404, "404040")


async def test_tokens(ingestion: Ingestion) -> None:
    body = {"persons": [{"email": "x@example.com"}]}
    bearer = {"Authorization": f"Bearer {ingestion.token}"}

    assert (await ingestion.send("persons", body)).status == 202
    assert refusal(await ingestion.raw("/subscriptions/999-XXX-999/persons", body)) == (403, "4030801")
    ingestion.token = None
    assert await ingestion.refused("persons", body, headers=bearer) == (403, "403010")
    ingestion.token = "unknown"
    assert await ingestion.refused("persons", body) == (401, "401013")
    ingestion.token = ingestion.api.token
    ingestion.api.sandbox.clock.advance(3601)
    assert await ingestion.refused("persons", body) == (401, "401013")


async def test_permissions(ingestion: Ingestion) -> None:
    user = ingestion.api.sandbox.add_user("company@x.example", frozenset({"Read-Write Company"}))
    ingestion.token = await ingestion.api.authorize(user)

    assert (await ingestion.send("companies", {"input": [{"externalCompanyId": "x"}]})).status == 202
    assert await ingestion.refused("persons", {"persons": [{}]}) == (403, "4030801")


async def test_the_rest_origin_has_it_too_and_does_not_count_it(connect: Connect) -> None:
    api = await connect(limits=InstanceLimits(calls=1, concurrency=1, daily=1))
    headers = {"X-Mkto-User-Token": str(api.token)}
    for _ in range(3):
        path = f"/subscriptions/{api.sandbox.munchkin_id}/persons"
        response = await api.raw("POST", path, json={"persons": [{"email": "x@example.com"}]}, headers=headers)
        assert response.status == 202

    assert (api.sandbox.stats.calls, api.sandbox.stats.counted_today) == (0, 0)
    assert api.sandbox.stats.by_operation["POST /subscriptions/{munchkinId}/persons"] == 3
    assert (await api.get("/rest/v1/lists.json"))["success"]


async def test_limits_of_its_own(connect: Connect) -> None:
    clock = SandboxClock(speed=0, start=1_900_000_000)
    limits = InstanceLimits(ingestion_per_second=2, ingestion_daily=5)
    ingestion = Ingestion(await connect(clock=clock, limits=limits))
    persons = [{"email": "x@example.com"}] * 2

    await ingestion.accepted("persons", persons=persons)
    await ingestion.accepted("persons", persons=persons)
    assert await ingestion.refused("persons", {"persons": persons}) == (429, "429001")
    clock.advance(1)
    assert await ingestion.refused("persons", {"persons": persons}) == (429, "4290801")
    clock.advance(86_400)
    ingestion.token = await ingestion.api.authorize()
    await ingestion.accepted("persons", persons=persons)
    assert ingestion.api.sandbox.stats.errors == {"429001": 1, "4290801": 1}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("606", (429, "429001")),
        ("607", (429, "4290801")),
        ("602", (401, "401013")),
        ("611", (500, "5000801")),
        ("5000801", (500, "5000801")),
    ],
)
async def test_injected_codes(ingestion: Ingestion, kind: str, expected: tuple[int, str]) -> None:
    ingestion.api.sandbox.faults.extend((Fault(kind, times=1), Fault(kind, times=1, when="after")))
    body = {"persons": [{"email": "new@example.com"}]}

    assert await ingestion.refused("persons", body) == expected
    assert len(ingestion.api.sandbox.instance.inbox) == 0
    assert await ingestion.refused("persons", body) == expected
    assert len(ingestion.api.sandbox.instance.inbox) == 1
    assert ingestion.api.sandbox.stats.faults_injected[kind] == 2


async def test_other_faults(ingestion: Ingestion) -> None:
    body = {"persons": [{"email": "new@example.com"}]}
    ingestion.api.sandbox.faults.extend((Fault("http_503", times=1), Fault("redirect", times=1, when="after")))

    assert (await ingestion.send("persons", body)).status == 503
    assert len(ingestion.api.sandbox.instance.inbox) == 0
    assert (await ingestion.send("persons", body)).status == 302
    assert len(ingestion.api.sandbox.instance.inbox) == 1
    ingestion.api.sandbox.faults.append(Fault("slow", seconds=0.001))
    assert (await ingestion.send("persons", body)).status == 202


async def test_the_second_port_stays_when_the_sandbox_starts_again() -> None:
    box = Sandbox(leads=0, activities=0)
    with pytest.raises(RuntimeError, match="address"):
        _ = box.ingestion_url
    async with box:
        first = box.ingestion_url
        assert first != box.base_url
    async with box:
        assert box.ingestion_url == first
