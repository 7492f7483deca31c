"""What shells complete: operations, choices, field names of the last description. None of it makes a call."""

from __future__ import annotations

from pathlib import Path

import pytest

from .commands import invoke
from .instances import Instance


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def completed(instance: Instance, *words: str) -> list[str]:
    """Return what bash gets for the last word."""
    before = instance.calls
    line = " ".join(["marketo-async", *words])
    asked = {"_ROOT_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words))}
    ended = invoke(environment={**instance.environment, **asked})
    assert instance.calls == before
    return ended.stdout.split()


def test_operations_are_completed(instance: Instance) -> None:
    assert completed(instance, "call", "leads.mer") == ["leads.merge"]
    assert len(completed(instance, "call", "emails.")) > 20
    assert completed(instance, "ca") == ["call"]


def test_choices_are_completed(instance: Instance) -> None:
    assert completed(instance, "call", "emails.get", "7", "--status", "a") == ["approved"]


def test_fields_are_completed_after_a_description(instance: Instance, cache: Path) -> None:
    asked = ("call", "leads.by_filter", "email", "x", "--fields", "emailI")
    assert completed(instance, *asked) == []
    assert invoke("call", "leads.describe", "--store", "none", environment=instance.environment).code == 0
    assert completed(instance, *asked) == ["emailInvalid", "emailInvalidCause"]
    assert completed(instance, "call", "lists.leads", "7", "--fields", "emailInvalidC") == ["emailInvalidCause"]
    assert "createdAt" in completed(instance, "call", "leads.by_filter", "create")
    assert completed(instance, "call", "companies.by_filter", "c") == []


def test_a_spoiled_cache_completes_nothing(instance: Instance, cache: Path) -> None:
    assert invoke("call", "leads.describe2", "--store", "none", environment=instance.environment).code == 0
    (kept,) = (cache / "marketo-async").iterdir()
    kept.write_text("spoiled")
    assert completed(instance, "call", "leads.by_filter", "emai") == []


@pytest.mark.parametrize("environment", [{}, {"MARKETO_BASE_URL": "no address"}])
def test_without_an_instance_no_field_is_completed(environment: dict[str, str]) -> None:
    asked = {"_ROOT_COMPLETE": "complete_bash", "COMP_WORDS": "marketo-async call leads.by_filter e", "COMP_CWORD": "3"}
    assert invoke(environment={**environment, **asked}).stdout.split() == []
