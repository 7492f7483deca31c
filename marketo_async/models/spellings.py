"""Values that Marketo spells in two ways: a model declares both members, and either of them gives the value."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import force_setattr


def unify(model: Struct, *names: str) -> None:
    """Give every member of ``names`` the first value that is not ``None``; call it in ``__post_init__``."""
    value = next((value for name in names if (value := getattr(model, name)) is not None), None)
    for name in names:
        force_setattr(model, name, value)
