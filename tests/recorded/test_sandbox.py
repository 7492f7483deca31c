"""The sandbox sends every recorded member, but those that it leaves out on purpose."""

from __future__ import annotations

import json
from collections import defaultdict

from marketo_async import Marketo
from marketo_async.operation import Dialect
from marketo_async.sandbox import Sandbox
from tests.families.conftest import marketo, sandbox
from tests.recorded import RECORDED, playing_assets, playing_records
from tests.recorded.conftest import Heard
from tests.recorded.kinds import Nothing, Shape, members

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


# Members whose kind of value is another one in the sandbox, and why.
OTHER_KINDS = {
    ("activities.deleted_leads", "attributes.value"): "a lead's attribute has the type of the attribute, here a flag",
}
NO_TEXT = {"flag", "number", "list", "object"}
Kinds = dict[str, set[str]]  # of values, by the path of their member


def kinds_by_member(shape: Shape) -> Kinds:
    found: Kinds = defaultdict(set)
    for member, kind in members(shape):
        found[member].add(kind)
    return found


def sent_by_operation(heard: list[Heard]) -> dict[str, Kinds]:
    """Return what the successful answers to each operation hold, all of them together."""
    found: dict[str, Kinds] = {}
    for answer in heard:
        body = json.loads(answer.body)
        envelope = answer.operation.dialect is Dialect.ENVELOPE
        if not envelope or body["success"]:
            kinds = found.setdefault(answer.operation.name, defaultdict(set))
            for member, own in kinds_by_member(body.get("result") if envelope else body).items():
                kinds[member] |= own
    return found


def differs(sent: set[str], recorded: set[str]) -> bool:
    """Return whether a member was sent with a kind of value that it was not recorded with; any member may be null."""
    beyond = sent - recorded - {"null"}
    return bool(beyond & NO_TEXT if "text" in recorded else beyond) and recorded != {"null"}


async def test_the_sandbox_sends_what_was_recorded(marketo: Marketo, sandbox: Sandbox, heard: list[Heard]) -> None:
    for play in (*playing_records.PLAYS, *playing_assets.PLAYS):
        await play(marketo)
    for play_inside in playing_records.PLAYS_INSIDE:
        await play_inside(marketo, sandbox)
    sent = sent_by_operation(heard)
    recorded = {
        (name, member): kinds
        for name, shape in RECORDED.items()
        if not isinstance(shape, Nothing)
        for member, kinds in kinds_by_member(shape).items()
    }

    assert not RECORDED.keys() - sent.keys()
    assert {key for key in recorded if key[1] not in sent[key[0]]} == NOT_SENT.keys()
    found = {key: sent[key[0]][key[1]] for key in recorded.keys() - NOT_SENT.keys()}
    assert {key for key, kinds in found.items() if differs(kinds, recorded[key])} == OTHER_KINDS.keys()
    assert not [(name, member) for name, member in NEVER if member in sent[name]]
