"""Runs the commands of ``mirror``: one instance, or several of a file, each with a governor and a dataset of its own.

See ``mirror`` for the options, and ``mirror_gauge`` for the display.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import typer
from msgspec import Struct
from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from marketo_async import Governor, Limits, Marketo
from marketo_async.changes import Budget
from marketo_async.cli.drain import this_command
from marketo_async.cli.exits import exit_for
from marketo_async.cli.mirror_gauge import MirrorGauge, VerifyGauge
from marketo_async.cli.sharing import client, file_of
from marketo_async.errors import ConfigurationError, InvalidRequest, MarketoError
from marketo_async.governor import SQLiteStore
from marketo_async.instances import Instance, load_instances

if TYPE_CHECKING:
    from marketo_async.mirror import Mirror
    from marketo_async.mirror.status import MirrorStatus

_INSTANCE = "{instance}"
_PASSWORD = re.compile(r"(://[^:@/\s]*:)\S*@")


class Selected(Struct, frozen=True):
    """An instance to mirror: its name in a file of instances, its client, and where its tables are."""

    name: str | None
    marketo: Marketo
    target: str
    dataset: str | None

    @property
    def prefix(self) -> str:
        """The beginning of a line that is about it."""
        return "" if self.name is None else f"{self.name}: "


class _Status(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The state of a mirror as JSON."""

    name: str | None = None
    instance: str
    target: str
    rows: Mapping[str, int]
    settled: datetime | None
    loads: int

    @classmethod
    def of(cls, one: Selected, found: MirrorStatus) -> _Status:
        return cls(
            name=one.name,
            instance=found.instance,
            target=found.target,
            rows=found.rows,
            settled=_moment(found),
            loads=found.state.loads,
        )


class MirrorOptions(Struct, frozen=True, kw_only=True):
    """What a mirror holds, and what it may use in a day."""

    tables: list[str] | None = None
    since: datetime | None = None
    budget_calls: int | None = None
    budget_mb: int | None = None
    poll: float = 60.0


class VerifyOptions(Struct, frozen=True, kw_only=True):
    """What a verification compares."""

    parts: list[str] | None
    full: bool
    chunks: int
    since: datetime | None
    repair: bool
    poll: float | None


def selected(
    target: str,
    dataset: str | None,
    instances: Path | None,
    *,
    daily: int = 50_000,
    reserve: int = 0,
    store: str | None = None,
) -> list[Selected]:
    """Return the instance of the environment, or those that a file describes, each with a client.

    Raises `ConfigurationError` for a file that can't be used.
    """
    if instances is None:
        marketo = client(daily=daily, reserve=reserve, store=store)
        return [Selected(None, marketo, target.replace(_INSTANCE, "marketo"), dataset)]
    if dataset is not None and _INSTANCE not in target:
        raise InvalidRequest(
            "--dataset would put all instances into the same tables; leave it out, or write {instance} into TARGET"
        )
    return [
        Selected(
            name,
            instance.client(governor=_governor(instance)),
            target.replace(_INSTANCE, name),
            dataset if _INSTANCE in target else name,
        )
        for name, instance in load_instances(instances).items()
    ]


def run(chosen: Sequence[Selected], options: MirrorOptions, *, follow: bool, quiet: bool) -> None:
    """Load and update mirrors; an exception gets a note that says how to continue."""
    opened = [(one, _mirror(one, options)) for one in chosen]
    gauge = MirrorGauge({one.name: (one.marketo, mirror) for one, mirror in opened})

    async def work(one: Selected, mirror: Mirror) -> None:
        async with one.marketo, mirror:
            await one.marketo.calibrate()  # the quota then includes the calls of all API users
            await mirror.run(follow=follow)

    async def whole() -> list[MarketoError]:
        async with gauge.shown(quiet=quiet):
            return await _each(opened, work)

    try:
        errors = asyncio.run(whole())
    except (KeyboardInterrupt, MarketoError, OSError) as error:
        if gauge.written or isinstance(error, KeyboardInterrupt):
            error.add_note(f"{gauge.summary()}; continue with: {without_passwords(this_command())}")
        raise
    if not quiet:
        typer.echo(gauge.summary(), err=True)
    _end(errors)


def show_plan(chosen: Sequence[Selected], options: MirrorOptions) -> None:
    """Print what first loads will cost."""

    async def work(one: Selected, mirror: Mirror) -> None:
        async with one.marketo:
            found = await mirror.plan()
        typer.echo(f"{one.prefix}{mirror}\n{found.text()}")

    opened = [(one, _mirror(one, options)) for one in chosen]
    _end(asyncio.run(_each(opened, work)))


