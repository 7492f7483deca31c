"""The sandbox sends every recorded member, but those that it leaves out on purpose."""

from __future__ import annotations

import json
from collections.abc import Iterator

from marketo_async import Marketo
from marketo_async.operation import Dialect
from marketo_async.sandbox import Sandbox
from tests.families.conftest import marketo, sandbox
from tests.recorded import RECORDED, playing_assets, playing_records
from tests.recorded.conftest import Heard
from tests.recorded.kinds import Nothing, Value, members

__all__ = ["marketo", "sandbox"]

# Recorded members that the sandbox does not send, by operation and path, and why.
_CC = "addresses for copies are set in the user interface"
_ITEMS = "the samples are shortened to their records; the OpenAPI files have them in items, beside the total"
_KEY = "a sample that mixes both names of the key"
NOT_SENT = {
    **{
        (f"emails.{verb}", f"ccFields.{member}"): _CC
        for verb in ("get", "by_name")
        for member in ("attributeId", "objectName", "displayName", "apiName")
    },
    **{
        (f"{family}.browse", member): _ITEMS
        for family in ("emails_v2", "email_templates_v2", "fragments")
        for member in ("id", "name", "status")
    },
    **{
        ("custom_objects.describe", f"relationships.object{member}"): "one sample has this name for relatedTo"
        for member in ("", ".name", ".field")
    },
    ("emails.send_sample", "id"): "the OpenAPI files and an answer of 2019 have service and result",
    ("form_fields.lead_fields", "picklistValues"): "no lead field of the sandbox has fixed values",
    ("named_accounts.delete", "id"): _KEY,
    ("named_account_lists.delete", "id"): _KEY,
}
# Members that the OpenAPI files have in answers, and no recorded answer has.
NEVER = [
    *((f"{family}.describe", "apiName") for family in ("companies", "opportunities", "opportunity_roles")),
    *((f"{family}.describe", "apiName") for family in ("sales_persons", "named_accounts", "custom_objects")),
    ("custom_objects.browse", "apiName"),
]


def names(value: Value, at: str = "") -> Iterator[str]:
    """Return the dotted paths of all members of a value."""
    if isinstance(value, list):
        for item in value:
            yield from names(item, at)
    elif isinstance(value, dict):
        for name, member in value.items():
            path = f"{at}.{name}".lstrip(".")
            yield path
            yield from names(member, path)


async def test_the_sandbox_sends_what_was_recorded(marketo: Marketo, sandbox: Sandbox, heard: list[Heard]) -> None:
    for play in (*playing_records.PLAYS, *playing_assets.PLAYS):
        await play(marketo)
    for play_inside in playing_records.PLAYS_INSIDE:
        await play_inside(marketo, sandbox)

    sent: dict[str, set[str]] = {}
    for answer in heard:
        body = json.loads(answer.body)
        envelope = answer.operation.dialect is Dialect.ENVELOPE
        if not envelope or body["success"]:
            sent.setdefault(answer.operation.name, set()).update(names(body.get("result") if envelope else body))

    assert not RECORDED.keys() - sent.keys()
    missing = {
        (name, member)
        for name, shape in RECORDED.items()
        if not isinstance(shape, Nothing)
        for member in set(members(shape)) - sent[name]
    }
    assert missing == NOT_SENT.keys()
    assert not [(name, member) for name, member in NEVER if member in sent[name]]
