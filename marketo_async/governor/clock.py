"""The machine's own clock, the same for all of its processes. See ``quota`` for the date."""

from __future__ import annotations

import time

_BOOT_TIME: int | None = getattr(time, "CLOCK_BOOTTIME", None)  # Linux only; elsewhere monotonic time is used


def machine_clock() -> float:
    """Return the seconds since this machine started, including sleep where the system can measure it."""
    return time.monotonic() if _BOOT_TIME is None else time.clock_gettime(_BOOT_TIME)


def slept() -> float:
    """Return the seconds that this machine has slept since it started; event loops do not count them."""
    return machine_clock() - time.monotonic()
