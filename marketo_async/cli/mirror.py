"""``mirror``: the commands that keep a database equal to an instance. See ``mirroring`` for how they run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace

from marketo_async.cli import mirroring
from marketo_async.cli.exits import EPILOG, Exit, errors_in_one_line
from marketo_async.cli.mirroring import Selected, selected
from marketo_async.cli.options import ENVIRONMENT, DailyOption, QuietOption, ReserveOption, StoreOption, moment, split

_TARGETS = (
    "TARGET is duckdb:///FILE, postgresql://USER@HOST/DATABASE, or dlt:NAME of your dlt configuration. The password"
    " of a database may be in the variable MARKETO_MIRROR_PASSWORD. It needs the extra: pip install"
    " 'marketo-async[mirror]'"
)
_INSTANCES = (
    "With --instances, each instance of the file has tables in a schema of its name, or a target of its own if TARGET"
    " holds {instance}; the file describes accounts and limits."
)

mirroring_app = typer.Typer(help="Keep a database equal to an instance, and check that it is.", no_args_is_help=True)

TargetArgument = Annotated[str, typer.Argument(metavar="TARGET", help="The database: see above.")]
TablesOption = Annotated[
    str | None,
    typer.Option(metavar="A,B,C", help="Only these tables; activities stands for those of all types. Default: all."),
]
DatasetOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="The schema of the tables. Default: main in DuckDB, else marketo.")
]
InstancesOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A TOML file with an [instances.NAME] table for each instance.", dir_okay=False),
]
SinceOption = Annotated[
    str | None,
    typer.Option(metavar="WHEN", help="No activities before this date or time. Default: all that Marketo keeps."),
]
BudgetCallsOption = Annotated[
    int | None, typer.Option(metavar="N", help="Calls a day that the mirror may make.", min=1)
]
BudgetMbOption = Annotated[
    int | None, typer.Option(metavar="N", help="MB a day of bulk exports that the mirror may make.", min=1)
]


@mirroring_app.command(
    "run",
    help="Load what is missing, then apply what has changed since; run it again to continue.\n\n"
    f"The database is the only memory: stop or kill it at any time.\n\n{_TARGETS}\n\n{_INSTANCES}\n\n{ENVIRONMENT}",
    epilog=EPILOG,
)
def run_mirror(  # noqa: PLR0913 - one parameter per option
    target: TargetArgument,
    *,
    tables: TablesOption = None,
    follow: Annotated[bool, typer.Option("--follow", help="Then follow the changes until Ctrl-C.")] = False,
    budget_calls: BudgetCallsOption = None,
    budget_mb: BudgetMbOption = None,
    since: SinceOption = None,
    poll: Annotated[
        float, typer.Option(metavar="SECONDS", help="Seconds between two looks for changes, with --follow.", min=1.0)
    ] = 60.0,
    dataset: DatasetOption = None,
    instances: InstancesOption = None,
    daily: DailyOption = 50_000,
    reserve: ReserveOption = 0,
    store: StoreOption = None,
    quiet: QuietOption = False,
) -> None:
    """Load and update a mirror."""
    with errors_in_one_line():
        chosen = selected(target, dataset, instances, daily=daily, reserve=reserve, store=store)
        options = replace(_load_options(tables, since, budget_calls, budget_mb), poll=poll)
        mirroring.run(chosen, options, follow=follow, quiet=quiet)


@mirroring_app.command(
    "plan",
    help="Show what the first load will cost, in calls, MB, minutes and days; makes some 50 calls.\n\n"
    f"{_TARGETS}\n\n{_INSTANCES}\n\n{ENVIRONMENT}",
    epilog=EPILOG,
)
def plan_mirror(
    target: TargetArgument,
    *,
    tables: TablesOption = None,
    budget_calls: BudgetCallsOption = None,
    budget_mb: BudgetMbOption = None,
    since: SinceOption = None,
    dataset: DatasetOption = None,
    instances: InstancesOption = None,
    daily: DailyOption = 50_000,
    reserve: ReserveOption = 0,
    store: StoreOption = None,
) -> None:
    """Show the plan of the first load."""
    with errors_in_one_line():
        chosen = selected(target, dataset, instances, daily=daily, reserve=reserve, store=store)
        mirroring.show_plan(chosen, _load_options(tables, since, budget_calls, budget_mb))


@mirroring_app.command(
    "status",
    help="Show the tables of a mirror, their rows, and how far it is; makes no call.\n\n"
    f"{_TARGETS}\n\n{_INSTANCES}\n\n{ENVIRONMENT}",
    epilog=EPILOG,
)
def show_mirror(
    target: TargetArgument,
    *,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line instead of tables.")] = False,
    dataset: DatasetOption = None,
    instances: InstancesOption = None,
) -> None:
    """Show the state of a mirror."""
    with errors_in_one_line():
        mirroring.show_status(selected(target, dataset, instances), json=json)


@mirroring_app.command(
    "verify",
    help="Compare a mirror with its instance, and print the rows that differ as JSON lines.\n\n"
    "Activities are compared exactly; lists by their members; leads in every field, --chunks of 300 random ones, or all"
    " with --full. What changed after the mirror's last look does not count. Ends with 1 if rows differ.\n\n"
    f"{_TARGETS}\n\n{_INSTANCES}\n\n{ENVIRONMENT}",
    epilog=f"{EPILOG} Here, 1 also means that rows differ.",
)
def verify_mirror(  # noqa: PLR0913 - one parameter per option
    target: TargetArgument,
    *,
    parts: Annotated[
        str | None, typer.Option(metavar="A,B", help="Only these of leads, activities, lists. Default: all.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Compare all leads and lists, one call for 300.")] = False,
    chunks: Annotated[int, typer.Option(metavar="N", help="Chunks of 300 random leads, a call each.", min=1)] = 30,
    since: Annotated[str | None, typer.Option(metavar="WHEN", help="Only activities from this date or time.")] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Make the rows that differ right.")] = False,
    poll: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Seconds between status checks of bulk jobs.")
    ] = None,
    dataset: DatasetOption = None,
    instances: InstancesOption = None,
    daily: DailyOption = 50_000,
    reserve: ReserveOption = 0,
    store: StoreOption = None,
    quiet: QuietOption = False,
) -> None:
    """Compare a mirror with its instance."""
    with errors_in_one_line():
        chosen: list[Selected] = selected(target, dataset, instances, daily=daily, reserve=reserve, store=store)
        options = mirroring.VerifyOptions(
            parts=split(parts),
            full=full,
            chunks=chunks,
            since=None if since is None else moment("--since", since),
            repair=repair,
            poll=poll,
        )
        right = mirroring.verify(chosen, options, quiet=quiet)
    if not right:
        raise typer.Exit(Exit.REFUSED)


def _load_options(
    tables: str | None, since: str | None, budget_calls: int | None, budget_mb: int | None
) -> mirroring.MirrorOptions:
    """Return the options of a first load from the texts of the command line."""
    return mirroring.MirrorOptions(
        tables=split(tables),
        since=None if since is None else moment("--since", since),
        budget_calls=budget_calls,
        budget_mb=budget_mb,
    )
