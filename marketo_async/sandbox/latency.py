"""The duration of a call in real seconds: constant, spread around a mean, or returned by a function."""

from __future__ import annotations

import random
from collections.abc import Callable

Latency = float | tuple[float, float] | Callable[[random.Random, str, str], float]


def drawn_seconds(latency: Latency, rng: random.Random, method: str, path: str) -> float:
    """Return the seconds for a call of this method and path."""
    if callable(latency):
        return latency(rng, method, path)
    if isinstance(latency, tuple):
        mean, spread = latency
        return max(0.0, rng.uniform(mean - spread, mean + spread))
    return latency
