"""The pages say what is so: their commands parse, their paths and names exist, and their code type-checks."""

from __future__ import annotations

import ast
import importlib
import re
import shlex
import textwrap
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import mypy.api
import pytest
import typer

import marketo_async
from benchmarks.__main__ import NAMES, arguments
from marketo_async.cli.app import app

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "marketo_async"
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md", "examples/README.md")
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
LONGEST_README = 170

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#]+)[^)]*\)")
_TICKED = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(r"[\w./-]+(?:\.(?:py|md|svg|lua|toml)|/)")
_HOP = re.compile(r"_[a-z]\w*")
_NUMBER = re.compile(r"\d[\d,.]*\d|\d")


def text_of(page: str) -> str:
    return (ROOT / page).read_text()


def prose_of(page: str) -> str:
    return _BLOCK.sub("", text_of(page))


def blocks(page: str, language: str) -> list[str]:
    return [block for kind, block in _BLOCK.findall(text_of(page)) if kind == language]


def commands() -> Iterator[list[str]]:
    """Yield every command of every page, split into words."""
    for page in PAGES:
        for line in "\n".join(blocks(page, "sh")).splitlines():
            words = shlex.split(line, comments=True)
            while "&&" in words:
                at = words.index("&&")
                yield words[:at]
                words = words[at + 1 :]
            if words:
                yield words


def parse_marketo(words: list[str]) -> None:
    """Parse a command line of ours as the command would, without running it."""
    command: Any = typer.main.get_command(app)  # of click, which typer may carry inside
    context = command.make_context("marketo-async", list(words))
    while hasattr(command, "resolve_command"):
        name, command, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        context = command.make_context(name, rest, parent=context)


