"""What a person sees at run time: signatures, ``help``, ``repr`` and the functions that documentation tools read."""

from __future__ import annotations

import inspect
import pydoc
import re
from typing import Any

import pytest
from msgspec import Struct

from marketo_async import Marketo, Operation
from marketo_async.bulk.namespace import FAMILIES
from marketo_async.resources import HOMES, Leads, Lists, OpportunityRoles, families
from marketo_async.resources.descriptors import Composite, Declared
from marketo_async.resources.views import View
from marketo_async.sync import Marketo as BlockingMarketo
from tests.families import family_of


class Lead(Struct):
    id: int


class Named:
    """A sender that answers with the name of the operation."""

    async def send(self, operation: Operation, _: object) -> str:
        return operation.name

    def pages(self, operation: Operation, _: object) -> str:
        return operation.name


def lists_of(kind: Any) -> Any:
    return kind(Named(), Lead)


def async_client() -> Any:
    return Marketo("123-ABC-456", client_id="i", client_secret="s")


def blocking_client() -> Any:
    return BlockingMarketo("123-ABC-456", client_id="i", client_secret="s")


def returned(method: Any) -> str:
    return str(inspect.signature(method)).rpartition(" -> ")[2]


def helped(thing: object) -> str:
    return pydoc.plain(pydoc.render_doc(thing))


# What a method returns: on an async family, and on a blocking one.
RETURNED = {
    "leads.get": ("Lead | None", "Lead | None"),
    "leads.by_filter": ("Pager[Lead]", "BlockingPager[Lead]"),
    "leads.sync": ("Results[WriteRow]", "BlockingResults[WriteRow]"),
    "leads.update_partitions": ("Results[tuple[int, str]]", "BlockingResults[tuple[int, str]]"),
    "leads.batcher": ("Batcher[WriteRow, Result[WriteRow]]", "BlockingBatcher[WriteRow, Result[WriteRow]]"),
    "leads.associate": ("None", "None"),
    "lists.leads": ("Pager[Lead]", "BlockingPager[Lead]"),
    "opportunity_roles.by_key": ("Pager[Lead]", "BlockingPager[Lead]"),
    "bulk.leads.export": ("AsyncGenerator[Lead, None]", "Generator[Lead, None, None]"),
    "bulk.leads.export_to": ("ExportReport", "ExportReport"),
    "activities.since": ("Pager[Activity]", "BlockingPager[Activity]"),
    "activities.between": ("Pager[Activity]", "BlockingPager[Activity]"),
    "activities.lead_changes": ("Pager[LeadChange]", "BlockingPager[LeadChange]"),
    "activities.types_by_id": ("Mapping[int, ActivityType]", "Mapping[int, ActivityType]"),
    "emails.get": ("Email | None", "Email | None"),
    "emails.browse": ("Pager[Email]", "BlockingPager[Email]"),
    "emails_v2.approve": ("DesignedEmail", "DesignedEmail"),
    "emails_v2.browse": ("Pager[DesignedEmail]", "BlockingPager[DesignedEmail]"),
}


@pytest.mark.parametrize("name", RETURNED)
@pytest.mark.parametrize("side", [0, 1], ids=["async", "blocking"])
def test_a_signature_and_help_show_what_the_caller_gets(name: str, side: int) -> None:
    family, verb = (async_client, blocking_client)[side](), name.rpartition(".")[2]
    for part in name.split(".")[:-1]:
        family = getattr(family, part)
    method = getattr(family.of(Lead) if hasattr(family, "of") else family, verb)

    assert returned(method) == RETURNED[name][side]
    assert f" -> {RETURNED[name][side]}\n" in helped(method)
    assert (inspect.getdoc(method) or "-") in "\n".join(line.strip() for line in helped(method).splitlines())


@pytest.mark.parametrize("client", [async_client, blocking_client])
def test_no_method_shows_a_plan_or_a_type_variable_of_its_model(client: Any) -> None:
    marketo = client()
    blocking = client is blocking_client
    for family in families():
        for name in family.operations:
            where, shown = f"{family.name}.{name}", returned(getattr(family_of(marketo, family.name), name))
            assert not re.search(r"\b(Plan|Page|Batches|Listing|Ordered|Merged|Deferred|[LTD])\b", shown), (
                f"{family.name}.{name}"
            )
            assert not re.search(r"\b(Pager|Results)\b" if blocking else r"Blocking", shown), where


@pytest.mark.parametrize("kind", [Marketo, BlockingMarketo])
def test_help_of_a_client_names_each_family_with_one_line(kind: type[Any]) -> None:
    shown = helped(kind)

    assert (inspect.getdoc(kind) or "").startswith(("A client of", "A blocking client of"))
    for name, (_, family) in HOMES.items():
        first = next(found for found in families() if found.__name__ == family).__doc__ or "-"
        assert f" |      {name}: {first.splitlines()[0]}\n" in shown
    (line,) = re.findall(r"^ \|      bulk: (.+)$", shown, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", line)) == {family.name.removeprefix("bulk.") for family in FAMILIES}


def test_help_of_a_family_shows_its_methods_with_their_parameters() -> None:
    shown = helped(Leads)

    assert " |  get(self, lead_id: int, *, fields: Fields = None) -> L | None\n" in shown
    assert "(...)" not in shown.replace("__class_getitem__(...)", "")  # typing's own, from 3.13 on


def test_the_repr_of_a_declaration_is_the_call_and_its_parameters() -> None:
    assert repr(Leads.get) == "<GET /rest/v1/lead/{leadId}.json (lead_id: int, *, fields: Fields = None)>"
    assert repr(OpportunityRoles.by_key).startswith("<composite by_key (keys: Iterable[WriteRow], *, ")


def test_a_declaration_wraps_the_function_that_it_was_made_of() -> None:
    views = [member for family in families() for _, member in inspect.getmembers(family) if isinstance(member, View)]

    assert {type(view).__name__ for view in views} == {"Endpoint", "Paged", "Written", "Composite"}
    for view in views:
        plain = view.planner if isinstance(view, Declared) else view.method  # type: ignore[attr-defined]
        assert inspect.signature(view.__wrapped__).parameters == inspect.signature(plain).parameters
        assert inspect.getsource(view.__wrapped__) == inspect.getsource(plain)
        assert (view.__name__, view.__doc__) == (plain.__name__, plain.__doc__)
    assert isinstance(Leads.batcher, Composite)


async def test_a_declaration_can_be_called_with_a_family_as_a_function_of_a_class_can() -> None:
    lists = lists_of(Lists)

    assert Lists.browse(lists) == lists.browse() == "lists.browse"
    assert await Lists.get(lists, 7) == await lists.get(7) == "lists.get"


def test_a_method_that_overrides_another_is_found_again_after_a_call_of_the_other() -> None:
    class Louder(Lists[Any]):
        def browse(self) -> str:  # type: ignore[override]
            return f"louder than {super().browse()}"

    louder = lists_of(Louder)

    assert louder.browse() == louder.browse() == "louder than lists.browse"
