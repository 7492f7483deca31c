"""Options that several commands share, and functions that parse option texts."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from marketo_async.cli.drain import START_OVER
from marketo_async.cli.environment import ENVIRONMENT as ENVIRONMENT  # noqa: PLC0414 - commands take it from here
from marketo_async.cli.sharing import ALONE
from marketo_async.errors import InvalidRequest
from marketo_async.models.moment import to_datetime

AGO_SINCE = typer.Option(
    metavar="AGO|WHEN",
    help="Start: 12h or 7d ago, yesterday, or an ISO 8601 date or time (UTC without an offset). Default: the beginning"
    " of the instance.",
)
AGO_UNTIL = typer.Option(metavar="AGO|WHEN", help="End, exclusive: as for --since. Default: now.")
SINCE = typer.Option(metavar="WHEN", help="Start: an ISO 8601 date or time; UTC if it has no offset.")
UNTIL = typer.Option(metavar="WHEN", help="End, exclusive: a date or time as for --since.")
FieldsOption = Annotated[
    str | None, typer.Option("--fields", metavar="A,B,C", help="API names of the fields; for an export, also all.")
]
OutOption = Annotated[Path, typer.Option("--out", metavar="FILE", help="File to write; - is stdout.", dir_okay=False)]
StartOverOption = Annotated[bool, typer.Option(START_OVER, help="Discard FILE and its progress; do not resume.")]
DailyOption = Annotated[int, typer.Option(help="The instance's daily quota of API calls.", min=1)]
ReserveOption = Annotated[int, typer.Option(help="Calls of the daily quota to leave for other integrations.", min=0)]
PollOption = Annotated[
    float | None,
    typer.Option(metavar="SECONDS", help="Seconds between status checks; Marketo updates a job once a minute."),
]
StoreOption = Annotated[
    str | None,
    typer.Option(
        metavar=f"FILE|{ALONE}",
        help="The file through which runs share the instance's limits, or none to share nothing. Default: one file"
        " per instance in your user state folder.",
    ),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress and no summary, only errors.")]


def split(text: str | None) -> list[str] | None:
    """Return the parts of a comma-separated text, without blank ones."""
    return None if text is None else [part for word in text.split(",") if (part := word.strip())]


def numbers(option: str, text: str | None) -> list[int] | None:
    """Return the numbers of a comma-separated text; raises `InvalidRequest`, which names ``option``."""
    try:
        return None if text is None else [int(part) for part in split(text) or ()]
    except ValueError:
        raise InvalidRequest(f"{option} takes comma-separated numbers such as 1,12, not {text!r}") from None


def activity_types(text: str) -> list[int | str] | Literal["all"]:
    """Return the ids and names of a comma-separated text, or the word all."""
    if text.strip() == "all":
        return "all"
    return [int(part) if part.isdecimal() else part for part in split(text) or ()]


def moment(option: str, text: str) -> datetime:
    """Return the moment that a text names; raises `InvalidRequest`, which names ``option``."""
    try:
        return to_datetime(text, name=option)
    except ValueError:
        raise InvalidRequest(
            f"{option} takes a date or time such as 2026-03-01 or 2026-03-01T08:00Z, not {text!r}"
        ) from None
