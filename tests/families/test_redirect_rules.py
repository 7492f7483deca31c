"""Redirect rules of landing pages."""

from __future__ import annotations

from marketo_async import Marketo
from marketo_async.models.redirect_rules import LandingPageDomain, RedirectEnd, RedirectFrom, RedirectTo
from tests.families.conftest import Tell

HOST = "pages.sandbox.example"


async def test_the_id_of_a_landing_page_is_sent_as_text_and_comes_as_a_number(tell: Tell) -> None:
    row = {
        "id": 20,
        "hostname": "calq.example",
        "redirectFrom": {"type": "path", "value": "/a"},
        "redirectTo": {"type": "landingPageId", "value": 5559},
        "redirectFromUrl": "https://calq.example/a",
        "redirectToUrl": "https://calq.example/b.html",
        "updatedAt": "2020-02-25T06:56:44Z+0000",
    }

    rule = await tell(row).redirect_rules.get(20)

    assert rule is not None
    assert rule.redirect_from == RedirectEnd("path", "/a")
    assert rule.redirect_to == RedirectEnd("landingPageId", 5559)


async def test_the_life_of_a_rule(marketo: Marketo) -> None:
    target = RedirectTo("url", "https://www.example.com/new")
    made = await marketo.redirect_rules.create(HOST, RedirectFrom("path", "gone"), target)
    changed = await marketo.redirect_rules.update(made.id, redirect_from=RedirectFrom("path", "left"))
    found = await marketo.redirect_rules.browse(hostname=HOST, redirect_to_path=target.value).all()
    await marketo.redirect_rules.delete(made.id)

    assert (changed.redirect_from, changed.redirect_to) == (
        RedirectEnd("path", "left"),
        RedirectEnd("url", target.value),
    )
    assert [rule.id for rule in found] == [made.id]
    assert await marketo.redirect_rules.get(made.id) is None


async def test_domains_are_listed(marketo: Marketo) -> None:
    domains = await marketo.redirect_rules.domains().all()

    assert LandingPageDomain(HOST, "domain") in domains
