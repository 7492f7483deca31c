"""What several commands take: their common options, and option texts read as lists, numbers and moments."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from marketo_async.cli.drain import START_OVER
from marketo_async.cli.sharing import ALONE
from marketo_async.errors import InvalidRequest
from marketo_async.models.moment import to_datetime

ENVIRONMENT = (
    "The instance is that of MARKETO_BASE_URL (or MARKETO_MUNCHKIN_ID), MARKETO_CLIENT_ID and MARKETO_CLIENT_SECRET."
)

StartOver = Annotated[bool, typer.Option(START_OVER, help="Replace FILE and what is beside it instead of going on.")]
Daily = Annotated[int, typer.Option(help="The calls that the instance may make a day.", min=1)]
Reserve = Annotated[int, typer.Option(help="How many of them to leave to others.", min=0)]
StoreOption = Annotated[
    str | None,
    typer.Option(
        metavar=f"FILE|{ALONE}",
        help="Where the limits are shared with other runs; by default a file of the instance in your state folder.",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but what went wrong.")]


def split(text: str | None) -> list[str] | None:
    """Return the parts of a text with commas between them."""
    return None if text is None else [part for word in text.split(",") if (part := word.strip())]


def numbers(option: str, text: str | None) -> list[int] | None:
    """Return the numbers of a text with commas between them."""
    try:
        return None if text is None else [int(part) for part in split(text) or ()]
    except ValueError:
        raise InvalidRequest(f"{option} takes numbers with commas between them, not {text!r}") from None


def moment(option: str, text: str) -> datetime:
    """Return the moment that a text names."""
    try:
        return to_datetime(text, name=option)
    except ValueError:
        raise InvalidRequest(
            f"{option} takes a date or time like 2026-03-01 or 2026-03-01T08:00Z, not {text!r}"
        ) from None
