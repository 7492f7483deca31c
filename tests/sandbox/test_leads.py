import pytest

from marketo_async.sandbox import Quirks

from .api import Api, Connect, code

LEADS = "/rest/v1/leads.json"
DEFAULTS = {"id", "email", "updatedAt", "createdAt", "firstName", "lastName"}


async def test_one_lead_with_the_default_fields(api: Api) -> None:
    answer = await api.get("/rest/v1/lead/7.json")

    [lead] = answer["result"]
    assert set(lead) == DEFAULTS
    assert lead["id"] == 7
    assert lead["email"] == "lead7@example.com"
    assert lead["createdAt"].endswith("Z")
    assert "nextPageToken" not in answer


async def test_a_lead_that_does_not_exist(api: Api) -> None:
    assert (await api.get("/rest/v1/lead/99999.json"))["result"] == []


async def test_the_id_is_always_there_and_missing_values_are_null(api: Api) -> None:
    [lead] = (await api.get("/rest/v1/lead/7.json", fields="email,middleName"))["result"]

    assert lead == {"id": 7, "email": "lead7@example.com", "middleName": None}


async def test_missing_values_may_be_left_out(connect: Connect) -> None:
    api = await connect(quirks=Quirks(omit_null=True))
    [lead] = (await api.get("/rest/v1/lead/7.json", fields="email,middleName"))["result"]

    assert lead == {"id": 7, "email": "lead7@example.com"}


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, "1002"),
        ({"filterType": "email"}, "1002"),
        ({"filterType": "email", "filterValues": ""}, "1002"),
        ({"filterType": "shoeSize", "filterValues": "44"}, "1006"),
        ({"filterType": "Legacy_Notes", "filterValues": "x"}, "1006"),
        ({"filterType": "firstName", "filterValues": "Ada"}, "1011"),
        ({"filterType": "renewalDate", "filterValues": "2026-01-01"}, "1011"),
        ({"filterType": "id", "filterValues": "one"}, "1001"),
        ({"filterType": "id", "filterValues": "1", "fields": "shoeSize"}, "1006"),
        ({"filterType": "id", "filterValues": "1", "batchSize": "many"}, "1001"),
        ({"filterType": "id", "filterValues": "1", "batchSize": "0"}, "1003"),
        ({"filterType": "id", "filterValues": "1", "batchSize": "301"}, "1003"),
        ({"filterType": "id", "filterValues": "1", "nextPageToken": "nonsense"}, "1003"),
        ({"filterType": "id", "filterValues": ",".join(map(str, range(301)))}, "1003"),
    ],
)
async def test_filters_that_cannot_be(api: Api, params: dict[str, str], expected: str) -> None:
    assert code(await api.get(LEADS, **params)) == expected


async def test_filters_ignore_case_order_and_repetition(api: Api) -> None:
    answer = await api.get(
        LEADS, filterType="email", filterValues="LEAD3@example.com,lead2@example.com,lead3@example.com"
    )

    assert [lead["id"] for lead in answer["result"]] == [2, 3]
    assert answer["moreResult"] is False


async def test_filters_that_match_nobody(api: Api) -> None:
    answer = await api.get(LEADS, filterType="email", filterValues="nobody@example.com")

    assert answer["result"] == []
    assert "nextPageToken" not in answer


async def test_more_than_a_thousand_matches_are_too_many(connect: Connect) -> None:
    tiers = [{"id": number, "accountTier": "gold" if number <= 1_000 else "both"} for number in range(1, 2_002)]
    api = await connect(leads=tiers)

    assert len(await api.drain(LEADS, filterType="accountTier", filterValues="gold")) == 1_000
    refused = await api.get(LEADS, filterType="accountTier", filterValues="gold,both")
    assert code(refused) == "1003"
    assert refused["errors"][0]["message"] == "Too many results match the filter"


async def test_given_leads_bring_their_fields_along(connect: Connect) -> None:
    api = await connect(leads=[{"email": "a@example.com", "shoeSize": 44, "width": 1.5, "vip": True, "nick": "A"}])
    [lead] = (await api.get(LEADS, filterType="shoeSize", filterValues=44, fields="shoeSize,width,vip,nick"))["result"]

    assert lead == {"id": 1, "shoeSize": 44, "width": 1.5, "vip": True, "nick": "A"}


async def test_pages_by_position(connect: Connect) -> None:
    api = await connect(leads=650)
    path = "/rest/v1/lists/1001/leads.json"
    first = await api.get(path)
    second = await api.get(path, nextPageToken=first["nextPageToken"])
    third = await api.get(path, nextPageToken=second["nextPageToken"])

    assert [len(page["result"]) for page in (first, second, third)] == [300, 300, 50]
    assert [page["moreResult"] for page in (first, second, third)] == [True, True, False]
    assert "nextPageToken" not in third
    ids = [lead["id"] for page in (first, second, third) for lead in page["result"]]
    assert ids == list(range(1, 651))


