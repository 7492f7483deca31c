"""A Marketo instance on loopback, for tests, demos and benchmarks.

It enforces Marketo's rules by its own clock, and shares no code with the client: a mistake in the one
cannot hide a mistake in the other.
"""

from marketo_async.sandbox.clock import SandboxClock
from marketo_async.sandbox.faults import Fault
from marketo_async.sandbox.identity import ApiUser
from marketo_async.sandbox.limits import InstanceLimits, Limits
from marketo_async.sandbox.quirks import Quirks
from marketo_async.sandbox.server import Sandbox
from marketo_async.sandbox.stats import Stats
from marketo_async.sandbox.traffic import Event, Traffic

__all__ = [
    "ApiUser",
    "Event",
    "Fault",
    "InstanceLimits",
    "Limits",
    "Quirks",
    "Sandbox",
    "SandboxClock",
    "Stats",
    "Traffic",
]
