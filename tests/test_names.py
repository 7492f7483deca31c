"""One word, one thing: no two public classes share a name, and no class and function differ by case alone."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import marketo_async

PACKAGE = Path(marketo_async.__file__).parent
APART = {"sandbox", "sync"}  # a server with words of its own, and the blocking twins of the families
VARIABLES = {"TypeVar", "ParamSpec"}

# Functions that are called after a class without returning it, and why.
CALLED_AFTER: dict[str, str] = {
    "activities": "the commands of a family have the family's name",
    "leads": "the commands of a family have the family's name",
    "usage": "the command of a family has the family's name",
    "source": "dlt calls a function that makes a source after it",
    "results": "it plans a call with a result for each record, which `Results` delivers",
}

Text = Mapping[str, str]


def sources() -> Text:
    found = {path.relative_to(PACKAGE).as_posix(): path.read_text() for path in PACKAGE.rglob("*.py")}
    return {name: text for name, text in found.items() if name.partition("/")[0] not in APART}


def is_class(node: ast.stmt) -> str | None:
    """Return the name of a public class, or of an alias of types, that a statement defines."""
    if isinstance(node, ast.ClassDef):
        name = node.name
    elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        name = node.targets[0].id
        called = ast.unparse(node.value.func) if isinstance(node.value, ast.Call) else ""
        if called in VARIABLES or name.isupper():
            return None
    else:
        return None
    return name if name[0].isupper() else None


def classes(texts: Text) -> dict[str, list[str]]:
    found = defaultdict(list)
    for path, text in texts.items():
        for name in filter(None, map(is_class, ast.parse(text).body)):
            found[name].append(path)
    return found


def homonyms(texts: Text) -> dict[str, list[str]]:
    return {name: paths for name, paths in classes(texts).items() if len(paths) > 1}


def functions_called_after_a_class(texts: Text) -> set[str]:
    """Return the public functions whose names differ from a class's by case only, unless they return that class."""
    by_letters = {name.lower(): name for name in classes(texts)}
    return {
        node.name
        for text in texts.values()
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name[0] != "_"
        if (kind := by_letters.get(node.name.replace("_", "")))
        if kind not in words(node.returns)
    }


def words(annotation: ast.expr | None) -> set[str]:
    return set() if annotation is None else {node.id for node in ast.walk(annotation) if isinstance(node, ast.Name)}


def test_no_two_public_classes_share_a_name() -> None:
    assert homonyms(sources()) == {}


def test_a_function_differs_by_more_than_case_from_a_class_that_it_does_not_return() -> None:
    assert functions_called_after_a_class(sources()) == CALLED_AFTER.keys()


def test_the_walk_sees_what_it_must() -> None:
    """Or the tests above would pass for nothing."""
    texts = {
        "one.py": "class Row: ...\nRows = list[Row]\nT = TypeVar('T')\nLIMIT = 3\n",
        "two.py": "class Row: ...\nRows = tuple[Row, ...]\nT = TypeVar('T')\nLIMIT = 4\nclass _Own: ...\n",
        "three.py": "class _Own: ...\ndef rows() -> int: ...\ndef row() -> list[Row]: ...\ndef _rows() -> int: ...\n",
    }

    assert homonyms(texts) == {"Row": ["one.py", "two.py"], "Rows": ["one.py", "two.py"]}
    assert functions_called_after_a_class(texts) == {"rows"}
    assert {"Leads", "Pager", "Between", "Record"} <= classes(sources()).keys()
