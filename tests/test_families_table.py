"""A family is declared once, in `HOMES`: what else names the families agrees with it, or a test says what to add where.

``python -m tests.test_families_table`` writes the table of ``marketo_async/resources/README.md``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path

import pytest

import marketo_async
from marketo_async import Marketo, operations, resources
from marketo_async.bulk.namespace import FAMILIES
from marketo_async.resources import HOMES, Resource
from marketo_async.resources.blocking import Blocking
from marketo_async.sync import Marketo as BlockingMarketo
from marketo_async.sync import families as twins

PACKAGE = Path(marketo_async.__file__).parent
TABLE = PACKAGE / "resources" / "README.md"
PAGES = "https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/"
ADDED = {**HOMES, "pets": ("pets", "Pets")}
HEAD = """# The families of operations

`marketo.leads` is a `Leads`, and so on; each blocking family has the methods of its async twin.
`python -m tests.test_families_table` writes this page from the declarations.

| family | class | what it is | operations |
|---|---|---|---:|
"""


def classes_in(path: str) -> list[ast.ClassDef]:
    return [node for node in ast.parse((PACKAGE / path).read_text()).body if isinstance(node, ast.ClassDef)]


def annotations_in(path: str) -> dict[str, str]:
    (marketo,) = (node for node in classes_in(path) if node.name == "Marketo")
    annotations = [node for node in marketo.body if isinstance(node, ast.AnnAssign)]
    return {ast.unparse(node.target): ast.unparse(node.annotation) for node in annotations}


def is_typed(kind: str) -> bool:
    return bool(getattr(getattr(resources, kind, None), "__parameters__", ()))


def missing_modules(homes: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    for name, (module, kind) in homes.items():
        path = PACKAGE / "resources" / f"{module}.py"
        if not path.exists():
            yield f"add marketo_async/resources/{module}.py with `class {kind}(Resource)`"
            continue
        found = getattr(import_module(f"marketo_async.resources.{module}"), kind, None)
        if not (isinstance(found, type) and issubclass(found, Resource)):
            yield f"add `class {kind}(Resource)` to marketo_async/resources/{module}.py"
        elif found.name != name:
            yield f"set `name = {name!r}` in {kind}, marketo_async/resources/{module}.py"
        elif not found.__doc__:
            yield f"add a docstring to {kind}, marketo_async/resources/{module}.py"
        elif PAGES not in found.__doc__:
            yield f"add the address of Marketo's page to the docstring of {kind}, marketo_async/resources/{module}.py"


def missing_exports(homes: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    where = "marketo_async/resources/__init__.py"
    imported = {
        (node.module, alias.name)
        for node in ast.walk(ast.parse((PACKAGE / "resources" / "__init__.py").read_text()))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    for module, kind in homes.values():
        if (f"marketo_async.resources.{module}", kind) not in imported:
            yield f"add `from marketo_async.resources.{module} import {kind}` under TYPE_CHECKING to {where}"
        if kind not in resources.__all__:
            yield f"add {kind!r} to __all__ of {where}"


def missing_annotations(homes: Mapping[str, tuple[str, str]], path: str, prefix: str) -> Iterator[str]:
    found = annotations_in(path)
    for name, (_, kind) in homes.items():
        wanted = f"{prefix}{kind}[Record]" if is_typed(kind) else f"{prefix}{kind}"
        if found.pop(name, None) != wanted:
            yield f"add `{name}: {wanted}` to Marketo in marketo_async/{path}"
    found.pop("bulk")
    yield from (f"remove `{name}` from Marketo in marketo_async/{path}, or add it to HOMES" for name in found)


def missing_twins(homes: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    for _, kind in homes.values():
        twin, family = getattr(twins, kind, None), getattr(resources, kind, None)
        bases = f"Blocking, resources.{kind}" + ("[L]" if is_typed(kind) else "")
        if twin is None or family is None or not issubclass(twin, Blocking) or not issubclass(twin, family):
            yield f"add `class {kind}({bases})` to marketo_async/sync/families.py"
        elif is_typed(kind) and "of" in vars(family) | vars(resources.Resource) and "of" not in vars(twin):
            yield f"add `of` to {kind} in marketo_async/sync/families.py, as in Leads"
    known = {kind for _, kind in homes.values()}
    for node in classes_in("sync/families.py"):
        if node.name not in known:
            yield f"remove {node.name} from marketo_async/sync/families.py, or add it to HOMES"


def table(homes: Mapping[str, tuple[str, str]]) -> str:
    """Return the page of all families."""
    lines = []
    for name, (module, kind) in homes.items():
        family = getattr(resources, kind)
        what = (family.__doc__ or "").partition("\n")[0].replace("``", "`").replace("|", "\\|")
        lines.append(f"| `{name}` | [`{kind}`]({module}.py) | {what} | {len(family.operations)} |\n")
    for family in FAMILIES:
        what = (family.__doc__ or "").partition("\n")[0].replace("``", "`").replace("|", "\\|")
        path = f"../bulk/{family.__module__.rpartition('.')[2]}.py"
        lines.append(f"| `{family.name}` | [`{family.__name__}`]({path}) | {what} | {len(family.operations)} |\n")
    return HEAD + "".join(lines)


PLACES = {
    "modules": missing_modules,
    "exports": missing_exports,
    "the async client": lambda homes: missing_annotations(homes, "client.py", ""),
    "the blocking client": lambda homes: missing_annotations(homes, "sync/client.py", "families."),
    "blocking twins": missing_twins,
}


@pytest.mark.parametrize("place", PLACES)
def test_every_place_names_the_families_of_the_table(place: str) -> None:
    assert list(PLACES[place](HOMES)) == []


@pytest.mark.parametrize("place", PLACES)
def test_a_new_line_in_the_table_says_what_to_add(place: str) -> None:
    (said, *_) = PLACES[place](ADDED)

    assert said.startswith("add ")
    assert "Pets" in said
    assert "marketo_async/" in said


@pytest.mark.parametrize("place", ["the async client", "the blocking client", "blocking twins"])
def test_a_line_that_is_gone_from_the_table_says_what_to_remove(place: str) -> None:
    (said,) = PLACES[place]({name: home for name, home in HOMES.items() if name != "users"})

    assert said.startswith("remove ")
    assert "users" in said.lower()


def test_the_page_of_the_families_is_the_table() -> None:
    assert TABLE.read_text() == table(HOMES), "run `python -m tests.test_families_table`"


def test_every_operation_belongs_to_a_family_of_the_table() -> None:
    assert {name.split(".")[0] for name in operations()} == {*HOMES, "bulk", "identity"}


@pytest.mark.parametrize("kind", [Marketo, BlockingMarketo])
def test_a_client_lists_its_families_and_has_no_other(kind: type[Marketo | BlockingMarketo]) -> None:
    marketo = kind("123-ABC-456", client_id="i", client_secret="s")

    assert {*HOMES, "bulk", "with_options", "base_url"} <= set(dir(marketo))
    assert all(hasattr(marketo, name) for name in HOMES)
    with pytest.raises(AttributeError, match="no attribute 'pets'"):
        getattr(marketo, "pets")  # noqa: B009 - the type checkers know that there are none


if __name__ == "__main__":
    TABLE.write_text(table(HOMES))
