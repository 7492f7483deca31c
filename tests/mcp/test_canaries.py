"""Neither a secret nor an address gets into the logs, the audit, or the error of a denial."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from marketo_async.errors import Denied, InvalidRequest, MarketoError
from marketo_async.schema import callees
from tests.json_arguments import json_arguments
from tests.mcp.guarded import called, staged
from tests.mcp.policies import access
from tests.mcp.test_guard import FIELDS, FREE

MAILBOX = "canary.zq7"
ADDRESS = f"{MAILBOX}@canary.example"
OPEN = f'{FREE}sample_domains = ["canary.example"]'


def with_canaries(value: Any) -> Any:
    """Put the address into every text of the arguments that is not a date, a number or a choice."""
    if isinstance(value, dict):
        return {key: with_canaries(member) for key, member in value.items()}
    if isinstance(value, list):
        return [with_canaries(member) for member in value]
    return ADDRESS if isinstance(value, str) else value


def variants(name: str, *, each: bool) -> list[dict[str, Any]]:
    """Return the arguments of an operation with the address in all of its texts, and with ``each``, in each alone."""
    whole = json_arguments()[name]
    alone = [{**whole, key: with_canaries(member)} for key, member in whole.items()]
    return [with_canaries(whole), *(alone if each else [])]


async def find_canaries(rules: str, folder: Path, caplog: pytest.LogCaptureFixture, *, each: bool) -> None:
    denials = []
    caplog.set_level(logging.DEBUG)
    async with staged(folder) as stage:
        of = access(rules)
        for name in sorted(callees()):
            for arguments in variants(name, each=each):
                try:
                    await called(stage.sender(of), name, arguments, stage.sandbox.munchkin_id)
                except Denied as denied:
                    denials.append(f"{denied!r} {denied} {denied.rule} {denied.__dict__}")
                except (InvalidRequest, MarketoError):
                    continue
        leads = await called(stage.sender(FREE), "lists.leads", {"list_id": 1001})
        sent = any(MAILBOX.encode() in call.body for call in stage.arrived)
        audit = "".join(path.read_text() for path in stage.audit.folder.glob("*.jsonl"))

    assert sent is bool(rules)
    assert denials or rules == OPEN
    canaries = [MAILBOX, stage.sandbox.client_secret, *(lead["email"] for lead in leads)]
    assert len(canaries) > 40
    for text in (audit, caplog.text, *denials):
        for canary in canaries:
            assert canary not in text


POLICIES = pytest.mark.parametrize("rules", [OPEN, FIELDS, ""], ids=["open", "fields", "closed"])


@POLICIES
async def test_no_canary_is_found(rules: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    await find_canaries(rules, tmp_path, caplog, each=False)


@pytest.mark.slow
@POLICIES
async def test_no_canary_of_any_argument_is_found(rules: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    await find_canaries(rules, tmp_path, caplog, each=True)
