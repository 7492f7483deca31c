"""`Resource`, `Blocking`, and the descriptors that join a declaration to its views.

One declaration, three views. A planner is a pure method that turns arguments into a `Plan`; a decorator makes it a
descriptor that holds a frozen `Operation`. On the class it is the declaration itself, for tests, tools and docs; on a
resource it is a coroutine (``@endpoint``), or gives a `Pager` (``@paged``), or the `Results` of any number of records
(``@written``, whose planner returns `Batches`); on a blocking twin it is an ordinary method, or gives a `BlockingPager`
or `BlockingResults`. ``@composite``, ``@drain``, ``@stream`` and ``@gathering`` mark methods that are built of
operations and so are none themselves. All of them check their arguments by the annotations (``argument_kinds``).

Not here: how a plan is sent (``session``) and the verbs that families share (``mixins``).
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Coroutine, Generator, Mapping
from functools import cache, partial, wraps
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Concatenate,
    Generic,
    ParamSpec,
    Protocol,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
    overload,
)

from msgspec.structs import replace

from marketo_async.argument_kinds import checked
from marketo_async.batcher import Batcher
from marketo_async.blocking import BlockingBatcher, BlockingPager, BlockingResults
from marketo_async.descriptions import Described
from marketo_async.download import Sink
from marketo_async.models.leads import Description
from marketo_async.models.objects import ObjectDescription
from marketo_async.models.records import RecordResult
from marketo_async.operation import Listing, Method, Operation, Paging, Plan, Provenance, Repeat
from marketo_async.paging import Pager
from marketo_async.writes import Batches, Results

if TYPE_CHECKING:  # who makes no blocking calls does not pay for them
    from marketo_async.portal import Portal

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
V = TypeVar("V")
W = TypeVar("W", bound=RecordResult)


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

    async def describe(self, described: Described[Any]) -> Description | ObjectDescription:
        """Return what is known of a record type, asked for once a day."""
        ...

    async def stream(self, operation: Operation, plan: Plan[bytes], sink: Sink) -> None:
        """Bring a file into *sink*, from where that stands."""
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


class Blocking:
    """A family for code without an event loop: it plans in the caller's thread and sends in its twin's loop.

    Put before the family among a class's bases, it gives every descriptor its plain view.
    """

    def __init__(self, twin: Resource, portal: Portal) -> None:
        self.twin = twin
        self.portal = portal
        self._sender = twin._sender  # noqa: SLF001 - for what is no descriptor

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if cls.__doc__ is None:
            cls.__doc__ = next(base.__doc__ for base in cls.__bases__ if issubclass(base, Resource))

    def waiting(self, method: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, R]:
        """Return what runs *method* in the loop and waits for it."""
        portal = self.portal

        def block(*args: P.args, **kwargs: P.kwargs) -> R:
            return portal.call(method, *args, **kwargs)

        return block

    def running(self, method: Callable[..., Coroutine[Any, Any, R]]) -> Callable[..., R]:
        """Return what runs a *method* of the twin; records that it takes are read in the caller's thread."""
        fed, signature = records_of(method), signature_of(method)
        if not fed:
            return self.waiting(partial(method, self.twin))
        portal, twin = self.portal, self.twin

        def block(*args: Any, **kwargs: Any) -> R:
            given, feeds = signature.bind(*args, **kwargs), []
            for name in fed & given.arguments.keys():
                given.arguments[name], more = portal.lend(given.arguments[name])
                feeds += more
            return portal.call_with(feeds, partial(method, twin, *given.args, **given.kwargs))

        return block

    def paging(self, method: Callable[P, Pager[T]]) -> Callable[P, BlockingPager[T]]:
        """Return what drains the pager of *method* through the loop."""
        portal = self.portal

        def block(*args: P.args, **kwargs: P.kwargs) -> BlockingPager[T]:
            return BlockingPager(method(*args, **kwargs), portal)

        return block

    def writing(self, name: str, planner: Callable[P, Batches[V]]) -> Callable[P, BlockingResults[V]]:
        """Return what plans with *planner*, reads the records in the caller's thread and writes them from the loop."""
        portal, sender, operation = self.portal, self._sender, self.twin.operations[name]

        def block(*args: P.args, **kwargs: P.kwargs) -> BlockingResults[V]:
            batches = planner(*args, **kwargs)
            records, feeds = portal.lend(batches.records)
            return BlockingResults(sender.writes(operation, replace(batches, records=records)), portal, feeds)

        return block

    def gathering(self, method: Callable[P, Batcher[V, W]]) -> Callable[P, BlockingBatcher[V, W]]:
        """Return what gives the batcher of *method* to threads."""
        portal = self.portal

        def block(*args: P.args, **kwargs: P.kwargs) -> BlockingBatcher[V, W]:
            return BlockingBatcher(method(*args, **kwargs), portal)

        return block

    def streaming(self, method: Callable[P, AsyncGenerator[T, None]]) -> Callable[P, Generator[T, None, None]]:
        """Return what runs the generator of *method* in the loop, a little ahead of the caller."""
        portal = self.portal

        def block(*args: P.args, **kwargs: P.kwargs) -> Generator[T, None, None]:
            return portal.stream(method(*args, **kwargs))

        return block


class Declared:
    """An operation that is not yet bound to a resource, and the planner that fills it."""

    def __init__(self, operation: Operation, planner: Callable[..., Any]) -> None:
        self.operation = operation
        self.planner = checked(planner)
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

    def keep(self, obj: Resource | Blocking, call: Callable[..., Any]) -> Callable[..., Any]:
        """Dress *call* and leave it on *obj*, where the next look-up finds it before it comes here."""
        obj.__dict__[self.operation.name] = found = dressed(call, self.planner)
        return found


