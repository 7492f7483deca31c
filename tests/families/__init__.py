"""The families beyond the first ones: example calls for the judge (modules named ``calls_*``), and tests of their own.

A table of calls has ``CALLS`` (operation name to a call with every argument it takes) and, where the OpenAPI files are
known to be wrong or leave a choice, ``NEVER_SENT``, ``NOT_REQUIRED``, ``DOCUMENTED``, ``OPEN``, ``IN_FORM``,
``OTHER_TYPES``, ``BEYOND_THE_FILES`` and ``LEFT_OUT`` as in ``tests/test_openapi.py``.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from operator import attrgetter
from types import ModuleType
from typing import Any


def tables() -> Iterator[ModuleType]:
    """Return the tables of example calls."""
    for found in pkgutil.iter_modules(__path__):
        if found.name.startswith("calls_"):
            yield importlib.import_module(f"{__name__}.{found.name}")


def family_of(marketo: object, name: str) -> Any:
    """Return a family of a client by its dotted name; that of custom objects for one type."""
    found = attrgetter(name)(marketo)
    return found("car_c") if name == "bulk.custom_objects" else found
