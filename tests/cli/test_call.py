"""``call``: every operation of the registry from the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from marketo_async.cli.exits import Exit
from marketo_async.effects import Effect, effect_of
from marketo_async.schema import callees
from tests.families.test_every_operation import NOT_UNDERSTOOD
from tests.json_arguments import json_arguments
from tests.wire import ScriptedServer

from .commands import Ended, invoke
from .instances import Instance, running
from .words import words_of

MUNCHKIN = "123-ABC-456"
NAMES = sorted(callees())


@pytest.fixture(scope="module")
def wide() -> Iterator[Instance]:
    """One instance for all operations, with room for their calls."""
    with running(leads=10, activities=10) as started:
        yield started


def environment(instance: Instance) -> dict[str, str]:
    sandbox = instance.sandbox
    return {
        **instance.environment,
        "MARKETO_MUNCHKIN_ID": sandbox.munchkin_id,
        "MARKETO_INGESTION_URL": sandbox.ingestion_url,
    }


def call(instance: Instance, name: str, *words: object, stdin: str | None = None) -> Ended:
    return invoke("call", name, "--store", "none", *words, environment=environment(instance), stdin=stdin)


def harmful(name: str) -> bool:
    return effect_of(callees()[name].operation) not in {Effect.READ, Effect.CHANGE}


@pytest.mark.parametrize("name", NAMES)
def test_every_operation_is_called(name: str, wide: Instance, tmp_path: Path) -> None:
    """Made-up ids are not found: what counts is that the sandbox serves the call and understands what it asks."""
    found = callees()[name]
    before = dict(wide.sandbox.stats.by_operation)
    ended = call(wide, name, *(["--yes"] if harmful(name) else []), *words_of(found, json_arguments()[name], tmp_path))
    assert ended.code in {Exit.DONE, Exit.REFUSED, Exit.DENIED}, ended.stderr
    if ended.stderr.startswith("error: "):
        assert ended.stderr.split(": ")[2].split()[0] not in NOT_UNDERSTOOD, ended.stderr
    assert wide.sandbox.stats.by_operation != before, "no call was made"
