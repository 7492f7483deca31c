"""The objects that every instance has besides leads: their descriptions and records.

It also finds custom objects by type. See ``custom_objects`` for the types.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from marketo_async.sandbox.clock import iso
from marketo_async.sandbox.envelope import Members
from marketo_async.sandbox.records.custom_objects import CustomObjects
from marketo_async.sandbox.records.object_description import (
    GUID,
    ObjectDescription,
    Relationship,
    described_fields,
)
from marketo_async.sandbox.records.object_store import ObjectStore

STAMPS = (("createdAt", "Created At", "datetime"), ("updatedAt", "Updated At", "datetime"))
STAMP_NAMES = ("createdAt", "updatedAt")

_COMPANY = (
    ("id", "Id", "integer"),
    ("externalCompanyId", "External Company Id", "string"),
    ("company", "Company Name", "string"),
    ("externalSalesPersonId", "External Sales Person Id", "string"),
    ("site", "Site", "string"),
    ("website", "Website", "url"),
    ("mainPhone", "Main Phone", "phone"),
    ("billingStreet", "Billing Address", "text"),
    ("billingCity", "Billing City", "string"),
    ("billingState", "Billing State", "string"),
    ("billingPostalCode", "Billing Postal Code", "string"),
    ("billingCountry", "Billing Country", "string"),
    ("annualRevenue", "Annual Revenue", "currency"),
    ("numberOfEmployees", "Num Employees", "integer"),
    ("industry", "Industry", "string"),
    ("sicCode", "SIC Code", "string"),
    *STAMPS,
)
_OPPORTUNITY = (
    (GUID, "Marketo GUID", "string"),
    ("externalOpportunityId", "External Opportunity Id", "string"),
    ("name", "Name", "string"),
    ("description", "Description", "text"),
    ("type", "Type", "string"),
    ("stage", "Stage", "string"),
    ("amount", "Amount", "currency"),
    ("expectedRevenue", "Expected Revenue", "currency"),
    ("probability", "Probability", "integer"),
    ("closeDate", "Close Date", "date"),
    ("isClosed", "Is Closed", "boolean"),
    ("isWon", "Is Won", "boolean"),
    ("quantity", "Quantity", "float"),
    ("nextStep", "Next Step", "string"),
    ("leadSource", "Lead Source", "string"),
    ("fiscalQuarter", "Fiscal Quarter", "string"),
    ("fiscalYear", "Fiscal Year", "string"),
    ("externalCompanyId", "External Company Id", "string"),
    ("externalSalesPersonId", "External Sales Person Id", "string"),
    *STAMPS,
)
_ROLE = (
    (GUID, "Marketo GUID", "string"),
    ("externalOpportunityId", "External Opportunity Id", "string"),
    ("leadId", "Lead Id", "integer"),
    ("role", "Role", "string"),
    ("isPrimary", "Is Primary", "boolean"),
    ("externalCreatedDate", "External Created Date", "datetime"),
    *STAMPS,
)
_SALES_PERSON = (
    ("id", "Id", "integer"),
    ("externalSalesPersonId", "External Sales Person Id", "string"),
    ("email", "Email Address", "email"),
    ("firstName", "First Name", "string"),
    ("lastName", "Last Name", "string"),
    ("title", "Job Title", "string"),
    ("phone", "Phone Number", "phone"),
    ("mobilePhone", "Mobile Phone Number", "phone"),
    ("fax", "Fax Number", "phone"),
    *STAMPS,
)
_NAMED_ACCOUNT = (
    (GUID, "Marketo GUID", "string"),
    ("name", "Name", "string"),
    ("domainName", "Domain Name", "string"),
    ("industry", "Industry", "string"),
    ("city", "City", "string"),
    ("state", "State", "string"),
    ("country", "Country", "string"),
    ("annualRevenue", "Annual Revenue", "currency"),
    ("numberOfEmployees", "Num Employees", "integer"),
    ("accountOwnerId", "Account Owner Id", "integer"),
    *STAMPS,
)
_ACCOUNT_LIST = (
    (GUID, "Marketo GUID", "string"),
    ("name", "Name", "string"),
    ("type", "Type", "string"),
    ("updateable", "Updateable", "boolean"),
    *STAMPS,
)


def _object(
    now: float,
    name: str,
    plural_name: str,
    table: Iterable[tuple[str, str, str]],
    dedupe_fields: tuple[str, ...],
    searchable: Iterable[str] | None,
    *,
    custom: Iterable[tuple[str, str, str]] = (),
    read_only: tuple[str, ...] = (),
    relationships: tuple[Relationship, ...] = (),
    defaults: Members | None = None,
    all_by_default: bool = False,
) -> ObjectStore:
    table = tuple(table)
    id_field = table[0][0]
    # An object without searchable fields can still be found by the aliases of its keys.
    singles = None if searchable is None else tuple((field_name,) for field_name in searchable)
    return ObjectStore(
        ObjectDescription(
            name=name[0].lower() + name[1:].replace(" ", ""),
            display_name=name,
            plural_name=plural_name,
            description=f"{name} objects",
            fields=described_fields(table, read_only=(id_field, *STAMP_NAMES, *read_only), custom=custom),
            id_field=id_field,
            dedupe_fields=dedupe_fields,
            searchable=() if singles is None else (dedupe_fields, (id_field,), *singles),
            relationships=relationships,
            created_at=now,
            updated_at=now,
            defaults=defaults or {},
            all_by_default=all_by_default,
        )
    )


@dataclass(slots=True)
class Objects:
    """The records of all objects of an instance, except leads."""

    companies: ObjectStore
    opportunities: ObjectStore
    opportunity_roles: ObjectStore
    sales_persons: ObjectStore
    named_accounts: ObjectStore
    named_account_lists: ObjectStore
    list_members: dict[int, set[int]] = field(default_factory=dict)
    """The numbers of named accounts, by the number of their list."""
    custom: CustomObjects = field(default_factory=CustomObjects)


def standard_objects(now: float) -> Objects:
    """Return the objects of a fresh instance, with a few records and no custom object types."""
    sales_person = Relationship("externalSalesPersonId", "salesPerson", "externalSalesPersonId")
    company = Relationship("externalCompanyId", "company", "externalCompanyId")
    objects = Objects(
        companies=_object(
            now,
            "Company",
            "Companies",
            _COMPANY,
            ("externalCompanyId",),
            ("company",),
            custom=(("companySegment", "Company Segment", "string"),),
            relationships=(sales_person,),
        ),
        opportunities=_object(
            now,
            "Opportunity",
            "Opportunities",
            _OPPORTUNITY,
            ("externalOpportunityId",),
            (),
            custom=(("renewalNumber", "Renewal Number", "integer"), ("renewalDate", "Renewal Date", "date")),
            relationships=(company, sales_person),
        ),
        opportunity_roles=_object(
            now,
            "Opportunity Role",
            "Opportunity Roles",
            _ROLE,
            ("externalOpportunityId", "leadId", "role"),
            ("leadId", "externalOpportunityId"),
            relationships=(
                Relationship("leadId", "lead", "id"),
                Relationship("externalOpportunityId", "opportunity", "externalOpportunityId"),
            ),
        ),
        sales_persons=_object(
            now,
            "Sales Person",
            "Sales Persons",
            _SALES_PERSON,
            ("externalSalesPersonId",),
            ("email",),
            all_by_default=True,
        ),
        named_accounts=_object(
            now,
            "Named Account",
            "Named Accounts",
            _NAMED_ACCOUNT,
            ("name",),
            ("industry", "state", "city", "country", "domainName"),
        ),
        named_account_lists=_object(
            now,
            "Named Account List",
            "Named Account Lists",
            _ACCOUNT_LIST,
            ("name",),
            None,
            read_only=("type", "updateable"),
            defaults={"type": "default", "updateable": True},
        ),
    )
    _seed(objects, iso(now))
    return objects


def _seed(objects: Objects, now: str) -> None:
    def fill(store: ObjectStore, *records: Members) -> None:
        for record in records:
            store.insert({**record, "createdAt": now, "updatedAt": now})

    fill(
        objects.sales_persons,
        {"externalSalesPersonId": "sales-1", "email": "ines@sandbox.example", "firstName": "Ines", "lastName": "Roth"},
        {"externalSalesPersonId": "sales-2", "email": "omar@sandbox.example", "firstName": "Omar", "lastName": "Aziz"},
    )
    fill(
        objects.companies,
        {"externalCompanyId": "company-1", "company": "Northwind", "externalSalesPersonId": "sales-1"},
        {"externalCompanyId": "company-2", "company": "Contoso", "industry": "Software"},
    )
    fill(
        objects.opportunities,
        {"externalOpportunityId": "deal-1", "name": "Northwind renewal", "amount": 1200.0, "stage": "Proposal"},
    )
    fill(
        objects.named_accounts,
        {"name": "Northwind", "industry": "Retail", "country": "Germany"},
        {"name": "Contoso", "industry": "Software", "country": "Canada"},
    )
    fill(
        objects.named_account_lists,
        {"name": "Top accounts", "type": "default", "updateable": True},
        {"name": "CRM view", "type": "external", "updateable": False},
    )
    objects.list_members[1] = {1}
    objects.list_members[2] = {2}
