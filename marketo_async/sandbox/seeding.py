"""Fills a fresh instance with given or generated leads and activities; the same seed generates the same.

Generating must be fast: a benchmark starts with fifty thousand activities.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping

from marketo_async.sandbox.clock import SandboxClock, iso
from marketo_async.sandbox.parameters import as_integer, as_moment
from marketo_async.sandbox.quirks import Quirks
from marketo_async.sandbox.records import activity_types
from marketo_async.sandbox.records.activity_log import Activity, ActivityLog, Attribute, no_delay
from marketo_async.sandbox.records.custom_types import CustomTypes
from marketo_async.sandbox.records.design_studio import DesignStudio, SubmittableForms
from marketo_async.sandbox.records.folders import Folders, seeded_folders
from marketo_async.sandbox.records.inbox import Inbox
from marketo_async.sandbox.records.instance import Instance
from marketo_async.sandbox.records.lead_fields import Fields, lead_fields, member_fields
from marketo_async.sandbox.records.lead_store import Lead, LeadStore
from marketo_async.sandbox.records.program_assets import seeded_program_assets
from marketo_async.sandbox.records.programs import PARTITIONS, seeded_campaigns, seeded_programs
from marketo_async.sandbox.records.seeded_designs import seed_designs
from marketo_async.sandbox.records.segmentations import seeded_segmentations
from marketo_async.sandbox.records.standard_objects import standard_objects
from marketo_async.sandbox.records.static_lists import StaticList, StaticLists
from marketo_async.sandbox.records.usage_log import UsageLog
from marketo_async.sandbox.records.users import seeded_users
from marketo_async.sandbox.records.v2_assets import seeded_v2_assets
from marketo_async.sandbox.tokens import Tokens

MUNCHKIN_ID = "100-SBX-001"
EVERYBODY_LIST_ID = 1001
PROGRAM_MEMBERS = 500
FORM_FIELDS = frozenset(("firstName", "lastName", "email", "phone", "title", "company", "country", "leadSource"))
CAMPAIGN_ID = 4001

DAY = 86_400.0

_FIRST_NAMES = ("Ada", "Bruno", "Chloé", "Dmitri", "Esra", "Fatima", "Goran", "Hana", "Ivo", "Jun", "Kaya", "Lúcia")
_LAST_NAMES = ("Abara", "Berg", "Costa", "Dufour", "Eriksen", "Fujita", "García", "Holm", "Ito", "Jansen", "Kovač")
_COMPANIES = ("Northwind", "Contoso", "Initech", "Umbrella", "Globex", "Hooli", "Vandelay")
_COUNTRIES = ("Germany", "Japan", "Brazil", "Canada", "Kenya", "France", "India")
_TITLES = ("Engineer", "Buyer", "Director", "Analyst", "Owner")
_WEIGHTS: Mapping[int, int] = {
    activity_types.VISIT_WEBPAGE: 40,
    activity_types.OPEN_EMAIL: 14,
    activity_types.CHANGE_DATA_VALUE: 12,
    activity_types.SEND_EMAIL: 10,
    activity_types.EMAIL_DELIVERED: 10,
    activity_types.CLICK_EMAIL: 5,
    activity_types.FILL_OUT_FORM: 4,
    activity_types.NEW_LEAD: 3,
    activity_types.CHANGE_SCORE: 2,
}
_Sample = tuple[int | None, tuple[int | None, str | None], tuple[Attribute, ...]]


def seeded_rng(seed: int, purpose: str) -> random.Random:
    """Return random numbers for one purpose, independent of those for other purposes."""
    return random.Random(f"{seed}:{purpose}")  # noqa: S311 - it must repeat and protects nothing


def _commit_delay(quirks: Quirks, rng: random.Random) -> Callable[[], float]:
    def delay() -> float:
        return rng.uniform(*quirks.late_by) if rng.random() < quirks.late_share else 0.0

    return delay


def generated_leads(number: int, rng: random.Random, now: float) -> Iterable[Lead]:
    """Yield leads with an e-mail address each, created over the last year."""
    first = rng.choices(_FIRST_NAMES, k=number)
    last = rng.choices(_LAST_NAMES, k=number)
    step = 365 * DAY / max(number, 1)
    born = now - 365 * DAY
    for index in range(number):
        created = born + index * step
        yield {
            "email": f"lead{index + 1}@example.com",
            "firstName": first[index],
            "lastName": last[index],
            "company": _COMPANIES[index % 7],
            "country": _COUNTRIES[index % 7],
            "title": _TITLES[index % 5],
            "leadScore": index % 100,
            "unsubscribed": index % 20 == 0,
            "leadPartitionId": 1,
            "createdAt": iso(created),
            "updatedAt": iso((created + now) / 2),
        }


def _samples(activity_type_id: int, fields: Fields) -> list[_Sample]:
    """Return sample contents that the activities of this type share."""
    if activity_type_id == activity_types.VISIT_WEBPAGE:
        return [
            (
                None,
                (500 + page, f"example.com/page{page}"),
                (Attribute("Webpage URL", f"/page{page}"), Attribute("Client IP Address", f"192.0.2.{page}")),
            )
            for page in range(8)
        ]
    if activity_type_id == activity_types.FILL_OUT_FORM:
        return [(None, (3001, "Contact us"), (Attribute("Client IP Address", "192.0.2.9"),))]
    if activity_type_id == activity_types.NEW_LEAD:
        return [(None, (None, None), (Attribute("Source Type", "Web page visit"),))]
    if activity_type_id == activity_types.CHANGE_SCORE:
        return [
            (None, (60, "Lead Score"), (Attribute("Change Value", "+5"), Attribute("New Value", 5 * n)))
            for n in range(1, 8)
        ]
    if activity_type_id == activity_types.CHANGE_DATA_VALUE:
        return [
            (
                None,
                (fields.get(name).id, name),
                (Attribute("New Value", new), Attribute("Old Value", old), Attribute("Source", "Web form fillout")),
            )
            for name, new, old in (("title", "Director", "Analyst"), ("city", "Lyon", None), ("leadScore", "10", "5"))
        ]
    return [
        (CAMPAIGN_ID, (700 + mail, f"Newsletter {mail}"), (Attribute("Campaign Run ID", mail),)) for mail in range(8)
    ]


def generate_activities(
    log: ActivityLog, number: int, lead_ids: list[int], fields: Fields, rng: random.Random, now: float, days: float
) -> None:
    """Write activities evenly over the days before now, on whole seconds, in date order."""
    if not number:
        return
    lead_ids = lead_ids or [1]
    kinds = rng.choices(list(_WEIGHTS), weights=list(_WEIGHTS.values()), k=number)
    leads = rng.choices(lead_ids, k=number)
    samples = {kind: _samples(kind, fields) for kind in _WEIGHTS}
    end = now // 1
    step = days * DAY / number
    for index in range(number):
        kind = kinds[index]
        pool = samples[kind]
        campaign_id, primary, attributes = pool[index % len(pool)]
        date = (end - (number - 1 - index) * step) // 1
        log.add(leads[index], kind, primary, attributes, date=date, campaign_id=campaign_id)


def given_activity(log: ActivityLog, record: Mapping[str, object]) -> Activity:
    """Write an activity from a record in Marketo's layout with at least leadId, activityTypeId and activityDate."""
    given = record.get("attributes") or []
    if not isinstance(given, list):
        raise TypeError(f"attributes is {given!r}; give a list of objects with name and value")
    primary_id, primary, guid = (
        record.get(name) for name in ("primaryAttributeValueId", "primaryAttributeValue", "marketoGUID")
    )
    return log.add(
        as_integer("leadId", record.get("leadId")),
        as_integer("activityTypeId", record.get("activityTypeId")),
        (None if primary_id is None else as_integer("primaryAttributeValueId", primary_id), _text(primary)),
        tuple(Attribute(item["name"], item["value"]) for item in given),
        date=as_moment("activityDate", record.get("activityDate")),
        id=None if record.get("id") is None else as_integer("id", record.get("id")),
        marketo_guid=_text(guid),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _data_type(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "integer" if isinstance(value, int) else "float" if isinstance(value, float) else "string"


def _store_given(leads: LeadStore, fields: Fields, record: Mapping[str, object], now: float) -> None:
    for name, value in record.items():
        # An unknown field of a test's lead becomes a custom field, so that operations know it.
        if name not in fields:
            fields.add_custom(name, name, _data_type(value))
    given_id = record.get("id")
    values = {"leadPartitionId": 1, "createdAt": iso(now), "updatedAt": iso(now), **record}
    leads.insert(values, id=None if given_id is None else as_integer("id", given_id))


def seeded_instance(
    *,
    leads: int | Iterable[Mapping[str, object]],
    activities: int | Iterable[Mapping[str, object]],
    activity_days: float,
    lists: Mapping[int, Iterable[int]] | None,
    seed: int,
    quirks: Quirks,
    clock: SandboxClock,
) -> Instance:
    """Return an instance with leads, activities, lists, programs, smart campaigns and forms."""
    now = clock.time()
    fields = lead_fields()
    store = LeadStore()
    if isinstance(leads, int):
        for lead in generated_leads(leads, seeded_rng(seed, "leads"), now):
            store.insert(lead)
    else:
        for record in leads:
            _store_given(store, fields, record, now)
    lead_ids = store.ids()
    log = ActivityLog(
        clock.time,
        omit_ids=quirks.omit_activity_ids,
        order=quirks.token_order,
        delay=_commit_delay(quirks, seeded_rng(seed, "commits")) if quirks.late_share else no_delay,
    )
    if isinstance(activities, int):
        rng = seeded_rng(seed, "activities")
        generate_activities(log, activities, lead_ids, fields, rng, now, activity_days)
    else:
        for record in activities:
            given_activity(log, record)
    members = {EVERYBODY_LIST_ID: lead_ids} if lists is None else lists
    programs = {program.id: program for program in seeded_programs(lead_ids[:PROGRAM_MEMBERS], now - DAY)}
    campaigns = seeded_campaigns(lead_ids[:PROGRAM_MEMBERS], now - DAY)
    static_lists = StaticLists(
        StaticList(list_id, f"List {list_id}", held, now - DAY) for list_id, held in members.items()
    )
    folders = Folders(seeded_folders(now - DAY), programs)
    studio = DesignStudio(folders, clock.time)
    seed_designs(studio, fields, FORM_FIELDS)
    return Instance(
        munchkin_id=MUNCHKIN_ID,
        clock=clock,
        quirks=quirks,
        rng=seeded_rng(seed, "answers"),
        tokens=Tokens(quirks, seeded_rng(seed, "tokens")),
        usage=UsageLog(),
        leads=store,
        lead_fields=fields,
        member_fields=member_fields(),
        activities=log,
        custom_types=CustomTypes(),
        v2_assets=seeded_v2_assets(now - DAY),
        users=seeded_users(now - DAY),
        inbox=Inbox(clock, quirks.ingestion_delay),
        lists=static_lists,
        folders=folders,
        program_assets=seeded_program_assets(folders, programs, campaigns, static_lists, clock.time, now - DAY),
        programs=programs,
        campaigns=campaigns,
        segmentations=seeded_segmentations(now - DAY),
        studio=studio,
        forms=SubmittableForms(studio.forms, fields),
        partitions=PARTITIONS,
        objects=standard_objects(now - DAY),
    )
