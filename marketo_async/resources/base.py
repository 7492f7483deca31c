"""`Resource`, a namespace of operations, and `Sender`, which makes the calls that its methods plan.

See `descriptors` for how a method is declared, `blocking` for families without an event loop, and ``session`` for how a
plan is sent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import ClassVar, Protocol, TypeVar

from msgspec.structs import replace

from marketo_async.descriptions import Described
from marketo_async.download import Sink
from marketo_async.operation import Listing, Operation, Plan
from marketo_async.paging import Pager
from marketo_async.writes import Batches, Results

D = TypeVar("D")
R = TypeVar("R")
T = TypeVar("T")
V = TypeVar("V")


class Sender(Protocol):
    """Makes planned calls: the one place where they meet the governor, the retries and the wire."""

    async def send(self, operation: Operation, plan: Plan[R]) -> R:
        """Make one call."""
        ...

    def pages(self, operation: Operation, listing: Listing[T]) -> Pager[T]:
        """Iterate one listing, or several in sequence or at once."""
        ...

    def writes(self, operation: Operation, batches: Batches[V]) -> Results[V]:
        """Write any number of records in as few calls as possible."""
        ...

    async def describe(self, described: Described[D]) -> D:
        """Return the description of a record type, or the activity types, which are requested once a day."""
        ...

    async def stream(self, operation: Operation, plan: Plan[bytes], sink: Sink) -> None:
        """Download a file into ``sink``, from the position that the sink has reached."""
        ...

    async def wait_for(self, what: Callable[[], Awaitable[T]]) -> T:
        """Wait between two calls. Raises `ConfigurationError` as soon as the client is closed."""
        ...


class Resource:
    """A namespace of operations.

    ``name`` is its attribute on the client. ``root`` replaces ``{root}`` in the paths of shared verbs. ``area`` names
    its permissions (Read-Only ``area``, Read-Write ``area``); ``rights`` replaces them for all operations, and
    ``every`` says whether a call needs all of them. Permissions:
    https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/endpoint-reference
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
        members = (member for base in reversed(cls.__mro__) for member in vars(base).items())
        declared = ((name, getattr(member, "operation", None)) for name, member in members)
        found = {name: operation for name, operation in declared if isinstance(operation, Operation)}
        cls.operations = {name: cls._owned(operation) for name, operation in found.items()}

    @classmethod
    def _owned(cls, declared: Operation) -> Operation:
        """Return an operation with the dotted name, the path and the permissions that it has in this family."""
        rights = declared.permissions or cls.rights
        if not rights and cls.area:
            rights = (f"Read-Write {cls.area}",)
            if not declared.write:
                rights = (f"Read-Only {cls.area}", *rights)
        return replace(
            declared,
            name=f"{cls.name}.{declared.name}",
            path=declared.path.replace("{root}", cls.root),
            permissions=tuple(right.replace("{area}", cls.area) for right in rights),
            every=declared.every or cls.every,
        )
