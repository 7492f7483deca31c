"""Every operation against the sandbox: it is served, takes what the client sends, and answers what the client reads."""

from __future__ import annotations

import pytest

from marketo_async import Marketo, operations
from marketo_async.errors import ApiError, MarketoError
from marketo_async.sandbox import Sandbox
from tests.test_openapi import CALLS

# Codes that say that a request was not understood, whatever it asked for.
NOT_UNDERSTOOD = {"600", "601", "602", "603", "605", "609", "610", "612", "613", "413", "414", "500", "611"}
# What asks first what identifies a record: of a type that does not exist, it gets no further.
DESCRIBES = {"custom_objects.sync": "custom_objects.describe", "custom_objects.delete": "custom_objects.describe"}
SERVED = sorted(name for name in CALLS if not name.startswith("identity."))


def test_all_but_the_session_s_own_are_called() -> None:
    assert set(SERVED) == {name for name in operations() if not name.startswith("identity.")}


@pytest.mark.parametrize("name", SERVED)
async def test_an_operation_is_served_and_understood(name: str, marketo: Marketo, sandbox: Sandbox) -> None:
    """Made-up ids are not found, and made-up values refused: what counts is that the sandbox knows what is asked."""
    operation = operations()[DESCRIBES.get(name, name)]
    refusal = ""
    try:
        await CALLS[name](marketo)
    except ApiError as error:
        refusal = error.code
    except MarketoError as error:
        pytest.fail(f"no answer that can be read: {error}")
    assert refusal not in NOT_UNDERSTOOD
    served = {f"{operation.method} {operation.path}", f"POST {operation.path}"}
    assert served & set(sandbox.stats.by_operation), sandbox.stats.by_operation
