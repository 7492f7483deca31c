"""The descriptors that make methods of declarations, and their decorators.

One declaration, three views. A planner is a pure method that turns arguments into a `Plan`; a decorator makes it a
descriptor that holds a frozen `Operation`. The class shows the declaration, for tests, tools and documentation. A
family shows a coroutine (``@endpoint``), a method that returns a `Pager` (``@paged``), or one that returns the
`Results` of any number of records (``@written``, whose planner returns `Batches`). A blocking twin shows an ordinary
method, or one that returns a `BlockingPager` or `BlockingResults`. ``@composite`` marks methods that call operations
and are not operations themselves. All methods check their arguments by the annotations (``argument_kinds``).

See ``views`` for how methods look to ``help``, ``session`` for how a plan is sent, ``mixins`` for shared verbs.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from marketo_async.argument_kinds import checked
from marketo_async.batcher import Batcher
from marketo_async.blocking import BlockingBatcher, BlockingPager, BlockingResults
from marketo_async.models.records import RecordResult
from marketo_async.operation import Listing, Method, Operation, Paging, Plan, Provenance, Repeat
from marketo_async.paging import Pager
from marketo_async.resources.base import Resource
from marketo_async.resources.blocking import Blocking
from marketo_async.resources.views import View
from marketo_async.writes import Batches, Results

A = TypeVar("A")
B = TypeVar("B")
P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
V = TypeVar("V")
W = TypeVar("W", bound=RecordResult)


class Declared(View):
    """An operation that is not bound to a family yet, and the planner that fills it."""

    def __init__(self, operation: Operation, planner: Callable[..., Any]) -> None:
        super().__init__(planner)
        self.operation = operation
        self.planner = checked(planner)

    def __repr__(self) -> str:
        return f"<{self.operation.method} {self.operation.path} {self._parameters()}>"


class Endpoint(Declared, Generic[P, R]):
    """An operation with one answer."""

    @overload
    def __get__(self, obj: None, owner: Any) -> Endpoint[P, R]: ...
    @overload
    def __get__(self, obj: Blocking, owner: Any) -> Callable[P, R]: ...
    @overload
    def __get__(self, obj: Resource, owner: Any) -> Callable[P, Coroutine[Any, Any, R]]: ...
    def __get__(self, obj: Resource | Blocking | None, owner: Any) -> Any:
        if obj is None:
            return self
        twin = obj.twin if isinstance(obj, Blocking) else obj
        operation, planner, sender = twin.operations[self.operation.name], self.planner, twin._sender  # noqa: SLF001 - a resource's own descriptor
        if isinstance(obj, Blocking):
            send = obj.waiting(sender.send)

            def block(*args: P.args, **kwargs: P.kwargs) -> Any:
                return send(operation, planner(twin, *args, **kwargs))

            return self.keep(obj, block)

        async def call(*args: P.args, **kwargs: P.kwargs) -> Any:
            return await sender.send(operation, planner(twin, *args, **kwargs))

        return self.keep(obj, call)


class Paged(Declared, Generic[P, T]):
    """An operation whose answer spans pages."""

    @overload
    def __get__(self, obj: None, owner: Any) -> Paged[P, T]: ...
    @overload
    def __get__(self, obj: Blocking, owner: Any) -> Callable[P, BlockingPager[T]]: ...
    @overload
    def __get__(self, obj: Resource, owner: Any) -> Callable[P, Pager[T]]: ...
    def __get__(self, obj: Resource | Blocking | None, owner: Any) -> Any:
        if obj is None:
            return self
        if isinstance(obj, Blocking):
            method = self.__get__(obj.twin, owner)
            return self.keep(obj, obj.iterating(lambda _, *args, **kwargs: method(*args, **kwargs)))
        operation, planner, sender = obj.operations[self.operation.name], self.planner, obj._sender  # noqa: SLF001

        def call(*args: P.args, **kwargs: P.kwargs) -> Any:
            return sender.pages(operation, planner(obj, *args, **kwargs))

        return self.keep(obj, call)


class Written(Declared, Generic[P, V]):
    """An operation that writes any number of records, each with a result."""

    @overload
    def __get__(self, obj: None, owner: Any) -> Written[P, V]: ...
    @overload
    def __get__(self, obj: Blocking, owner: Any) -> Callable[P, BlockingResults[V]]: ...
    @overload
    def __get__(self, obj: Resource, owner: Any) -> Callable[P, Results[V]]: ...
    def __get__(self, obj: Resource | Blocking | None, owner: Any) -> Any:
        if obj is None:
            return self
        if isinstance(obj, Blocking):
            return self.keep(obj, obj.writing(self.operation.name, self.planner))
        operation, planner, sender = obj.operations[self.operation.name], self.planner, obj._sender  # noqa: SLF001

        def call(*args: P.args, **kwargs: P.kwargs) -> Any:
            return sender.writes(operation, planner(obj, *args, **kwargs))

        return self.keep(obj, call)


class Composite(View, Generic[P, A, B]):
    """A method that calls several operations; it returns ``A`` on a family, and ``B`` on its blocking twin."""

    def __init__(self, method: Callable[..., Any]) -> None:
        super().__init__(method)
        self.method = checked(method)

    def __repr__(self) -> str:
        return f"<composite {self.__name__} {self._parameters()}>"

    @overload
    def __get__(self, obj: None, owner: Any) -> Composite[P, A, B]: ...
    @overload
    def __get__(self, obj: Blocking, owner: Any) -> Callable[P, B]: ...
    @overload
    def __get__(self, obj: Resource, owner: Any) -> Callable[P, A]: ...
    def __get__(self, obj: Resource | Blocking | None, owner: Any) -> Any:
        if obj is None:
            return self
        method, awaited = self.method, inspect.iscoroutinefunction(self.__wrapped__)
        if isinstance(obj, Blocking):
            return self.keep(obj, obj.running(method) if awaited else obj.iterating(method))

        def call(*args: P.args, **kwargs: P.kwargs) -> Any:
            return method(obj, *args, **kwargs)

        async def call_and_wait(*args: P.args, **kwargs: P.kwargs) -> Any:
            return await method(obj, *args, **kwargs)

        return self.keep(obj, call_and_wait if awaited else call)


def endpoint(
    method: Method,
    path: str,
    *,
    needs: tuple[str, ...] = (),
    every: bool = False,
    reads: bool = False,
    repeat: Repeat | None = None,
    proof: tuple[str, ...] = (),
    timeout: float = 300.0,
    source: Provenance = Provenance.OFFICIAL,
) -> Callable[[Callable[Concatenate[Any, P], Plan[R]]], Endpoint[P, R]]:
    """Declare an operation planned by the decorated method.

    ``timeout`` is the server's, 300 s if Marketo states none; ``reads`` marks a POST that changes nothing. ``proof``
    has the error codes of a retry that prove that an earlier attempt succeeded.
    """

    def declare(planner: Callable[Concatenate[Any, P], Plan[R]]) -> Endpoint[P, R]:
        operation = Operation(
            name=planner.__name__,
            method=method,
            path=path,
            permissions=needs,
            every=every,
            reads=reads or method == "GET",
            repeat=repeat or (Repeat.SAFE if reads or method == "GET" else Repeat.NEVER),
            proof=proof,
            timeout=timeout,
            summary=_summary(planner),
            source=source,
        )
        return Endpoint(operation, planner)

    return declare


def paged(
    path: str,
    *,
    rule: Paging = Paging.POSITION,
    method: Method = "GET",
    needs: tuple[str, ...] = (),
    every: bool = False,
    timeout: float = 300.0,
) -> Callable[[Callable[Concatenate[Any, P], Listing[T]]], Paged[P, T]]:
    """Declare a listing whose first page, or whose chunks, the decorated method plans; a few are requested by POST."""

    def declare(planner: Callable[Concatenate[Any, P], Listing[T]]) -> Paged[P, T]:
        operation = Operation(
            name=planner.__name__,
            method=method,
            path=path,
            permissions=needs,
            every=every,
            reads=True,
            repeat=Repeat.SAFE,
            timeout=timeout,
            summary=_summary(planner),
            paging=rule,
        )
        return Paged(operation, planner)

    return declare


def written(
    method: Method,
    path: str,
    *,
    needs: tuple[str, ...] = (),
    repeat: Repeat | None = None,
    proof: tuple[str, ...] = (),
    timeout: float = 300.0,
) -> Callable[[Callable[Concatenate[Any, P], Batches[V]]], Written[P, V]]:
    """Declare a write of any number of records, or a question about them, planned by the decorated method."""

    def declare(planner: Callable[Concatenate[Any, P], Batches[V]]) -> Written[P, V]:
        operation = Operation(
            name=planner.__name__,
            method=method,
            path=path,
            permissions=needs,
            reads=method == "GET",
            repeat=repeat or (Repeat.SAFE if method == "GET" else Repeat.NEVER),
            proof=proof,
            timeout=timeout,
            summary=_summary(planner),
        )
        return Written(operation, planner)

    return declare


@overload
def composite(
    method: Callable[Concatenate[Any, P], Coroutine[Any, Any, R]],
) -> Composite[P, Coroutine[Any, Any, R], R]: ...
@overload
def composite(method: Callable[Concatenate[Any, P], Pager[T]]) -> Composite[P, Pager[T], BlockingPager[T]]: ...
@overload
def composite(
    method: Callable[Concatenate[Any, P], AsyncGenerator[T, None]],
) -> Composite[P, AsyncGenerator[T, None], Generator[T, None, None]]: ...
@overload
def composite(
    method: Callable[Concatenate[Any, P], Batcher[V, W]],
) -> Composite[P, Batcher[V, W], BlockingBatcher[V, W]]: ...
def composite(method: Callable[..., Any]) -> Composite[..., Any, Any]:
    """Declare a method that calls operations: a coroutine, an async generator, or one that returns a pager or batcher.

    A blocking twin returns the awaited value, a generator, a `BlockingPager` or a `BlockingBatcher`.
    """
    return Composite(method)


def _summary(planner: Callable[..., Any]) -> str:
    return (planner.__doc__ or "").partition("\n")[0]
