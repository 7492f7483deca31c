"""`Resource`, and the descriptors that join a declaration to its views.

One declaration, several views. A planner is a pure method that turns arguments into a `Plan`; a decorator makes it a
descriptor that holds a frozen `Operation`. On the class it is the declaration itself, for tests, tools and docs; on a
resource it is a coroutine (``@endpoint``), or gives a `Pager` (``@paged``), or the `Results` of any number of records
(``@written``, whose planner returns `Batches`). ``@composite`` and ``@drain`` mark methods that are built of several
operations and so are no operations themselves.

Not here: how a plan is sent (``session``) and the verbs that families share (``mixins``).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Mapping
from functools import cache, partial, wraps
from typing import Any, ClassVar, Concatenate, Generic, ParamSpec, Protocol, TypeVar, overload

from msgspec.structs import replace

from marketo_async.batching import Batches, Results
from marketo_async.operation import Listing, Method, Operation, Paging, Plan, Repeat, Source
from marketo_async.paging import Pager

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
V = TypeVar("V")


class Sender(Protocol):
    """Makes planned calls: the one place where they meet governor, retries and wire."""

    async def send(self, operation: Operation, plan: Plan[R]) -> R:
        """Make one call."""
        ...

    def pages(self, operation: Operation, listing: Listing[T]) -> Pager[T]:
        """Drain a listing: one, several one after the other, or several at once."""
        ...

    def writes(self, operation: Operation, batches: Batches[V]) -> Results[V]:
        """Write any number of records, in as few calls as they take."""
        ...


class Resource:
    """A namespace of operations.

    ``name`` is its own on the client; ``root`` stands for ``{root}`` in the paths of shared verbs; ``area`` is what its
    permissions are called after (Read-Only ``area``, Read-Write ``area``), ``rights`` those of all its operations
    instead, and ``every`` whether all of them are needed.
    """

    name: ClassVar[str] = ""
    root: ClassVar[str] = ""
    area: ClassVar[str] = ""
    rights: ClassVar[tuple[str, ...]] = ()
    every: ClassVar[bool] = False
    operations: ClassVar[Mapping[str, Operation]] = {}

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()  # Generic's own hook sets __parameters__
        declared = {n: d for c in reversed(cls.__mro__) for n, d in vars(c).items() if isinstance(d, Declared)}
        cls.operations = {name: found.bound_to(cls) for name, found in declared.items()}


class Declared:
    """An operation that is not yet bound to a resource, and the planner that fills it."""

    def __init__(self, operation: Operation, planner: Callable[..., Any]) -> None:
        self.operation = operation
        self.planner = planner
        self.__doc__ = planner.__doc__
        self.__wrapped__ = planner

    def bound_to(self, owner: type[Resource]) -> Operation:
        """Return the operation as *owner* has it: with its dotted name and its permissions."""
        rights = self.operation.permissions or owner.rights
        if not rights and owner.area:
            rights = (f"Read-Write {owner.area}",)
            if not self.operation.write:
                rights = (f"Read-Only {owner.area}", *rights)
        return replace(
            self.operation,
            name=f"{owner.name}.{self.operation.name}",
            path=self.operation.path.replace("{root}", owner.root),
            permissions=tuple(right.replace("{area}", owner.area) for right in rights),
            every=self.operation.every or owner.every,
        )

    def keep(self, obj: Resource, call: Callable[..., Any]) -> Callable[..., Any]:
        """Dress *call* and leave it on *obj*, where the next look-up finds it before it comes here."""
        obj.__dict__[self.operation.name] = found = dressed(call, self.planner)
        return found


@cache
def signature_of(method: Callable[..., Any]) -> inspect.Signature:
    """Return a method's signature as a caller sees it, without ``self``."""
    whole = inspect.signature(method)
    return whole.replace(parameters=list(whole.parameters.values())[1:])


def dressed(call: Callable[..., Any], method: Callable[..., Any]) -> Callable[..., Any]:
    """Give *call* the name, docstring and signature of *method*."""
    wrapped = wraps(method)(call)
    wrapped.__signature__ = signature_of(method)  # type: ignore[attr-defined]
    return wrapped


