"""The arguments of every operation as JSON: taken from the example calls of the judge, as the client received them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any
from unittest.mock import patch

import msgspec

from marketo_async.errors import MarketoError
from marketo_async.schema import PAGING, Callee, callees
from tests.wire import CLIENT_ID, CLIENT_SECRET, ORIGIN

Arguments = dict[str, Any]


@contextmanager
def heard(found: Callee) -> Iterator[list[inspect.BoundArguments]]:
    """Keep the arguments with which the planner of an operation is called."""
    kept: list[inspect.BoundArguments] = []
    planner: Callable[..., Any] = found.declared.planner
    signature = inspect.signature(planner)

    def listen(*args: Any, **kwargs: Any) -> Any:
        kept.append(signature.bind(*args, **kwargs))
        return planner(*args, **kwargs)

    with patch.object(found.declared, "planner", listen):
        yield kept


def as_json(value: object) -> Any:
    """Write an argument as a caller writes it in JSON; whole files are text."""
    return value.decode() if isinstance(value, bytes) else msgspec.to_builtins(value, enc_hook=list, str_keys=True)


@cache
def json_arguments() -> Mapping[str, Arguments]:
    """Return JSON arguments for every operation: all that it takes, but those of paging."""
    from marketo_async import Marketo  # noqa: PLC0415
    from tests.test_openapi import CALLS  # noqa: PLC0415 - it imports much

    found: dict[str, Arguments] = {}
    for name, called in callees().items():
        marketo = Marketo(ORIGIN, client_id=CLIENT_ID, client_secret=CLIENT_SECRET, munchkin_id="123-ABC-456")
        with heard(called) as kept, suppress(MarketoError):  # the client is not open: it plans, and sends nothing
            next(CALLS[name](marketo).__await__())
        of_a_type = {"api_name": "car_c"} if name.startswith("bulk.custom_objects.") else {}
        found[name] = of_a_type | {
            one: as_json(value) for one, value in list(kept[0].arguments.items())[1:] if one not in PAGING
        }
    return found
