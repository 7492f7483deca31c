"""Makes the call of one operation: plans it, shows it, asks before it does harm, sends it and writes the answer.

See ``call_arguments`` for its arguments and ``showing`` for the output.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import IO, Any

import typer
from msgspec import Struct

from marketo_async import Marketo
from marketo_async.caller import Caller
from marketo_async.cli.call_arguments import Notation, arguments_of, notation_of
from marketo_async.cli.call_options import OutputForm
from marketo_async.cli.exits import Exit
from marketo_async.cli.field_names import keep_fields
from marketo_async.cli.output import STDOUT
from marketo_async.cli.sharing import client
from marketo_async.cli.showing import Answers, AnswerTable, JsonLines, print_requests
from marketo_async.effects import Effect, effect_of
from marketo_async.errors import InvalidRequest
from marketo_async.models.records import RecordResult
from marketo_async.operation import Deferred, Dialect, Operation, Plan
from marketo_async.paging import Pager
from marketo_async.planning import Planned, describes, parts, plan_of, requests
from marketo_async.schema import Callee
from marketo_async.writes import Batches

_HARMLESS = frozenset({Effect.READ, Effect.CHANGE})


class Invocation(Struct, frozen=True, kw_only=True):
    """The options that all operations share."""

    json: str | None = None
    limit: int | None = None
    yes: bool = False
    dry_run: bool = False
    output: OutputForm | None = None
    daily: int = 50_000
    reserve: int = 0
    store: str | None = None


def invoke(found: Callee, given: Mapping[str, object], chosen: Invocation) -> None:
    """Call an operation with the words of its command.

    Exits with ``Exit.REFUSED`` if Marketo did not accept a record; raises `InvalidRequest` for arguments that the
    operation does not take, and without a confirmation.
    """
    arguments = _arguments(found, given, chosen.json)
    marketo = client(daily=chosen.daily, reserve=chosen.reserve, store=chosen.store)
    operation, planned = plan_of(found.operation.name, arguments, munchkin_id=marketo.munchkin_id)
    if chosen.dry_run:
        _show(marketo, operation, planned)
        return
    if not chosen.yes:
        _confirm(operation, planned)
    table = sys.stdout.isatty() if chosen.output is None else chosen.output is OutputForm.TABLE
    answers: Answers = AnswerTable() if table else JsonLines()
    refused = asyncio.run(_call(marketo, operation, planned, answers, chosen.limit))
    answers.finish()
    if refused:
        typer.echo(f"records not accepted: {refused:,}", err=True)
        raise typer.Exit(Exit.REFUSED)


def _arguments(found: Callee, given: Mapping[str, object], json: str | None) -> dict[str, object]:
    paths = {
        one.name: str(given[one.name])
        for one in found.parameters
        if notation_of(one) is Notation.FILE and given[one.name] is not None
    }
    if [*paths.values(), json].count(str(STDOUT)) > 1:
        raise InvalidRequest("only one of the arguments can be read from stdin; put the others into files")
    files = {name: _read(path) for name, path in paths.items()}
    return arguments_of(found, given, None if json is None else _read(json), files, now=datetime.now(UTC))


def _read(path: str) -> bytes:
    return typer.get_binary_stream("stdin").read() if path == str(STDOUT) else Path(path).read_bytes()


def _show(marketo: Marketo, operation: Operation, planned: Planned) -> None:
    if isinstance(planned, Deferred):
        raise InvalidRequest(
            "the requests depend on the types or fields of the instance; give types by id, and fields by name"
        )
    base = marketo.ingestion_url if operation.dialect is Dialect.INGESTION else marketo.base_url
    found = list(requests(operation, planned, base))
    if isinstance(planned, Batches) and describes(planned):
        typer.echo("a description of the record type is requested first", err=True)
    if operation.paging is not None:
        typer.echo("the first page of each part is shown; the other requests depend on the answers", err=True)
    print_requests(found)
    typer.echo(f"requests: {len(found)}; none was sent", err=True)


def _confirm(operation: Operation, planned: Planned) -> None:
    """Ask before a call that does more than change records or drafts; raises `InvalidRequest` if the answer is no."""
    if effect_of(operation) in _HARMLESS:
        return
    effect = effect_of(operation, next(parts(planned)))
    if effect in _HARMLESS:
        return
    if not sys.stdin.isatty():
        raise InvalidRequest(f"{operation.name} {effect.value}; pass --yes to call it, or --dry-run to see the request")
    if not typer.confirm(f"{operation.name} {effect.value}. Call it?", err=True):
        raise InvalidRequest("not confirmed, and nothing was sent")


async def _call(marketo: Marketo, operation: Operation, planned: Planned, answers: Answers, limit: int | None) -> int:
    """Make the call, pass its values to ``answers``, and return how many records were not accepted."""
    async with marketo:
        caller = Caller(marketo._open_client, marketo._options)  # noqa: SLF001 - what the families send through
        if isinstance(planned, Batches):
            return sum([_added(answers, result) async for result in caller.writes(operation, planned)])
        if operation.paging is None and isinstance(planned, Plan):
            return await _single(caller, marketo, operation, planned, answers)
        await _list(caller.pages(operation, planned), answers, limit)
    return 0


async def _list(pager: Pager[object], answers: Answers, limit: int | None) -> None:
    """Read the records of a listing up to the limit; a limited listing fetches hardly ahead, which costs calls."""
    most = answers.most if limit is None else limit
    count = 0
    async with aclosing(pager.pages(ahead=most is None)) as pages:
        async for page in pages:
            for record in page.items:
                if count == most:
                    if limit is None:
                        typer.echo(f"the first {most} records; --limit reads more, --output json reads all", err=True)
                    return
                answers.add(record)
                count += 1
            if count == limit:
                return


async def _single(caller: Caller, marketo: Marketo, operation: Operation, plan: Plan[Any], answers: Answers) -> int:
    """Make one call; a file goes to stdout as it is."""
    if plan.answer is bytes:
        await _download(caller, operation, plan)
        return 0
    value = await caller.send(operation, plan)
    keep_fields(marketo.base_url, operation.name, value)
    if plan.void:
        return 0
    values = value if isinstance(value, list) else [value]
    return sum([_added(answers, one) for one in values])


def _added(answers: Answers, value: object) -> bool:
    answers.add(value)
    return isinstance(value, RecordResult) and value.failed


async def _download(caller: Caller, operation: Operation, plan: Plan[Any]) -> None:
    """Write a file to stdout when all of it has arrived: a download that breaks resumes, and a pipe can't be cut."""
    with TemporaryFile() as file:
        await caller.stream(operation, plan, _FileSink(file))
        file.seek(0)
        copyfileobj(file, sys.stdout.buffer)
    sys.stdout.buffer.flush()


class _FileSink:
    """An open file as the `download.Sink` of one download."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    @property
    def held(self) -> int:
        return self._file.tell()

    def restart(self) -> None:
        self._file.seek(0)
        self._file.truncate()

    def write(self, chunk: bytes) -> None:
        self._file.write(chunk)
