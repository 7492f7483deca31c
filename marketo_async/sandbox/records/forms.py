"""Forms: their fields on a grid, field sets, visibility rules, submit button and follow-up rules."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from marketo_async.sandbox.envelope import Members
from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.records.drafts import refused

COLUMNS, ROWS = 3, 10
DEFAULT_FIELDS = ("FirstName", "LastName", "Email")
PROFILING = "Profiling"
FIELD_SET, RICH_TEXT = "fieldset", "htmltext"
LONGEST_RICH_TEXT = 65_535
RULE_TYPES = frozenset(("show", "hide", "alwaysShow"))
OPERATORS = frozenset(
    (
        *("is", "isNot", "isEmpty", "isNotEmpty", "startsWith", "notStartsWith", "endsWith", "notEndsWith"),
        *("contains", "notContains", "greaterThan", "lessThan", "atLeast", "atMost", "between", "notBetween"),
        *("inTimeFrame", "notInTimeFrame", "inPast", "notInPast", "after", "before", "onOrAfter", "onOrBefore"),
    )
)

Place = tuple[int, int]
"""Row and column, from zero."""


@dataclass(slots=True)
class Visibility:
    """The visibility rules of a field; the first that matches decides."""

    rule_type: str = "alwaysShow"
    rules: list[Members] = field(default_factory=list)


@dataclass(slots=True)
class FormField:
    """A field, a field set or rich text of a form; ``settings`` are the members that requests set."""

    id: str
    data_type: str
    row: int
    column: int
    settings: Members = field(default_factory=dict)
    field_set: str | None = None
    visibility: Visibility = field(default_factory=Visibility)

    @property
    def is_field_set(self) -> bool:
        """Whether it can contain other fields."""
        return self.data_type == FIELD_SET


@dataclass(frozen=True, slots=True)
class Position:
    """The new position of a field, and the fields within it if it is a field set."""

    name: str
    row: int
    column: int
    inside: tuple[Position, ...] = ()


@dataclass(frozen=True, slots=True)
class SubmitButton:
    """The button that submits a form."""

    label: str = "Submit"
    waiting_label: str = "Please Wait"
    location: int = 120
    style: str = ""


def default_follow_up() -> list[Members]:
    """Return the follow-up rule of a new form: stay on the page."""
    return [{"followupType": "none", "followupValue": None, "default": True}]


@dataclass(slots=True)
class Form:
    """A version of a form; ``settings`` are the members of the form that requests set."""

    settings: Members
    fields: dict[str, FormField] = field(default_factory=dict)
    button: SubmitButton = field(default_factory=SubmitButton)
    follow_ups: list[Members] = field(default_factory=default_follow_up)
    last_number: int = 0

    def field(self, field_id: str) -> FormField:
        """Return a field, or raise 702."""
        if field_id not in self.fields:
            raise ApiError("702", f"Field not found: {field_id}")
        return self.fields[field_id]

    def within(self, field_set: str | None) -> list[FormField]:
        """Return the fields of a field set, or those outside all field sets, in grid order."""
        return sorted(
            (item for item in self.fields.values() if item.field_set == field_set),
            key=lambda item: (item.row, item.column),
        )

    def add(self, field_id: str, data_type: str, settings: Members) -> FormField:
        """Add a field below all others, or raise 709 if it exists or there is no room."""
        if field_id in self.fields:
            raise refused(f"The form has the field '{field_id}' already")
        row, column = self._free_place()
        added = self.fields[field_id] = FormField(field_id, data_type, row, column, settings)
        return added

    def add_numbered(self, name: str, data_type: str, settings: Members) -> FormField:
        """Add a field set or rich text under an id that the form never used."""
        self.last_number += 1
        return self.add(f"{name}_{self.last_number}", data_type, settings)

    def remove(self, field_id: str) -> None:
        """Remove a field; a field set is removed with its fields."""
        del self.fields[self.field(field_id).id]
        for item in self.within(field_id):
            del self.fields[item.id]

    def profile(self, *, progressive: bool) -> None:
        """Add the field set of progressive profiling to the form, or remove it."""
        if progressive and PROFILING not in self.fields:
            self.add(PROFILING, FIELD_SET, {"label": PROFILING})
        elif not progressive and PROFILING in self.fields:
            self.remove(PROFILING)

    def rearrange(self, positions: Iterable[Position]) -> None:
        """Set the position of every field; all fields must be named once."""
        self._check(positions := tuple(positions))
        for position in positions:
            self._put(position, None)
            for inner in position.inside:
                self._put(inner, position.name)

    def _check(self, positions: tuple[Position, ...]) -> None:
        named = [item.name for position in positions for item in (position, *position.inside)]
        if sorted(named) != sorted(self.fields):
            raise refused("The positions must name every field of the form once")
        for group in (positions, *(position.inside for position in positions)):
            places = {(position.row, position.column) for position in group}
            if len(places) < len(group):
                raise refused("Two fields cannot have the same position")
            if not all(0 <= row < ROWS and 0 <= column < COLUMNS for row, column in places):
                raise refused(f"Positions must be within {ROWS} rows and {COLUMNS} columns, counted from 0")
        for position in positions:
            if position.inside and not self.fields[position.name].is_field_set:
                raise refused(f"'{position.name}' is not a field set")
            if any(self.fields[inner.name].is_field_set for inner in position.inside):
                raise refused("A field set cannot be in another")

    def _put(self, position: Position, field_set: str | None) -> None:
        item = self.fields[position.name]
        item.row, item.column, item.field_set = position.row, position.column, field_set

    def _free_place(self) -> Place:
        taken = {(item.row, item.column) for item in self.within(None)}
        for column in range(COLUMNS):
            rows = [row for row, at in taken if at == column]
            below = max(rows, default=-1) + 1
            if below < ROWS:
                return below, column
        raise refused(f"A form has room for {ROWS} rows and {COLUMNS} columns of fields")


def new_form(settings: Members, field_types: Iterable[tuple[str, str, str]]) -> Form:
    """Return a form with fields given by id, data type and label."""
    form = Form(settings)
    for field_id, data_type, label in field_types:
        form.add(field_id, data_type, {"label": label})
    return form
