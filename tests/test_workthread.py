"""A thread that works for a loop: order, errors, callers who go, and its own end."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading

import pytest

from marketo_async.workthread import WorkThread


def named(name: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == name]


async def test_work_is_done_in_one_thread_and_in_order() -> None:
    thread = WorkThread("in-order")
    found: list[int] = []

    def work(number: int) -> int:
        found.append(number)
        return threading.get_ident()

    threads = await asyncio.gather(*(thread.run(work, number) for number in range(50)))
    assert found == list(range(50))
    assert len(set(threads)) == 1
    assert threading.get_ident() not in threads


async def test_an_error_is_the_caller_s_and_the_thread_goes_on() -> None:
    thread = WorkThread("errors")
    with pytest.raises(ZeroDivisionError):
        await thread.run(divmod, 1, 0)
    assert await thread.run(divmod, 7, 2) == (3, 1)


async def test_work_whose_caller_has_gone_is_done_all_the_same() -> None:
    thread, release, done = WorkThread("gone"), threading.Event(), threading.Event()
    first = asyncio.ensure_future(thread.run(release.wait))
    second = asyncio.ensure_future(thread.run(done.set))
    await asyncio.sleep(0)
    for waiting in (first, second):
        waiting.cancel()
    await asyncio.wait([first, second])
    release.set()
    assert await thread.run(done.is_set)


def test_a_loop_that_has_ended_is_not_told_and_the_next_one_is_served() -> None:
    thread, release = WorkThread("loops"), threading.Event()

    async def leave() -> None:
        waiting = asyncio.ensure_future(thread.run(release.wait))
        await asyncio.sleep(0)
        waiting.cancel()

    asyncio.run(leave())
    release.set()
    assert asyncio.run(thread.run(len, "abc")) == 3


async def test_the_thread_ends_with_its_owner() -> None:
    thread = WorkThread("owner")
    await thread.run(len, "")
    (worker,) = named("owner")
    del thread
    gc.collect()
    await asyncio.to_thread(worker.join)
    assert named("owner") == []


def test_it_works_when_the_main_thread_has_ended_and_keeps_nobody_from_ending() -> None:
    code = (
        "import asyncio, threading\n"
        "from marketo_async.workthread import WorkThread\n"
        "thread = WorkThread('late')\n"
        "def late():\n"
        "    threading.main_thread().join()\n"
        "    print(asyncio.run(thread.run(len, 'abc')))\n"
        "threading.Thread(target=late).start()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603
    assert (done.returncode, done.stdout, done.stderr) == (0, "3\n", "")
