"""`Blocking`, the base of families for code without an event loop.

See ``sync`` for the families, and ``marketo_async.blocking`` for the pagers, results and batchers that they return.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Coroutine
from functools import cache, partial
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, get_args, get_origin, get_type_hints

from msgspec.structs import replace

from marketo_async.batcher import Batcher
from marketo_async.blocking import BlockingBatcher, BlockingPager, BlockingResults
from marketo_async.paging import Pager
from marketo_async.resources.base import Resource
from marketo_async.writes import Batches

if TYPE_CHECKING:  # a program that makes no blocking calls does not pay for a portal
    from marketo_async.portal import Portal

P = ParamSpec("P")
R = TypeVar("R")
V = TypeVar("V")


class Blocking:
    """A family for code without an event loop: it plans in the caller's thread and sends in the loop of its twin.

    Put it before the family among the bases of a class; every method of the family then has its blocking view.
    """

    def __init__(self, twin: Resource, portal: Portal) -> None:
        self.twin = twin
        self.portal = portal
        self._sender = twin._sender  # noqa: SLF001 - for methods that are not descriptors

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if cls.__doc__ is None:
            cls.__doc__ = next(base.__doc__ for base in cls.__bases__ if issubclass(base, Resource))

    def waiting(self, method: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, R]:
        """Return a function that runs ``method`` in the loop and waits for its result."""
        portal = self.portal

        def block(*args: P.args, **kwargs: P.kwargs) -> R:
            return portal.call(method, *args, **kwargs)

        return block

    def running(self, method: Callable[..., Coroutine[Any, Any, R]]) -> Callable[..., R]:
        """Return a function that runs a ``method`` of the twin; it reads records in the caller's thread."""
        fed = _records_of(method)
        if not fed:
            return self.waiting(partial(method, self.twin))
        portal, twin, signature = self.portal, self.twin, inspect.signature(method)

        def block(*args: Any, **kwargs: Any) -> R:
            given, feeds = signature.bind(twin, *args, **kwargs), []
            for name in fed & given.arguments.keys():
                given.arguments[name], more = portal.lend(given.arguments[name])
                feeds += more
            return portal.call_with(feeds, partial(method, *given.args, **given.kwargs))

        return block

    def writing(self, name: str, planner: Callable[..., Batches[V]]) -> Callable[..., BlockingResults[V]]:
        """Return a function that reads records in the caller's thread and writes them from the loop."""
        portal, twin, sender, operation = self.portal, self.twin, self._sender, self.twin.operations[name]

        def block(*args: Any, **kwargs: Any) -> BlockingResults[V]:
            batches = planner(twin, *args, **kwargs)
            records, feeds = portal.lend(batches.records)
            return BlockingResults(sender.writes(operation, replace(batches, records=records)), portal, feeds)

        return block

    def iterating(self, method: Callable[..., object]) -> Callable[..., object]:
        """Return a function that gives the pager, the batcher or the generator of a ``method`` of the twin to threads.

        A generator runs in the loop, a little ahead of the caller.
        """
        portal, twin = self.portal, self.twin

        def block(*args: Any, **kwargs: Any) -> object:
            made = method(twin, *args, **kwargs)
            if isinstance(made, Pager):
                return BlockingPager(made, portal)
            if isinstance(made, Batcher):
                return BlockingBatcher(made, portal)
            return portal.stream(made) if isinstance(made, AsyncGenerator) else made

        return block


@cache
def _records_of(method: Callable[..., Any]) -> frozenset[str]:
    """Return the parameters that take an async iterable, and so the caller's own iterable by way of the portal."""
    hints = {name: get_args(hint) for name, hint in get_type_hints(method).items() if name != "return"}
    return frozenset(name for name, parts in hints.items() if any(get_origin(part) is AsyncIterable for part in parts))
