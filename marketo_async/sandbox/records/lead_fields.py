"""The fields of leads and program members, standard and custom, and the valid values of each type.

See ``families.lead_fields`` and ``families.field_schema`` for their layouts in answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from marketo_async.sandbox.errors import ApiError, RecordError

DEFAULT_FIELDS = ("id", "email", "updatedAt", "createdAt", "firstName", "lastName")

_TEXT_LENGTH = 255

# name, display name, data type, then marks: r read-only, c company column, s searchable, l system record
_STANDARD = """
id|Id|integer|rs
email|Email Address|email|s
firstName|First Name|string|
lastName|Last Name|string|
middleName|Middle Name|string|
salutation|Salutation|string|
title|Job Title|string|
phone|Phone Number|phone|
mobilePhone|Mobile Phone Number|phone|
fax|Fax Number|phone|
address|Address|text|
city|City|string|
state|State|string|
postalCode|Postal Code|string|
country|Country|string|
dateOfBirth|Date of Birth|date|
department|Department|string|
company|Company Name|string|c
site|Site|string|c
website|Website|url|c
mainPhone|Main Phone|phone|c
billingStreet|Billing Address|text|c
billingCity|Billing City|string|c
billingState|Billing State|string|c
billingPostalCode|Billing Postal Code|string|c
billingCountry|Billing Country|string|c
annualRevenue|Annual Revenue|currency|c
numberOfEmployees|Num Employees|integer|c
industry|Industry|string|c
sicCode|SIC Code|string|c
leadSource|Lead Source|string|
leadStatus|Lead Status|string|
leadRole|Role|string|
leadScore|Lead Score|score|
rating|Lead Rating|string|
priority|Priority|integer|
relativeScore|Relative Score|integer|
urgency|Urgency|float|
doNotCall|Do Not Call|boolean|
doNotCallReason|Do Not Call Reason|text|
unsubscribed|Unsubscribed|boolean|
unsubscribedReason|Unsubscribed Reason|text|
emailInvalid|Email Invalid|boolean|
emailInvalidCause|Email Invalid Cause|string|
isAnonymous|Is Anonymous|boolean|r
anonymousIP|Anonymous IP|string|r
inferredCity|Inferred City|string|r
inferredCompany|Inferred Company|string|r
inferredCountry|Inferred Country|string|r
inferredMetropolitanArea|Inferred Metropolitan Area|string|r
inferredPhoneAreaCode|Inferred Phone Area Code|string|r
inferredPostalCode|Inferred Postal Code|string|r
inferredStateRegion|Inferred State Region|string|r
createdAt|Created At|datetime|r
updatedAt|Updated At|datetime|r
leadPartitionId|Lead Partition Id|integer|rs
cookies|Cookies|string|rs
ecids|ECIDs|string|r
externalCompanyId|External Company Id|string|s
externalSalesPersonId|External Sales Person Id|string|s
facebookId|Facebook Id|string|s
linkedInId|LinkedIn Id|string|s
twitterId|Twitter Id|string|s
sfdcAccountId|SFDC Account Id|string|rs
sfdcContactId|SFDC Contact Id|string|rs
sfdcLeadId|SFDC Lead Id|string|rs
sfdcLeadOwnerId|SFDC Lead Owner Id|string|rs
sfdcOpptyId|SFDC Oppty Id|string|rs
"""

_MEMBER = """
acquiredBy|Acquired By|boolean|
attendanceLikelihood|Attendance Likelihood|integer|r
createdAt|Created At|datetime|r
isExhausted|Is Exhausted|boolean|r
leadId|Lead Id|integer|rs
membershipDate|Membership Date|datetime|r
nurtureCadence|Nurture Cadence|string|r
program|Program|string|r
programId|Program Id|integer|r
reachedSuccess|Reached Success|boolean|rs
reachedSuccessDate|Reached Success Date|datetime|r
registrationLikelihood|Registration Likelihood|integer|r
registrationCode|Registration Code|string|
statusName|Status|string|rs
statusReason|Status Reason|string|
trackName|Track Name|string|r
updatedAt|Updated At|datetime|rs
waitlistPriority|Waitlist Priority|integer|r
webinarUrl|Webinar URL|url|
"""

CREATABLE_TYPES = frozenset(
    (
        "boolean",
        "currency",
        "date",
        "datetime",
        "email",
        "float",
        "integer",
        "percent",
        "phone",
        "score",
        "string",
        "url",
    )
)
_SEARCHABLE_CUSTOM_TYPES = frozenset({"string", "email", "integer"})
_LENGTHS = {"string": _TEXT_LENGTH, "email": _TEXT_LENGTH, "phone": _TEXT_LENGTH, "url": _TEXT_LENGTH, "text": 2_000}


@dataclass(frozen=True, slots=True)
class Field:
    """One field, by its REST API name."""

    id: int
    name: str
    display_name: str
    data_type: str
    read_only: bool = False
    company: bool = False
    searchable: bool = False
    description: str = ""
    hidden: bool = False
    html_encoded: bool = True
    sensitive: bool = False
    custom: bool = False
    api_created: bool = False
    on_rest: bool = True

    @property
    def length(self) -> int | None:
        """The maximum length of a value, for types with one."""
        return _LENGTHS.get(self.data_type)


def _parse(table: str, first_id: int) -> Iterator[Field]:
    for field_id, line in enumerate(table.split("\n")[1:-1], start=first_id):
        name, display_name, data_type, marks = line.split("|")
        yield Field(field_id, name, display_name, data_type, "r" in marks, "c" in marks, "s" in marks)


class Fields:
    """The fields of one kind of record, by name."""

    def __init__(self, fields: Iterable[Field]) -> None:
        self._by_name = {field.name: field for field in fields}

    def __iter__(self) -> Iterator[Field]:
        return iter(self._by_name.values())

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def find(self, name: str) -> Field | None:
        """Return any field."""
        return self._by_name.get(name)

    def get(self, name: str) -> Field:
        """Return a field that REST calls may use, or raise 1006."""
        field = self._by_name.get(name)
        if field is None or not field.on_rest:
            raise ApiError("1006", f"Field '{name}' not found")
        return field

    def filterable(self, name: str) -> Field:
        """Return a field by which records may be looked up, or raise 1006 or 1011."""
        field = self.get(name)
        if not field.searchable:
            raise ApiError("1011", f"Field '{name}' is not supported as a lookup or filter field")
        return field

    def add_custom(self, name: str, display_name: str, data_type: str, *, api_created: bool = False) -> Field:
        """Create a custom field."""
        field = Field(
            id=max(field.id for field in self) + 1,
            name=name,
            display_name=display_name,
            data_type=data_type,
            searchable=data_type in _SEARCHABLE_CUSTOM_TYPES,
            custom=True,
            api_created=api_created,
        )
        self._by_name[name] = field
        return field

    def change(self, name: str, **changes: str | bool) -> None:
        """Change the metadata of a field."""
        self._by_name[name] = replace(self._by_name[name], **changes)  # type: ignore[arg-type]  # checked by callers


def lead_fields() -> Fields:
    """Return the fields of a fresh instance: the standard ones, three custom ones, and one only for SOAP."""
    fields = Fields(_parse(_STANDARD, 1))
    fields.add_custom("accountTier", "Account Tier", "string")
    fields.add_custom("memberNumber", "Member Number", "integer")
    fields.add_custom("renewalDate", "Renewal Date", "date")
    fields.add_custom("Legacy_Notes", "Legacy Notes", "text")
    fields.change("Legacy_Notes", on_rest=False)
    return fields


def member_fields() -> Fields:
    """Return the fields of program members."""
    return Fields(_parse(_MEMBER, 1001))


def checked(field: Field, value: object) -> object:
    """Return a value as the field stores it, or raise 1001 or 1003 for its record."""
    if value is None or value == "":
        return None
    try:
        stored = _CONVERSIONS.get(field.data_type, _text)(value)
    except (TypeError, ValueError):
        message = f"Invalid value for field '{field.name}', required of type {field.data_type}"
        raise RecordError("1001", message) from None
    if field.data_type == "email" and not (isinstance(stored, str) and stored.isascii() and "@" in stored):
        raise RecordError("1003", f"Invalid email address for field '{field.name}'")
    return stored


def _integer(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError
    return int(value)


def _number(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError
    return float(value)


def _boolean(value: object) -> object:
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise TypeError
    return value


def _dated(value: object) -> object:
    if not isinstance(value, str):
        raise TypeError
    datetime.fromisoformat(value)
    return value


def _text(value: object) -> object:
    if isinstance(value, dict | list):
        raise TypeError
    return str(value)


_CONVERSIONS: Mapping[str, Callable[[object], object]] = {
    "integer": _integer,
    "score": _integer,
    "percent": _integer,
    "float": _number,
    "currency": _number,
    "boolean": _boolean,
    "date": _dated,
    "datetime": _dated,
}