def show_status(chosen: Sequence[Selected], *, json: bool) -> None:
    """Print what mirrors hold."""

    async def work(one: Selected, mirror: Mirror) -> None:
        async with mirror:
            found = await mirror.status()
        if json:
            typer.echo(msgspec.json.encode(_Status.of(one, found)))
        else:
            Console().print(*_lines(one, found), sep="\n")

    opened = [(one, _mirror(one, MirrorOptions())) for one in chosen]
    _end(asyncio.run(_each(opened, work, at_once=1)))


def verify(chosen: Sequence[Selected], options: VerifyOptions, *, quiet: bool) -> bool:
    """Compare mirrors with their instances, print the rows that differ, and return whether all are right."""
    from marketo_async.mirror.verify.verifier import PARTS  # noqa: PLC0415 - it needs the extra mirror

    right = True

    async def work(one: Selected, mirror: Mirror) -> None:
        nonlocal right
        gauge = VerifyGauge(one.marketo.governor, one.prefix)
        async with gauge.shown(quiet=quiet), one.marketo, mirror:
            await one.marketo.calibrate()
            report = await mirror.verify(
                full=options.full,
                parts=options.parts or PARTS,
                chunks=options.chunks,
                since=options.since,
                repair=options.repair,
                job_poll=options.poll,
                progress=gauge.show,
            )
        name = {} if one.name is None else {"instance": one.name}
        for row in report.differences:
            typer.echo(msgspec.json.encode({**name, **msgspec.to_builtins(row)}))
        if not quiet:
            typer.echo(f"{one.prefix}{report} | {gauge.pace()}", err=True)
        right = right and (report.right if not report.repaired else not report.left)

    opened = [(one, _mirror(one, MirrorOptions())) for one in chosen]
    _end(asyncio.run(_each(opened, work, at_once=1)))
    return right


def _mirror(one: Selected, options: MirrorOptions) -> Mirror:
    try:
        from marketo_async.mirror import Mirror  # noqa: PLC0415 - it needs the extra mirror
    except ModuleNotFoundError as error:
        raise ConfigurationError(str(error)) from error
    return Mirror(
        one.marketo,
        one.target,
        dataset=one.dataset,
        tables="all" if options.tables is None else options.tables,
        since=options.since,
        budget=None if options.budget_calls is None else Budget(calls_per_day=options.budget_calls),
        budget_mb=options.budget_mb,
        poll=options.poll,
    )


async def _each(
    opened: Sequence[tuple[Selected, Mirror]],
    work: Callable[[Selected, Mirror], Awaitable[None]],
    *,
    at_once: int | None = None,
) -> list[MarketoError]:
    """Do the work of every instance of a file, whatever happens to the others; print their errors, and return them.

    The error of the only one, that of the environment, is raised.
    """
    if len(opened) == 1 and opened[0][0].name is None:
        await work(*opened[0])
        return []
    slots = asyncio.Semaphore(at_once or len(opened))
    errors: list[MarketoError] = []

    async def one(selection: Selected, mirror: Mirror) -> None:
        try:
            async with slots:
                await work(selection, mirror)
        except MarketoError as error:
            typer.echo(f"{selection.prefix}error: {error}", err=True)
            errors.append(error)

    async with asyncio.TaskGroup() as tasks:
        for selection, mirror in opened:
            tasks.create_task(one(selection, mirror))
    return errors


def _end(errors: Sequence[MarketoError]) -> None:
    """End with the exit code of the first error, if there is one."""
    if errors:
        raise typer.Exit(exit_for(errors[0]))


def _governor(instance: Instance) -> Governor:
    """Return the governor of an instance of a file; runs share its limits through a file, as other commands do."""
    if instance.store is not None:
        return instance.governor()
    limits = Limits() if instance.calls_a_day is None else Limits(daily=instance.calls_a_day)
    return Governor(limits, store=SQLiteStore(file_of(instance.endpoint)))


def without_passwords(text: str) -> str:
    """Return a text without the passwords of the URLs in it."""
    return _PASSWORD.sub(r"\1***@", text)


def _lines(one: Selected, found: MirrorStatus) -> Sequence[RenderableType]:
    table = Table("table", "rows", box=box.SIMPLE_HEAD, pad_edge=False)
    table.columns[1].justify = "right"
    for name, rows in found.rows.items():
        table.add_row(name, f"{rows:,}")
    settled = _moment(found)
    has = "nothing yet" if settled is None else f"everything that happened before {settled:%Y-%m-%d %H:%M:%S} UTC"
    return [Text(f"{one.prefix}a mirror of {found.instance} at {found.target}"), table, Text(f"It has {has}.")]


def _moment(found: MirrorStatus) -> datetime | None:
    return None if found.settled is None else datetime.fromtimestamp(found.settled, UTC)
