"""The routes of a sandbox's operations, and the router that finds the route of a request.

A family declares its routes on its own ``Routes``; the router joins them. See ``exchange`` for the call of the handler.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias
from urllib.parse import unquote

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.envelope import Answer
from marketo_async.sandbox.errors import ApiError

Handler: TypeAlias = Callable[[Call], Answer | Awaitable[Answer]]
Method = Literal["GET", "POST", "DELETE"]

_PARAMETER = re.compile(r"\{(\w+)\}")

# Ids chosen by a document or its author; all others are numbers.
_CHOSEN_IDS = frozenset(
    ("htmlId", "moduleId", "contentId", "variableId", "fieldId", "fieldSetId", "userid", "munchkinId", "exportId")
)

# Paths whose ids are GUIDs.
_GUID_PATHS = ("/rest/v1/namedAccountList/",)


def _pattern(path: str) -> re.Pattern[str]:
    # An id that is not a number matches no path, so Marketo answers 610 to it.
    def group(match: re.Match[str]) -> str:
        name = match[1]
        number = name.lower().endswith("id") and name not in _CHOSEN_IDS and not path.startswith(_GUID_PATHS)
        return rf"(?P<{name}>\d{{1,19}})" if number else rf"(?P<{name}>[^/]+?)"

    pieces = _PARAMETER.split(path)
    text = "".join(
        group(match) if index % 2 and (match := _PARAMETER.match(f"{{{piece}}}")) else re.escape(piece)
        for index, piece in enumerate(pieces)
    )
    return re.compile(text)


@dataclass(frozen=True, slots=True)
class Route:
    """One operation: its path, permissions, parameters and handler."""

    method: Method
    path: str
    permissions: frozenset[str]
    handler: Handler
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    body: tuple[str, ...] = ()
    body_optional: tuple[str, ...] = ()
    also_json: bool = False
    """Whether an operation with a form also accepts its members as a JSON object."""
    pattern: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pattern", _pattern(self.path))

    @property
    def operation(self) -> str:
        """Method and path template: the operation's name in statistics."""
        return f"{self.method} {self.path}"

    @property
    def is_asset(self) -> bool:
        """Whether the operation belongs to the asset API, which has its own envelope and encodings."""
        return self.path.startswith("/rest/asset/")

    @property
    def takes_form(self) -> bool:
        """Whether its body is a form, with JSON only inside its members."""
        return self.takes_body and (self.path.startswith("/rest/asset/v1/") or self.body == ("file",))

    @property
    def takes_body(self) -> bool:
        """Whether the operation reads a body."""
        return bool(self.body or self.body_optional)

    @property
    def parameters(self) -> frozenset[str]:
        """The names of all query parameters."""
        return frozenset(self.required + self.optional)


class Routes:
    """The operations of one family, collected by decorators."""

    def __init__(self) -> None:
        self.routes: list[Route] = []

    def get(
        self,
        path: str,
        permissions: frozenset[str],
        *,
        required: tuple[str, ...] = (),
        optional: tuple[str, ...] = (),
        body_optional: tuple[str, ...] = (),
    ) -> Callable[[Handler], Handler]:
        """Declare a GET operation."""
        return self._declare("GET", path, permissions, required, optional, (), body_optional)

    def post(
        self,
        path: str,
        permissions: frozenset[str],
        *,
        required: tuple[str, ...] = (),
        optional: tuple[str, ...] = (),
        body: tuple[str, ...] = (),
        body_optional: tuple[str, ...] = (),
        also_json: bool = False,
    ) -> Callable[[Handler], Handler]:
        """Declare a POST operation."""
        return self._declare("POST", path, permissions, required, optional, body, body_optional, also_json=also_json)

    def delete(
        self,
        path: str,
        permissions: frozenset[str],
        *,
        optional: tuple[str, ...] = (),
        body_optional: tuple[str, ...] = (),
    ) -> Callable[[Handler], Handler]:
        """Declare a DELETE operation."""
        return self._declare("DELETE", path, permissions, (), optional, (), body_optional)

    def _declare(
        self,
        method: Method,
        path: str,
        permissions: frozenset[str],
        required: tuple[str, ...],
        optional: tuple[str, ...],
        body: tuple[str, ...],
        body_optional: tuple[str, ...],
        *,
        also_json: bool = False,
    ) -> Callable[[Handler], Handler]:
        def declare(handler: Handler) -> Handler:
            self.routes.append(
                Route(method, path, permissions, handler, required, optional, body, body_optional, also_json)
            )
            return handler

        return declare


class Router:
    """Finds the route of a request, or raises 610 for a path and 605 for a method that it does not know."""

    def __init__(self, families: Iterable[Routes]) -> None:
        self.routes = [route for family in families for route in family.routes]
        self._plain: dict[str, dict[str, Route]] = {}
        self._templates: list[Route] = []
        for route in self.routes:
            if "{" in route.path:
                self._templates.append(route)
            else:
                self._plain.setdefault(route.path, {})[route.method] = route

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """Return the route and its path arguments."""
        known = self._plain.get(path)
        if known is not None:
            if method in known:
                return known[method], {}
            raise ApiError("605", f"Request method '{method}' not supported")
        path_known = False
        for route in self._templates:
            match = route.pattern.fullmatch(path)
            if match is None:
                continue
            if route.method == method:
                return route, {name: unquote(value) for name, value in match.groupdict().items()}
            path_known = True
        if path_known:
            raise ApiError("605", f"Request method '{method}' not supported")
        raise ApiError("610", "Requested resource not found")
