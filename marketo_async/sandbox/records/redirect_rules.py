"""Redirect rules of landing pages, and their host names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """One end of a redirect: a landing page by id, a path, or any URL."""

    type: str
    value: str


@dataclass(slots=True)
class RedirectRule:
    """One rule: requests for ``origin`` on a host name are redirected to ``target``."""

    id: int
    hostname: str
    origin: Target
    target: Target
    created_at: float
    updated_at: float


@dataclass(frozen=True, slots=True)
class LandingPageDomain:
    """A host name of landing pages; ``type`` is ``domain`` or ``domain-alias``."""

    hostname: str
    type: str


class RedirectRules:
    """The rules by id, and the domains."""

    def __init__(self, domains: tuple[LandingPageDomain, ...], now: Callable[[], float]) -> None:
        self.domains = domains
        self._now = now
        self._rules: dict[int, RedirectRule] = {}
        self._next_id = 8001

    def __iter__(self) -> Iterator[RedirectRule]:
        return iter(list(self._rules.values()))

    def get(self, rule_id: int) -> RedirectRule | None:
        """Return a rule by its id."""
        return self._rules.get(rule_id)

    def add(self, hostname: str, origin: Target, target: Target) -> RedirectRule:
        """Create a rule."""
        now = self._now()
        rule = RedirectRule(self._next_id, hostname, origin, target, now, now)
        self._rules[rule.id] = rule
        self._next_id += 1
        return rule

    def change(self, rule: RedirectRule, hostname: str, origin: Target, target: Target) -> None:
        """Change the ends of a rule."""
        rule.hostname, rule.origin, rule.target, rule.updated_at = hostname, origin, target, self._now()

    def drop(self, rule_id: int) -> None:
        """Delete a rule."""
        del self._rules[rule_id]


def seeded_redirect_rules(now: Callable[[], float]) -> RedirectRules:
    """Return two domains, and a rule on the first."""
    domains = (
        LandingPageDomain("pages.sandbox.example", "domain"),
        LandingPageDomain("go.sandbox.example", "domain-alias"),
    )
    rules = RedirectRules(domains, now)
    rules.add(domains[0].hostname, Target("path", "old"), Target("url", "https://www.sandbox.example/new"))
    return rules