def parse_python(words: list[str]) -> None:
    match words:
        case ["-m", "venv", _]:
            pass
        case ["-m", "pip", "install", *options]:
            wanted = [extra for option in options for extra in re.findall(r"^\.\[(\w+)\]$", option)]
            assert set(wanted) <= set(EXTRAS)
            assert wanted or "." in options
        case ["-m", "pytest", *options]:
            assert all((ROOT / option).exists() for option in options if option.startswith("tests"))
        case ["-m", "benchmarks", *options]:
            arguments(options)
        case [program]:
            assert (ROOT / program).is_file()
        case _:
            pytest.fail(f"the pages use python in a way that no test knows: {words}")


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_every_command_parses(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("new.csv", "new.txt"):  # a command that reads a file wants to see it
        Path(name).touch()
    program, rest = words[0].removeprefix(".venv/bin/"), words[1:]
    match program:
        case "marketo-async" if rest != ["--help"]:
            parse_marketo(rest)
        case "python" | "python3":
            parse_python(rest)
        case "ruff" | "mypy" | "pyright":
            assert find_spec(program)
        case _:
            assert program.startswith(".ci/"), f"the pages name a command that no test knows: {program}"
            assert (ROOT / program).stat().st_mode & 0o100


def test_a_command_with_an_option_that_does_not_exist_would_be_found() -> None:
    with pytest.raises(Exception, match="--no-such-option"):
        parse_marketo(["export", "leads", "--out", "-", "--no-such-option"])
    with pytest.raises(Exception, match="exporting"):
        parse_marketo(["exporting"])


def test_the_first_screen_has_the_two_commands() -> None:
    first_screen = "\n".join(text_of("README.md").splitlines()[:24])
    assert "marketo-async demo" in first_screen
    assert re.search(r"\.venv/bin/python -m pytest -q -n auto$", first_screen, re.MULTILINE)


def test_the_command_that_ci_reads_out_of_the_readme_is_that_of_the_first_screen() -> None:
    """`.ci/run` takes the first line that ends with a pytest command, and measures the branch coverage of its tests."""
    found = re.findall(r"^.*\.venv/bin/(python -m pytest[^`]*?)$", text_of("README.md"), re.MULTILINE)
    assert found[0] == "python -m pytest -q -n auto"
    assert 'PYTEST_ADDOPTS=--cov eval ".venv-ci/bin/$tests"' in text_of(".ci/run")


def test_the_readme_is_short() -> None:
    assert len(text_of("README.md").splitlines()) <= LONGEST_README


@pytest.mark.parametrize("page", PAGES)
def test_no_line_of_prose_is_too_long(page: str) -> None:
    assert [line for line in text_of(page).splitlines() if len(line) > 120 and not line.startswith(("|", "!["))] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    links = [link for link in _LINK.findall(prose_of(page)) if "://" not in link]
    assert [link for link in links if not ((ROOT / page).parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_a_page_names_exists(page: str) -> None:
    inside = {path.name for path in PACKAGE.rglob("*")}
    homes = (ROOT, (ROOT / page).parent, PACKAGE)
    named = {found for found in _TICKED.findall(prose_of(page)) if _PATH.fullmatch(found)}
    missing = {
        path
        for path in named
        if not any((home / path).exists() for home in homes) and path.rstrip("/") not in (inside - {""})
    }
    assert missing == set()


def test_contributing_names_functions_where_they_are_defined() -> None:
    text = text_of("CONTRIBUTING.md")
    named = re.findall(r"`(\w+)`\s+(?:in\s+|\()`([\w/]+\.py)`", text)
    named += [(step, "session.py") for step in filter(_HOP.fullmatch, _TICKED.findall(text))]
    assert len(named) > 10
    for name, path in named:
        assert re.search(rf"(?:def |class |^){name}\b", (PACKAGE / path).read_text(), re.MULTILINE), (name, path)


def resolve(dotted: str) -> object:
    """Return what a dotted name below the package means: a module, or a name in one."""
    parts = dotted.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(["marketo_async", *parts[:cut]]))
        except ModuleNotFoundError:
            continue
        for name in parts[cut:]:
            found = getattr(found, name)
        return found
    raise AssertionError(f"{dotted} is not in the package")


def test_every_word_of_the_glossary_is_defined_where_it_says() -> None:
    rows = re.findall(r"^\| [\w ()]+ \| .* \| `([\w.]+)` \|$", text_of("CONTRIBUTING.md"), re.MULTILINE)
    assert len(rows) > 20
    for dotted in rows:
        assert resolve(dotted) is not None


def test_every_new_name_of_the_changelog_exists() -> None:
    names = re.findall(r"^\| `[\w.]+` \| `([a-z_]+[\w.]*)` \|$", text_of("CHANGELOG.md"), re.MULTILINE)
    assert len(names) > 50
    marketo = marketo_async.Marketo("123-ABC-456", client_id="i", client_secret="s")
    for name in names:
        if not name.startswith("marketo."):
            assert resolve(name) is not None
        else:
            assert hasattr(type(marketo), name.split(".")[1]) or name.split(".")[1] in marketo.__annotations__


def test_the_figures_of_the_promises_are_those_of_the_benchmarks() -> None:
    figures = set(_NUMBER.findall(text_of("benchmarks/README.md")))
    promises = text_of("README.md").partition("## Promises")[2].partition("\n## ")[0].replace("\n", " ")
    found = re.findall(r"\*\*(.+?)\*\*.*?Measured: (.*?)(?=- \*\*|$)", promises)
    assert len(found) == 4
    for promise, measured in found:
        numbers = set(_NUMBER.findall(measured))
        assert numbers, promise
        assert numbers <= figures, promise


def test_every_benchmark_is_in_the_table() -> None:
    table = text_of("benchmarks/README.md").partition("## What each benchmark measures")[2].partition("\n## ")[0]
    assert sorted(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == sorted(NAMES)


def test_every_example_is_in_the_cookbook() -> None:
    cookbook = text_of("examples/README.md")
    assert set(re.findall(r"^\| \[`(\w+\.py)`\]\(\1\) \|", cookbook, re.MULTILINE)) == {
        path.name for path in (ROOT / "examples").glob("*.py")
    }


def test_every_task_of_the_cookbook_names_a_function_of_an_example() -> None:
    tasks = re.split(r"^##+ ", text_of("examples/README.md"), flags=re.MULTILINE)[1:]
    shown = [task for task in tasks if "```python" in task]
    assert len(shown) > 15
    for task in shown:
        named = re.search(r"See `(\w+)`(?:\s+and\s+`(\w+)`)?\s+in\s+\[`(\w+\.py)`\]", task)
        assert named, task.partition("\n")[0]
        tree = ast.parse((ROOT / "examples" / named[3]).read_text())
        defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert {named[1], named[2] or named[1]} <= defined, task.partition("\n")[0]


def code_of(page: str) -> str:
    """Return every Python example of a page as a function of one module, with the names that a page leaves open."""
    opening = textwrap.dedent("""
        from collections.abc import Sequence
        from contextlib import AbstractContextManager
        from datetime import datetime
        from typing import Any
        from msgspec import Struct
        from marketo_async import Governor, Limits, Marketo, Priority
        from marketo_async.changes import Changes, ChangeEvent
        from marketo_async.errors import DailyQuotaExceeded
        from marketo_async.governor import RedisStore, SQLiteStore
        from marketo_async.sandbox import Fault, Sandbox

        many_addresses: list[str]
        lead_ids: list[int]
        records: list[dict[str, Any]]
        record: dict[str, Any]
        since: datetime
        until: datetime
        token: str | None
        limits: Limits
        def save(token: str | None) -> None: ...
        kept: str | None
        changes: Changes
        database: AbstractContextManager[None]
        def write(events: Sequence[ChangeEvent]) -> None: ...
        async def write_together(events: Sequence[ChangeEvent], position: str) -> None: ...
    """)
    functions = [
        f"async def example_{number}(marketo: Any = ...) -> None:\n" + textwrap.indent(block, "    ")
        if re.search(r"^\s*(?:marketo = |with .* as marketo)", block, re.MULTILINE)
        else f"async def example_{number}(marketo: Marketo) -> None:\n" + textwrap.indent(block, "    ")
        for number, block in enumerate(blocks(page, "python"))
    ]
    return "\n\n".join([opening, *functions])


@pytest.mark.parametrize("page", ["README.md", "examples/README.md"])
def test_every_name_that_an_example_imports_exists(page: str) -> None:
    tree = ast.parse(code_of(page))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert imports
    for node in imports:
        module = importlib.import_module(node.module or "")
        assert [alias.name for alias in node.names if not hasattr(module, alias.name)] == []


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", ["README.md", "examples/README.md"])
def test_the_examples_of_a_page_type_check(page: str, tmp_path: Path) -> None:
    module = tmp_path / "page.py"
    module.write_text(code_of(page))
    report, complaints, status = mypy.api.run(
        [str(module), "--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(tmp_path), "--no-error-summary"]
    )
    assert (status, report, complaints) == (0, "", "")
