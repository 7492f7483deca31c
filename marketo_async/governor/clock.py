"""The machine's own clock, the same for all of its processes. Not here: what day it is (``quota``)."""

from __future__ import annotations

import time

_BOOT_TIME: int | None = getattr(time, "CLOCK_BOOTTIME", None)  # Linux has it; elsewhere monotonic time has to do


def machine_clock() -> float:
    """Return the seconds since this machine was started, those that it slept included where the system can tell."""
    return time.monotonic() if _BOOT_TIME is None else time.clock_gettime(_BOOT_TIME)


def slept() -> float:
    """Return the seconds that this machine has slept since it was started, which event loops do not count."""
    return machine_clock() - time.monotonic()
