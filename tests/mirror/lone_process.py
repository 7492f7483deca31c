"""A process that may reach loopback alone; it prints each address beyond it that was asked for.

The audit hook sees what Python's sockets ask for, whatever library does it, and refuses it.
"""

# ruff: noqa: PLC0415, T201 - what is imported, and when, is the question; the tests read what is printed
from __future__ import annotations

import asyncio
import sys
from pathlib import Path

LOOPBACK = {"127.0.0.1", "::1", "localhost", None, "", b"localhost"}
attempts: list[object] = []


def refuse_what_leaves_loopback(event: str, args: tuple[object, ...]) -> None:
    if event == "socket.getaddrinfo":
        host = args[0]
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = args[1]
        host = address[0] if isinstance(address, tuple) else None  # a local socket has a path
    else:
        return
    if host not in LOOPBACK:
        attempts.append(host)
        raise OSError(f"{host} is not on loopback")


async def mirrored(folder: Path) -> None:
    from marketo_async import Marketo
    from marketo_async.mirror.runner import Mirror
    from marketo_async.sandbox import Sandbox

    async with (
        Sandbox(leads=20, activities=0) as sandbox,
        Marketo(sandbox.base_url, client_id=sandbox.client_id, client_secret=sandbox.client_secret) as marketo,
    ):
        target = f"duckdb:///{folder}/marketo.duckdb"
        async with Mirror(marketo, target, tables=["leads"], folder=folder / "dlt", gather=0.02) as mirror:
            await mirror.run()
            print("rows", (await mirror.status()).rows)


def loaded_by_dlt_alone(folder: Path) -> None:
    import dlt

    pipeline = dlt.pipeline(
        "p", pipelines_dir=str(folder / "dlt"), destination=dlt.destinations.duckdb(str(folder / "a.duckdb"))
    )
    pipeline.run([{"a": 1}], table_name="t")


def main(which: str, folder: Path) -> None:
    sys.addaudithook(refuse_what_leaves_loopback)
    if which == "dlt":
        loaded_by_dlt_alone(folder)
    else:
        if which == "after dlt":
            from dlt.common.runtime import anon_tracker

            loaded_by_dlt_alone(folder)
            anon_tracker._THREAD_POOL.thread_pool.submit(attempts.clear).result()  # once what waits was sent
        asyncio.run(mirrored(folder))
    from dlt.common.runtime.telemetry import stop_telemetry

    stop_telemetry()  # as at the end of the process; it sends what waits
    print("attempts", attempts)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
