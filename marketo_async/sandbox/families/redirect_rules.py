"""Redirect rules of landing pages, and the host names for rules."""

from __future__ import annotations

import msgspec

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.clock import asset_iso
from marketo_async.sandbox.envelope import Answer, Members
from marketo_async.sandbox.families.asset_arguments import (
    LONGEST_NAME,
    UPDATED,
    found,
    limited,
    required_json_field,
    updated_between,
)
from marketo_async.sandbox.paging import offset_page
from marketo_async.sandbox.parameters import wrong_type
from marketo_async.sandbox.permissions import REDIRECT_RULE_READERS, REDIRECT_RULE_WRITERS
from marketo_async.sandbox.records.drafts import not_found, refused
from marketo_async.sandbox.records.redirect_rules import RedirectRule, Target
from marketo_async.sandbox.routing import Routes

routes = Routes()

_PAGE = "landingPageId"


class _End(msgspec.Struct):
    type: str
    value: str | int


def _row(rule: RedirectRule) -> Members:
    return {
        "id": rule.id,
        "redirectFromUrl": _url(rule.hostname, rule.origin),
        "redirectToUrl": _url(rule.hostname, rule.target),
        "hostname": rule.hostname,
        "redirectFrom": {"type": rule.origin.type, "value": rule.origin.value},
        "redirectTo": {"type": rule.target.type, "value": rule.target.value},
        "createdAt": asset_iso(rule.created_at),
        "updatedAt": asset_iso(rule.updated_at),
    }


def _url(hostname: str, end: Target) -> str:
    if end.type == "url":
        return end.value
    return f"http://{hostname}/{f'page-{end.value}.html' if end.type == _PAGE else end.value}"


@routes.get(
    "/rest/asset/v1/redirectRules.json",
    REDIRECT_RULE_READERS,
    optional=(
        "maxReturn",
        "offset",
        "hostname",
        "redirectTolandingPageId",
        "redirectToLandingPageId",
        "redirectToPath",
        *UPDATED,
    ),
)
def redirect_rules(call: Call) -> Answer:
    """Answer the rules that match all filters; the landing page filter has two spellings."""
    hostname, path = call.text("hostname"), call.text("redirectToPath")
    page = call.text("redirectToLandingPageId") or call.text("redirectTolandingPageId")
    return offset_page(
        call,
        [
            _row(rule)
            for rule in updated_between(call, call.instance.program_assets.redirect_rules)
            if (hostname is None or rule.hostname == hostname)
            and (page is None or rule.target == Target(_PAGE, page))
            and (path is None or rule.target == Target("url", path))
        ],
    )


@routes.get("/rest/asset/v1/redirectRule/{id}.json", REDIRECT_RULE_READERS)
def redirect_rule_by_id(call: Call) -> Answer:
    """Answer one rule."""
    rule = call.instance.program_assets.redirect_rules.get(call.path_id("id"))
    return found([] if rule is None else [_row(rule)])


@routes.get("/rest/asset/v1/landingPageDomains.json", REDIRECT_RULE_READERS, optional=("maxReturn", "offset"))
def landing_page_domains(call: Call) -> Answer:
    """Answer the host names of landing pages."""
    domains = call.instance.program_assets.redirect_rules.domains
    return offset_page(call, [{"hostname": domain.hostname, "type": domain.type} for domain in domains])


@routes.post(
    "/rest/asset/v1/redirectRules.json",
    REDIRECT_RULE_WRITERS,
    body=("hostname", "redirectFrom", "redirectTo"),
)
def create_redirect_rule(call: Call) -> Answer:
    """Create a rule; each origin has at most one."""
    hostname, origin = _hostname(call), _origin(call)
    _check_free(call, hostname, origin, None)
    return Answer([_row(call.instance.program_assets.redirect_rules.add(hostname, origin, _target(call)))])


@routes.post(
    "/rest/asset/v1/redirectRule/{id}.json",
    REDIRECT_RULE_WRITERS,
    body_optional=("hostname", "redirectFrom", "redirectTo"),
)
def update_redirect_rule(call: Call) -> Answer:
    """Change the ends of a rule."""
    rule = _rule(call)
    hostname = rule.hostname if call.body_text("hostname") is None else _hostname(call)
    origin = rule.origin if call.body_text("redirectFrom") is None else _origin(call)
    target = rule.target if call.body_text("redirectTo") is None else _target(call)
    _check_free(call, hostname, origin, rule)
    call.instance.program_assets.redirect_rules.change(rule, hostname, origin, target)
    return Answer([_row(rule)])


@routes.post("/rest/asset/v1/redirectRule/{id}/delete.json", REDIRECT_RULE_WRITERS)
def delete_redirect_rule(call: Call) -> Answer:
    """Delete a rule."""
    rule = _rule(call)
    call.instance.program_assets.redirect_rules.drop(rule.id)
    return Answer([{"id": rule.id}])


def _rule(call: Call) -> RedirectRule:
    rule_id = call.path_id("id")
    rule = call.instance.program_assets.redirect_rules.get(rule_id)
    if rule is None:
        raise not_found("Redirect rule", rule_id)
    return rule


def _hostname(call: Call) -> str:
    hostname = limited("hostname", call.body_text("hostname") or "", LONGEST_NAME)
    domains = call.instance.program_assets.redirect_rules.domains
    if hostname not in [domain.hostname for domain in domains]:
        raise refused(f"'{hostname}' is not a landing page domain")
    return hostname


def _origin(call: Call) -> Target:
    end = required_json_field(call, "redirectFrom", _End)
    # Paths are described without a leading slash, and shown with one.
    return _end("redirectFrom", end, "path", str(end.value).lstrip("/"))


def _target(call: Call) -> Target:
    end = required_json_field(call, "redirectTo", _End)
    return _end("redirectTo", end, "url", str(end.value))


def _end(name: str, end: _End, other: str, value: str) -> Target:
    if end.type == _PAGE and str(end.value).isdecimal():
        return Target(_PAGE, str(end.value))
    if end.type == other and value:
        return Target(other, value)
    raise wrong_type(name, f"{_PAGE} or {other}")


def _check_free(call: Call, hostname: str, origin: Target, own: RedirectRule | None) -> None:
    for rule in call.instance.program_assets.redirect_rules:
        if rule is not own and (rule.hostname, rule.origin) == (hostname, origin):
            raise refused(f"There is a rule for {_url(hostname, origin)} already")