class Endpoint(Declared, Generic[P, R]):
    """An operation with one answer."""

    @overload
    def __get__(self, obj: None, owner: Any) -> Endpoint[P, R]: ...
    @overload
    def __get__(self, obj: Resource, owner: Any) -> Callable[P, Coroutine[Any, Any, R]]: ...
    def __get__(self, obj: Resource | None, owner: Any) -> Any:
        if obj is None:
            return self
        operation, planner, sender = obj.operations[self.operation.name], self.planner, obj._sender  # noqa: SLF001 - a resource's own descriptor

        async def call(*args: P.args, **kwargs: P.kwargs) -> Any:
            return await sender.send(operation, planner(obj, *args, **kwargs))

        return self.keep(obj, call)


class Paged(Declared, Generic[P, T]):
    """An operation whose answer spans pages."""

    @overload
    def __get__(self, obj: None, owner: Any) -> Paged[P, T]: ...
    @overload
    def __get__(self, obj: Resource, owner: Any) -> Callable[P, Pager[T]]: ...
    def __get__(self, obj: Resource | None, owner: Any) -> Any:
        if obj is None:
            return self
        operation, planner, sender = obj.operations[self.operation.name], self.planner, obj._sender  # noqa: SLF001

        def call(*args: P.args, **kwargs: P.kwargs) -> Any:
            return sender.pages(operation, planner(obj, *args, **kwargs))

        return self.keep(obj, call)


class Written(Declared, Generic[P, V]):
    """An operation that writes any number of records, each with a result."""

    @overload
    def __get__(self, obj: None, owner: Any) -> Written[P, V]: ...
    @overload
    def __get__(self, obj: Resource, owner: Any) -> Callable[P, Results[V]]: ...
    def __get__(self, obj: Resource | None, owner: Any) -> Any:
        if obj is None:
            return self
        operation, planner, sender = obj.operations[self.operation.name], self.planner, obj._sender  # noqa: SLF001

        def call(*args: P.args, **kwargs: P.kwargs) -> Any:
            return sender.writes(operation, planner(obj, *args, **kwargs))

        return self.keep(obj, call)


class Composite(Generic[P, R]):
    """A coroutine method built of several operations."""

    def __init__(self, method: Callable[..., Coroutine[Any, Any, R]]) -> None:
        self.method = method
        self.__doc__ = method.__doc__

    @overload
    def __get__(self, obj: None, owner: Any) -> Composite[P, R]: ...
    @overload
    def __get__(self, obj: Resource, owner: Any) -> Callable[P, Coroutine[Any, Any, R]]: ...
    def __get__(self, obj: Resource | None, owner: Any) -> Any:
        return self if obj is None else dressed(partial(self.method, obj), self.method)


class Drain(Generic[P, T]):
    """A method that gives a pager built of several operations."""

    def __init__(self, method: Callable[..., Pager[T]]) -> None:
        self.method = method
        self.__doc__ = method.__doc__

    @overload
    def __get__(self, obj: None, owner: Any) -> Drain[P, T]: ...
    @overload
    def __get__(self, obj: Resource, owner: Any) -> Callable[P, Pager[T]]: ...
    def __get__(self, obj: Resource | None, owner: Any) -> Any:
        return self if obj is None else dressed(partial(self.method, obj), self.method)


def endpoint(
    method: Method,
    path: str,
    *,
    needs: tuple[str, ...] = (),
    every: bool = False,
    reads: bool = False,
    repeat: Repeat | None = None,
    timeout: float = 300.0,
    source: Source = Source.OFFICIAL,
) -> Callable[[Callable[Concatenate[Any, P], Plan[R]]], Endpoint[P, R]]:
    """Declare an operation planned by the decorated method.

    *timeout* is the server's, 300 s where it states none; *reads* marks a POST that changes nothing.
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
    """Declare a listing whose first page, or whose chunks, the decorated method plans; a few are asked for by POST."""

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
            timeout=timeout,
            summary=_summary(planner),
        )
        return Written(operation, planner)

    return declare


def composite(method: Callable[Concatenate[Any, P], Coroutine[Any, Any, R]]) -> Composite[P, R]:
    """Declare a coroutine method that is built of several operations."""
    return Composite(method)


def drain(method: Callable[Concatenate[Any, P], Pager[T]]) -> Drain[P, T]:
    """Declare a method that gives a pager built of several operations."""
    return Drain(method)


def _summary(planner: Callable[..., Any]) -> str:
    return (planner.__doc__ or "").partition("\n")[0]
