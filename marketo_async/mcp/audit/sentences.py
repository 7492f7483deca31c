"""The plain sentence of an audit record: who asked to do what, where, what was decided, and what came of it. Pure.

It names ids, counts and rules, and no personal data. The commonest operations have a phrase of their own; the others
are described by the first sentence of their documentation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from msgspec import Struct

from marketo_async.operation import Operation

# ``{n}`` is the number of records; the other names are those of the path.
PHRASES: Mapping[str, str] = {
    "leads.get": "read person {leadId}",
    "leads.by_filter": "look people up by a field",
    "leads.by_program": "read the people of program {programId}",
    "leads.sync": "create or update {n} people",
    "leads.push": "push {n} people into a program",
    "leads.delete": "delete {n} people",
    "leads.merge": "merge {n} people into person {leadId}",
    "leads.submit_form": "submit a form for one person",
    "leads.associate": "associate a cookie with person {leadId}",
    "leads.change_program_status": "change the status of {n} people in program {programId}",
    "leads.update_partitions": "move {n} people to other partitions",
    "leads.list_membership": "read the lists of person {leadId}",
    "leads.program_membership": "read the programs of person {leadId}",
    "leads.describe2": "read the description of people",
    "activities.since": "read activities",
    "activities.lead_changes": "read changes of people's fields",
    "activities.deleted_leads": "read deletions of people",
    "activities.types": "read the types of activities",
    "activities.add": "add {n} activities",
    "lists.browse": "list static lists",
    "lists.get": "read static list {listId}",
    "lists.leads": "read the people of static list {listId}",
    "lists.add": "add {n} people to static list {listId}",
    "lists.remove": "remove {n} people from static list {listId}",
    "lists.is_member": "check members of static list {listId}",
    "programs.browse": "list programs",
    "programs.get": "read program {id}",
    "programs.delete": "delete program {id}",
    "programs.approve": "approve program {id}",
    "program_members.by_filter": "read members of program {programId}",
    "program_members.sync": "update {n} members of program {programId}",
    "program_members.change_status": "set the status of {n} people in program {programId}",
    "program_members.delete": "remove {n} people from program {programId}",
    "campaigns.browse": "list campaigns",
    "campaigns.request": "run {n} people through campaign {campaignId}",
    "campaigns.schedule": "schedule campaign {campaignId}",
    "smart_campaigns.activate": "activate smart campaign {id}",
    "smart_campaigns.deactivate": "deactivate smart campaign {id}",
    "smart_campaigns.delete": "delete smart campaign {id}",
    "emails.approve": "approve email {id}",
    "emails.send_sample": "send a sample of email {id}",
    "emails.delete": "delete email {id}",
    "emails.get": "read email {id}",
    "usage.today": "read today's use of the API",
}
_SAFE_ID = re.compile(r"[0-9]{1,12}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[a-z0-9]+_c")
_CONTROL = re.compile(r"\s+")


class CallFacts(Struct, frozen=True, kw_only=True):
    """The facts of a sentence: ``who`` asks ``where`` for an operation, with the members of its ``path``."""

    who: str
    where: str
    operation: Operation
    path: Mapping[str, object]
    n: int


def _asked(facts: CallFacts) -> str:
    """Return who asked to do what and where, as the start of a sentence."""
    return f"{_plain(facts.who)} asked to {_deed(facts)} in {_plain(facts.where)}"


def intent_sentence(facts: CallFacts, rule: str, confirmed_by: str = "") -> str:
    """Return the sentence of an intent."""
    by = f", confirmed by {_plain(confirmed_by)}" if confirmed_by else ""
    return f"{_asked(facts)}; allowed by {rule}{by}."


def denial_sentence(facts: CallFacts, rule: str, why: str) -> str:
    """Return the sentence of a denial."""
    return f"{_asked(facts)}; denied by {rule}: {_plain(why)}."


def outcome_sentence(facts: CallFacts, *, calls: int, records: int, code: str, request_ids: Sequence[str]) -> str:
    """Return the sentence of an outcome."""
    made = f"{calls} call{'' if calls == 1 else 's'}"
    done = f"it failed with {_plain(code)}" if code else f"{records} record{'' if records == 1 else 's'}"
    ids = f" requestId {', '.join(map(_plain, request_ids[:5]))}." if request_ids else ""
    return f"{_asked(facts)}; {made}, {done}.{ids}"


def _deed(facts: CallFacts) -> str:
    phrase = PHRASES.get(facts.operation.name)
    known = {name: value for name, value in facts.path.items() if _SAFE_ID.fullmatch(str(value))}
    if phrase is not None:
        return _plural(phrase, facts.n).format_map(_Known({**known, "n": f"{facts.n:,}"}))
    summary = re.split(r"[.;:,(]", facts.operation.summary.replace("`", ""), maxsplit=1)[0].strip()
    ids = ", ".join(f"{name} {value}" for name, value in known.items())
    deed = summary[:1].lower() + summary[1:] or facts.operation.name
    return f"{deed} ({ids})" if ids else deed


def _plural(phrase: str, n: int) -> str:
    return (
        phrase.replace("{n} people", "{n} person")
        .replace("{n} activities", "{n} activity")
        .replace("{n} members", "{n} member")
        if n == 1
        else phrase
    )


class _Known(dict[str, object]):
    def __missing__(self, name: str) -> str:
        return f"of another {name}"


def _plain(text: str) -> str:
    """Return a text in one line, and of a bounded length."""
    return _CONTROL.sub(" ", text).strip()[:300]
