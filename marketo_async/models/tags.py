"""Tag types. Not here: a program's own tags (``programs``)."""

from __future__ import annotations

from msgspec import Struct


class TagType(Struct, frozen=True, kw_only=True, rename="camel"):
    """A tag that programs can have; ``allowable_values`` is told by name only.

    Marketo writes lists as text in brackets: `program_types` and `values` are what it holds.
    """

    tag_type: str
    applicable_program_types: str | None = None
    required: bool | None = None
    allowable_values: str | None = None

    @property
    def program_types(self) -> list[str]:
        """The types of programs that can have the tag."""
        return _listed(self.applicable_program_types)

    @property
    def values(self) -> list[str]:
        """The values to choose from; one with a comma in it can't be told from two."""
        return _listed(self.allowable_values)


def _listed(text: str | None) -> list[str]:
    """Read ``[one, two]``, which is no JSON."""
    members = (text or "").strip().removeprefix("[").removesuffix("]").split(",")
    return [member.strip() for member in members if member.strip()]
