"""From a target to dlt's destination, and from dlt's errors to those of the caller, which hold no password."""

from __future__ import annotations

from typing import Any

from marketo_async.errors import MarketoError, TargetUnavailable
from marketo_async.mirror.target import Target

# What DuckDB caches counts as the memory of the mirror. Wide tables need about 256 KB a column, a view of many tables
# more.
_DUCKDB = {"memory_limit": "256MB", "threads": 1}
QUERY_MEMORY = "SET memory_limit = '1GB'"


def destination_of(target: Target) -> Any:
    """Return what dlt takes as a destination."""
    import dlt  # noqa: PLC0415

    if target.kind == "duckdb":
        from dlt.destinations.impl.duckdb.configuration import DuckDbCredentials  # noqa: PLC0415

        return dlt.destinations.duckdb(DuckDbCredentials(target.place, global_config=_DUCKDB))
    if target.kind == "postgres":
        from dlt.destinations.impl.postgres.configuration import PostgresCredentials  # noqa: PLC0415

        credentials = PostgresCredentials(target.place)
        credentials.password = target.password or ""  # none where the server trusts its callers
        return dlt.destinations.postgres(credentials)
    return target.place


def reported(error: Exception, target: Target) -> MarketoError:
    """Return the error of the caller for one of dlt's, without the password."""
    causes: list[BaseException] = [error]
    while (cause := causes[-1].__cause__) is not None and cause not in causes:
        causes.append(cause)
    first = str(causes[-1]).strip().splitlines() or [type(causes[-1]).__name__]
    return TargetUnavailable(
        target.hide(f"{target} can't be used ({first[0]}); check that it runs and that its user may create tables")
    )