async def test_an_exact_multiple_ends_without_a_token(connect: Connect) -> None:
    api = await connect(leads=600)
    path = "/rest/v1/lists/1001/leads.json"
    first = await api.get(path)
    second = await api.get(path, nextPageToken=first["nextPageToken"])

    assert len(second["result"]) == 300
    assert "nextPageToken" not in second


async def test_the_old_path_knows_no_more_result(connect: Connect) -> None:
    api = await connect(leads=400)
    first = await api.get("/rest/v1/list/1001/leads.json")
    second = await api.get("/rest/v1/list/1001/leads.json", nextPageToken=first["nextPageToken"])

    assert "moreResult" not in first
    assert "moreResult" not in second
    assert "nextPageToken" not in second
    assert len(first["result"]) + len(second["result"]) == 400


async def test_leads_deleted_while_paging_are_only_missing_themselves(connect: Connect) -> None:
    api = await connect(leads=40)
    path = "/rest/v1/lists/1001/leads.json"
    first = await api.get(path, batchSize=20)
    await api.post("/rest/v1/leads/delete.json", {"input": [{"id": 3}, {"id": 20}, {"id": 25}]})
    rest = await api.drain(path, batchSize=20, nextPageToken=first["nextPageToken"])

    assert [lead["id"] for lead in rest] == [*range(21, 25), *range(26, 41)]


@pytest.mark.parametrize(
    "changes", [{"fields": "email"}, {"batchSize": 11}, {"filterValues": "1,2,3"}, {"filterType": "email"}]
)
async def test_a_token_is_bound_to_its_parameters(connect: Connect, changes: dict[str, str | int]) -> None:
    query: dict[str, str | int] = {
        "filterType": "id",
        "filterValues": ",".join(map(str, range(1, 60))),
        "batchSize": 10,
    }
    strict = await connect()
    token = (await strict.get(LEADS, **query))["nextPageToken"]
    assert code(await strict.get(LEADS, **{**query, **changes, "nextPageToken": token})) == "1003"
    assert (await strict.get(LEADS, **query, nextPageToken=token))["success"]
    assert (await strict.post(LEADS, _method="GET", **query, nextPageToken=token))["success"]

    lenient = await connect(quirks=Quirks(bound_tokens=False))
    token = (await lenient.get(LEADS, **query))["nextPageToken"]
    assert (await lenient.get(LEADS, **{**query, **changes, "nextPageToken": token}))["success"]


async def test_tokens_of_other_kinds_and_forged_ones(api: Api) -> None:
    date_token = await api.since()
    forged = date_token.replace("A", "B", 1) if "A" in date_token else "B" + date_token[1:]

    assert code(await api.get("/rest/v1/lists/1001/leads.json", nextPageToken=date_token)) == "1003"
    assert code(await api.get("/rest/v1/activities/deletedleads.json", nextPageToken=forged)) == "1003"


async def test_tokens_may_be_long(connect: Connect) -> None:
    api = await connect(quirks=Quirks(token_padding=6_000))
    page = await api.get("/rest/v1/lists/1001/leads.json", batchSize=50)

    assert len(page["nextPageToken"]) > 8_192
    path = "/rest/v1/lists/1001/leads.json"
    too_long = await api.raw("GET", path, params={"batchSize": 50, "nextPageToken": page["nextPageToken"]})
    assert too_long.status == 414
    form = {"batchSize": "50", "nextPageToken": page["nextPageToken"]}
    by_form = await api.raw("POST", path, params={"_method": "GET"}, data=form)
    assert [lead["id"] for lead in by_form.json()["result"]] == list(range(51, 101))


async def test_pages_may_be_short_although_more_follows(connect: Connect) -> None:
    api = await connect(quirks=Quirks(short_pages=0.7))
    path = "/rest/v1/lists/1001/leads.json"
    first = await api.get(path, batchSize=30)
    sizes = {len((await api.get(path, batchSize=30))["result"]) for _ in range(10)}

    assert first["moreResult"] is True
    assert min(sizes) < 30
    assert [lead["id"] for lead in await api.drain(path, batchSize=30)] == list(range(1, 101))


async def test_leads_of_a_program_carry_their_membership(api: Api) -> None:
    answer = await api.get("/rest/v1/leads/programs/2001.json", fields="email", batchSize=2)

    first, _ = answer["result"]
    assert set(first) == {"id", "email", "membership"}
    assert first["membership"]["progressionStatus"] == "Registered"
    assert first["membership"]["reachedSuccess"] is False
    assert "stream" not in first["membership"]
    assert len(await api.drain("/rest/v1/leads/programs/2001.json")) == 100


@pytest.mark.parametrize("path", ["list/9/leads", "lists/9/leads", "lists/9", "leads/programs/9"])
async def test_containers_that_do_not_exist(api: Api, path: str) -> None:
    assert code(await api.get(f"/rest/v1/{path}.json")) == "1013"
