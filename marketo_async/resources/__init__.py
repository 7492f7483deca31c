"""What can be called: one module per family of operations, and the registry over all of them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from marketo_async.auth import IDENTITY, IDENTITY_BY_POST
from marketo_async.operation import Operation
from marketo_async.resources.activities import Activities
from marketo_async.resources.base import Resource
from marketo_async.resources.custom_activity_types import CustomActivityTypes
from marketo_async.resources.leads import Leads
from marketo_async.resources.lists import Lists
from marketo_async.resources.usage import Usage

FAMILIES: tuple[type[Resource], ...] = (Leads, Lists, Activities, CustomActivityTypes, Usage)


def operations() -> Mapping[str, Operation]:
    """Return every operation by its dotted name: ``operations()["leads.get"].permissions``."""
    found = [operation for family in FAMILIES for operation in family.operations.values()]
    return MappingProxyType({operation.name: operation for operation in (*found, IDENTITY, IDENTITY_BY_POST)})


__all__ = ["FAMILIES", "Activities", "CustomActivityTypes", "Leads", "Lists", "Resource", "Usage", "operations"]
