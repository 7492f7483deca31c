"""Redirect rules of landing pages."""

import pytest

from .api import Api, Connect
from .forms import read, refusal, write

HOST = "pages.sandbox.example"
RULE = {
    "hostname": HOST,
    "redirectFrom": {"type": "path", "value": "/spring"},
    "redirectTo": {"type": "landingPageId", "value": 77},
}


@pytest.fixture
async def api(connect: Connect) -> Api:
    return await connect()


async def test_domains(api: Api) -> None:
    assert [row["type"] for row in await read(api, "landingPageDomains")] == ["domain", "domain-alias"]
    assert len(await read(api, "landingPageDomains", maxReturn=1, offset=1)) == 1


async def test_a_rule_is_created_changed_and_deleted(api: Api) -> None:
    made = await write(api, "redirectRules", **RULE)
    path = f"redirectRule/{made['id']}"

    assert made["redirectFrom"] == {"type": "path", "value": "spring"}
    assert made["redirectTo"] == {"type": "landingPageId", "value": "77"}
    assert made["redirectFromUrl"] == f"http://{HOST}/spring"
    assert await read(api, path) == [made]

    changed = await write(api, path, redirectTo={"type": "url", "value": "https://example.com"})
    assert (changed["redirectToUrl"], changed["redirectFrom"]) == ("https://example.com", made["redirectFrom"])
    moved = await write(api, path, hostname="go.sandbox.example", redirectFrom={"type": "landingPageId", "value": "5"})
    assert (moved["hostname"], moved["redirectTo"]) == ("go.sandbox.example", changed["redirectTo"])

    assert await write(api, f"{path}/delete") == {"id": made["id"]}
    assert await read(api, path) == []
    assert await refusal(api, f"{path}/delete") == "702"


async def test_filters_in_both_spellings(api: Api) -> None:
    made = await write(api, "redirectRules", **RULE)

    async def found(**params: object) -> list[int]:
        return [row["id"] for row in await read(api, "redirectRules", **params)]

    assert await found() == [8001, made["id"]]
    assert await found(redirectTolandingPageId="77") == await found(redirectToLandingPageId="77") == [made["id"]]
    assert await found(redirectToPath="https://www.sandbox.example/new") == [8001]
    assert await found(hostname="go.sandbox.example") == []
    assert await found(hostname=HOST, maxReturn=1) == [8001]
    assert await found(earliestUpdatedAt="2101-01-01T00:00:00Z") == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"hostname": "elsewhere.example"}, "709"),
        ({"hostname": "x" * 256}, "701"),
        ({"redirectFrom": {"type": "path", "value": "old"}}, "709"),
        ({"redirectFrom": {"type": "url", "value": "https://example.com"}}, "1001"),
        ({"redirectFrom": {"type": "path", "value": "/"}}, "1001"),
        ({"redirectTo": {"type": "landingPageId", "value": "seven"}}, "1001"),
        ({"redirectTo": "https://example.com"}, "1001"),
        ({"redirectTo": ""}, "1002"),
    ],
)
async def test_rules_that_cannot_be_created(api: Api, change: dict[str, object], expected: str) -> None:
    assert await refusal(api, "redirectRules", **{**RULE, **change}) == expected
