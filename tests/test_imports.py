"""What may import what, what importing costs, and which names are public."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import marketo_async
from marketo_async import errors, governor
from marketo_async.errors import MarketoError

PACKAGE = Path(marketo_async.__file__).parent
MODULES = sorted(
    ".".join(("marketo_async", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
    for path in PACKAGE.rglob("*.py")
)

# From the ground up: a layer imports only itself and the layers before it.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("errors",),
    ("workthread", "atomic_file", "sqlite_file", "turns", "connecting", "argument_kinds", "wire_value"),
    ("codes",),
    ("models",),
    ("fitting",),
    ("envelope",),
    ("operation",),
    ("retry",),
    ("request", "response", "download", "governor"),
    ("auth", "call", "waits"),
    ("transport",),
    ("session",),
    ("paging", "descriptions"),
    ("writes",),
    ("batcher",),
    ("portal",),
    ("blocking",),
    ("resources",),
    ("bulk",),
    ("changes",),
    ("effects", "schema"),
    ("planning",),
    ("caller",),
    ("client",),
    ("instances",),
    ("sync",),
    ("mirror",),
    ("",),  # the package itself
    ("mcp",),
    ("cli",),
)
LONG = 350  # lines of a module
APART = "sandbox"  # imports nothing of the client, and nothing but the command line imports it


def part(module: str) -> str:
    """Return the part of the package that a module belongs to, empty for the package itself."""
    return module.removeprefix("marketo_async").removeprefix(".").partition(".")[0]


def path_of(module: str) -> Path:
    stem = PACKAGE.joinpath(*module.split(".")[1:])
    return stem / "__init__.py" if stem.is_dir() else stem.with_suffix(".py")


def tree_of(module: str) -> ast.Module:
    return ast.parse(path_of(module).read_text())


def imports(module: str) -> Iterator[str]:
    """Yield every module of the package that a module imports, wherever in its text."""
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("marketo_async"))
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = module.split(".") if path_of(module).name == "__init__.py" else module.split(".")[:-1]
                base = ".".join([*package[: len(package) - node.level + 1], *filter(None, [base])])
            if base.startswith("marketo_async"):
                names = (f"{base}.{alias.name}" for alias in node.names)
                yield from (name if name in MODULES else base for name in names)


def rank(name: str) -> int:
    return next(number for number, layer in enumerate(LAYERS) if name in layer)


def test_every_module_has_its_layer() -> None:
    parts = {part(module) for module in MODULES}

    assert parts - {APART} == {name for layer in LAYERS for name in layer}


@pytest.mark.parametrize("module", [module for module in MODULES if part(module) != APART])
def test_a_module_imports_nothing_above_it(module: str) -> None:
    own = part(module)
    for imported in set(imports(module)):
        other = part(imported)
        if other == APART:
            assert own == "cli", f"{module} imports {imported}"
        else:
            assert other == own or rank(other) < rank(own), f"{module} imports {imported}"


MANY_CALLS = {"paging", "descriptions", "writes", "batcher", "bulk", "resources", "caller"}


@pytest.mark.parametrize(
    ("layer", "strangers"),
    [
        ("session", MANY_CALLS),
        ("paging", {"session", "transport", *MANY_CALLS} - {"paging"}),
        ("writes", {"session", "transport", *MANY_CALLS} - {"writes", "descriptions"}),
    ],
)
def test_one_call_and_many_are_apart(layer: str, strangers: set[str]) -> None:
    """The session makes one call; paging and writes are siblings, and only the caller uses all three."""
    found = {part(imported) for module in MODULES if part(module) == layer for imported in imports(module)}
    assert found & strangers == set()
    assert {"session", "paging", "writes"} <= {part(imported) for imported in imports("marketo_async.caller")}


def unexplained(module: str) -> bool:
    """Return whether a module is long, and its docstring does not say why."""
    text = path_of(module).read_text()
    said = " ".join((ast.get_docstring(ast.parse(text)) or "").split())
    reason = re.search(r"is long(er than 350 lines)? (because|so that) ", said)
    return len(text.splitlines()) > LONG and reason is None


def test_a_long_module_says_why_it_is_one() -> None:
    assert [module for module in MODULES if part(module) != APART and unexplained(module)] == []


@pytest.mark.parametrize("module", [module for module in MODULES if part(module) == APART])
def test_the_sandbox_stands_on_its_own(module: str) -> None:
    assert {part(imported) for imported in imports(module)} <= {APART}


def test_the_layers_are_read_from_the_text() -> None:
    """The walk must see what is there, or the tests above would pass for nothing."""
    assert "marketo_async.errors" in set(imports("marketo_async.session"))
    assert "marketo_async.governor.gate" in set(imports("marketo_async.governor.governor"))
    assert "marketo_async.client" in set(imports("marketo_async"))
    assert rank("errors") < rank("session") < rank("cli")


def in_a_fresh_process(code: str) -> str:
    """Run code with every warning an error, and return what it prints."""
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-W", "error", "-X", "dev", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_importing_the_package_warns_of_nothing_and_brings_no_more_than_it_needs() -> None:
    printed = in_a_fresh_process("import sys, marketo_async; print(*sys.modules)")

    loaded = {name.partition(".")[0] for name in printed.split()}
    assert {"aiohttp", "aiolimiter", "msgspec"} <= loaded
    assert loaded & {"typer", "rich", "click", "pytest", "hypothesis", "looptime", "aioresponses", "requests"} == set()
    assert loaded & {"sqlite3", "redis", "platformdirs"} == set()
    assert loaded & {"dlt", "duckdb", "psycopg2", "pyarrow"} == set()
    assert {part(name) for name in printed.split() if name in MODULES} & {"sandbox", "cli"} == set()


@pytest.mark.parametrize("module", [module for module in MODULES if module.endswith(("sandbox", "errors", "codes"))])
def test_a_part_that_people_import_by_itself_can_be(module: str) -> None:
    assert in_a_fresh_process(f"import {module}; print({module}.__name__)").strip() == module


@pytest.mark.parametrize(("store", "brings"), [("SQLiteStore", "sqlite3"), ("RedisStore", "redis")])
def test_a_store_is_imported_when_it_is_first_named(store: str, brings: str) -> None:
    code = f"import sys; from marketo_async.governor import {store}; print(*sys.modules)"

    loaded = {name.partition(".")[0] for name in in_a_fresh_process(code).split()}
    assert loaded & {"sqlite3", "redis"} == {brings}


def test_a_store_whose_library_is_missing_says_what_to_install() -> None:
    code = """if True:
        import sys
        sys.modules["redis"] = None
        import marketo_async.governor as governor
        try:
            governor.RedisStore
        except ImportError as error:
            print(error)
        print(hasattr(governor, "MongoStore"))
    """

    assert in_a_fresh_process(code).splitlines() == [
        "RedisStore needs redis-py: pip install 'marketo-async[redis]'",
        "False",
    ]


def test_only_a_mirror_that_is_opened_imports_dlt() -> None:
    code = "import sys, marketo_async.mirror; print(*sys.modules)"

    loaded = {name.partition(".")[0] for name in in_a_fresh_process(code).split()}
    assert loaded & {"dlt", "duckdb", "psycopg2", "pyarrow"} == {"pyarrow"}


@pytest.mark.parametrize("missing", ["dlt", "pyarrow"])
def test_a_mirror_without_its_extra_says_what_to_install(missing: str) -> None:
    code = f"""if True:
        import importlib.util
        real = importlib.util.find_spec
        importlib.util.find_spec = lambda name, *rest: None if name == {missing!r} else real(name, *rest)
        try:
            import marketo_async.mirror
        except ModuleNotFoundError as error:
            print(error, error.name)
    """

    told = f"the mirror needs {missing}: pip install 'marketo-async[mirror]' {missing}"
    assert in_a_fresh_process(code).strip() == told


@pytest.mark.parametrize(
    ("missing", "told"), [("redis.asyncio", "pip install 'marketo-async\\[redis\\]'"), ("elsewhere", "^no elsewhere$")]
)
def test_only_a_missing_redis_is_told_as_one(missing: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(_: str) -> None:
        raise ModuleNotFoundError(f"no {missing}", name=missing)

    monkeypatch.setattr(governor, "import_module", absent)
    with pytest.raises(ModuleNotFoundError, match=told):
        getattr(governor, "RedisStore")  # noqa: B009 - the type checkers know it is there
    with pytest.raises(AttributeError, match="MongoStore"):
        getattr(governor, "MongoStore")  # noqa: B009


def test_importing_starts_nothing() -> None:
    code = "import threading, asyncio, marketo_async; print(threading.active_count()); marketo_async.Governor()"

    assert in_a_fresh_process(code).strip() == "1"


def test_the_public_names_are_these() -> None:
    assert sorted(marketo_async.__all__) == [
        "Batcher",
        "CallRecord",
        "Governor",
        "Limits",
        "Marketo",
        "Operation",
        "Page",
        "Pager",
        "Priority",
        "Result",
        "Results",
        "RetryPolicy",
        "Snapshot",
        "operations",
    ]
    assert all(hasattr(marketo_async, name) for name in marketo_async.__all__)


def test_every_public_exception_descends_from_one_root() -> None:
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, BaseException)]

    assert len(kinds) >= 18
    assert all(issubclass(kind, MarketoError) for kind in kinds)


def test_exceptions_are_defined_in_one_place_only() -> None:
    """Another exception class in the package would be one that callers can't name."""
    elsewhere = {
        f"{module}.{node.name}"
        for module in MODULES
        if part(module) not in {APART, "cli", "errors"}
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.ClassDef)
        and any(getattr(base, "attr", getattr(base, "id", "")).endswith(("Error", "Exception")) for base in node.bases)
    }

    assert elsewhere == {
        "marketo_async.connecting.NotConnected",  # raised as TransportError
        "marketo_async.envelope.MissingResult",  # raised as UnexpectedShape
        "marketo_async.models.columns.UnfitValue",  # raised as BadRow
        "marketo_async.transport._ConnectionBroke",  # raised as TransportError
        "marketo_async.mcp.agents.NotIdentified",  # answered with HTTP 401
        "marketo_async.mcp.toolcall.Refusal",  # answered as an error of the tool
        "marketo_async.download.SinkFailed",  # carries the error of a sink, which is raised as it is
    }


@pytest.mark.parametrize("module", MODULES)
def test_a_module_says_what_it_is_for(module: str) -> None:
    assert ast.get_docstring(tree_of(module))


@pytest.mark.parametrize("module", [module for module in MODULES if part(module) != APART])
def test_no_module_uses_a_pool_that_ends_with_the_main_thread(module: str) -> None:
    """asyncio's own executor can't be started after that; `WorkThread` can, in a worker that outlives it."""
    used = {node.attr for node in ast.walk(tree_of(module)) if isinstance(node, ast.Attribute)}
    assert not used & {"to_thread", "run_in_executor", "ThreadPoolExecutor"}