@cache
def signature_of(method: Callable[..., Any]) -> inspect.Signature:
    """Return a method's signature as a caller sees it, without ``self``."""
    whole = inspect.signature(method)
    return whole.replace(parameters=list(whole.parameters.values())[1:])


@cache
def records_of(method: Callable[..., Any]) -> frozenset[str]:
    """Return the parameters of a method that take an async iterable, and so what a caller's own may be lent to."""
    hints = {name: get_args(hint) for name, hint in get_type_hints(method).items() if name != "return"}
    return frozenset(name for name, parts in hints.items() if any(get_origin(part) is AsyncIterable for part in parts))


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
            return self.keep(obj, obj.paging(self.__get__(obj.twin, owner)))
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
            return self.keep(obj, obj.writing(self.operation.name, partial(self.planner, obj.twin)))
        operation, planner, sender = obj.operations[self.operation.name], self.planner, obj._sender  # noqa: SLF001

        def call(*args: P.args, **kwargs: P.kwargs) -> Any:
            return sender.writes(operation, planner(obj, *args, **kwargs))

        return self.keep(obj, call)


class Composite(Generic[P, R]):
    """A coroutine method built of several operations."""

    def __init__(self, method: Callable[..., Coroutine[Any, Any, R]]) -> None:
        self.method = checked(method)
        self.__doc__ = method.__doc__

    @overload
    def __get__(self, obj: None, owner: Any) -> Composite[P, R]: ...
    @overload
    def __get__(self, obj: Blocking, owner: Any) -> Callable[P, R]: ...
    @overload
    def __get__(self, obj: Resource, owner: Any) -> Callable[P, Coroutine[Any, Any, R]]: ...
    def __get__(self, obj: Resource | Blocking | None, owner: Any) -> Any:
        if obj is None:
            return self
        if isinstance(obj, Blocking):
            return dressed(obj.running(self.method), self.method)
        return dressed(partial(self.method, obj), self.method)


class Drain(Generic[P, T]):
    """A method that gives a pager built of several operations."""

    def __init__(self, method: Callable[..., Pager[T]]) -> None:
        self.method = checked(method)
        self.__doc__ = method.__doc__

    @overload
    def __get__(self, obj: None, owner: Any) -> Drain[P, T]: ...
    @overload
    def __get__(self, obj: Blocking, owner: Any) -> Callable[P, BlockingPager[T]]: ...
    @overload
    def __get__(self, obj: Resource, owner: Any) -> Callable[P, Pager[T]]: ...
    def __get__(self, obj: Resource | Blocking | None, owner: Any) -> Any:
        if obj is None:
            return self
        if isinstance(obj, Blocking):
            return dressed(obj.paging(partial(self.method, obj.twin)), self.method)
        return dressed(partial(self.method, obj), self.method)


class Stream(Generic[P, T]):
    """An async generator method built of several operations: what it yields is made as it is asked for."""

    def __init__(self, method: Callable[..., AsyncGenerator[T, None]]) -> None:
        self.method = checked(method)
        self.__doc__ = method.__doc__

    @overload
    def __get__(self, obj: None, owner: Any) -> Stream[P, T]: ...
    @overload
    def __get__(self, obj: Blocking, owner: Any) -> Callable[P, Generator[T, None, None]]: ...
    @overload
    def __get__(self, obj: Resource, owner: Any) -> Callable[P, AsyncGenerator[T, None]]: ...
    def __get__(self, obj: Resource | Blocking | None, owner: Any) -> Any:
        if obj is None:
            return self
        if isinstance(obj, Blocking):
            return dressed(obj.streaming(partial(self.method, obj.twin)), self.method)
        return dressed(partial(self.method, obj), self.method)


class Gathering(Generic[P, V, W]):
    """A method that gives a batcher of an operation."""

    def __init__(self, method: Callable[..., Batcher[V, W]]) -> None:
        self.method = checked(method)
        self.__doc__ = method.__doc__

    @overload
    def __get__(self, obj: None, owner: Any) -> Gathering[P, V, W]: ...
    @overload
    def __get__(self, obj: Blocking, owner: Any) -> Callable[P, BlockingBatcher[V, W]]: ...
    @overload
    def __get__(self, obj: Resource, owner: Any) -> Callable[P, Batcher[V, W]]: ...
    def __get__(self, obj: Resource | Blocking | None, owner: Any) -> Any:
        if obj is None:
            return self
        if isinstance(obj, Blocking):
            return dressed(obj.gathering(partial(self.method, obj.twin)), self.method)
        return dressed(partial(self.method, obj), self.method)


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

    *timeout* is the server's, 300 s where it states none; *reads* marks a POST that changes nothing. *proof* are the
    codes of a repeat that prove that the call was done before.
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


def composite(method: Callable[Concatenate[Any, P], Coroutine[Any, Any, R]]) -> Composite[P, R]:
    """Declare a coroutine method that is built of several operations."""
    return Composite(method)


def drain(method: Callable[Concatenate[Any, P], Pager[T]]) -> Drain[P, T]:
    """Declare a method that gives a pager built of several operations."""
    return Drain(method)


def stream(method: Callable[Concatenate[Any, P], AsyncGenerator[T, None]]) -> Stream[P, T]:
    """Declare an async generator method that is built of several operations."""
    return Stream(method)


def gathering(method: Callable[Concatenate[Any, P], Batcher[V, W]]) -> Gathering[P, V, W]:
    """Declare a method that gives a batcher of an operation."""
    return Gathering(method)


def _summary(planner: Callable[..., Any]) -> str:
    return (planner.__doc__ or "").partition("\n")[0]
