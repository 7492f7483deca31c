"""Programs, their members and statuses, forms, smart campaigns and partitions, as the lead operations need them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from marketo_async.sandbox.records.smart_lists import CAMPAIGN_REQUESTED, Filter, Rules, SmartList


@dataclass(slots=True)
class Membership:
    """A lead's membership in a program."""

    status: str
    member_since: float
    updated_at: float
    reached_success: bool = False
    acquired_by: bool = False
    is_exhausted: bool = False
    reached_success_at: float | None = None
    values: dict[str, object] = field(default_factory=dict)
    """The fields without an effect, including custom ones."""


@dataclass(frozen=True, slots=True)
class Status:
    """A step of a channel; members move only to higher steps."""

    name: str
    step: int
    success: bool = False


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of a program in one month."""

    start_date: str
    cost: int
    note: str = ""


@dataclass(slots=True)
class Program:
    """A program with the statuses of its channel, in order."""

    id: int
    name: str
    type: str
    channel: str
    statuses: tuple[Status, ...]
    members: dict[int, Membership] = field(default_factory=dict)
    stream: str | None = None
    cadence: str | None = None
    folder: tuple[int, str] = (15, "Folder")
    created_at: float = 0.0
    updated_at: float = 0.0
    description: str = ""
    workspace: str = "Default"
    tags: dict[str, str] = field(default_factory=dict)
    costs: list[Cost] = field(default_factory=list)
    start_date: str | None = None
    end_date: str | None = None
    state: str = ""
    """The status in the words of assets: empty, on, off, locked or unlocked."""
    rules: Rules | None = None
    """The rules of an email program's own smart list, ``None`` if it has none yet."""

    def status(self, name: str) -> Status | None:
        """Return a status by its name, case-insensitive."""
        return next((status for status in self.statuses if status.name.casefold() == name.casefold()), None)

    @property
    def smart_list(self) -> SmartList | None:
        """The smart list of an email program."""
        if self.rules is None:
            return None
        place = (self.id, "Program")
        return SmartList(
            300_000 + self.id, "Smart List", place, self.created_at, self.updated_at, rules=self.rules, built_in=True
        )

    def copied(self, id: int, folder: tuple[int, str], now: float) -> Program:
        """Return a copy without members and costs that has not started."""
        state = {"on": "off", "locked": "unlocked"}.get(self.state, self.state)
        return replace(
            self,
            id=id,
            folder=folder,
            created_at=now,
            updated_at=now,
            members={},
            tags=dict(self.tags),
            costs=[],
            start_date=None,
            end_date=None,
            state=state,
        )


@dataclass(slots=True)
class SmartCampaign:
    """A smart campaign with the leads that it processed, and when."""

    id: int
    name: str
    created_at: float
    members: dict[int, float] = field(default_factory=dict)
    folder: tuple[int, str] = (15, "Folder")
    updated_at: float = 0.0
    description: str = ""
    workspace: str = "Default"
    rules: Rules = field(default_factory=Rules)
    flow_steps: int = 0
    is_active: bool = False

    @property
    def type(self) -> str:
        """Trigger, batch, or default if it has no rules yet."""
        if self.rules.triggers:
            return "trigger"
        return "batch" if self.rules.filters else "default"

    @property
    def is_requestable(self) -> bool:
        """Whether the API may send leads into it."""
        return self.is_active and CAMPAIGN_REQUESTED in self.rules.triggers

    @property
    def status(self) -> str:
        """The status in Marketo's words."""
        if self.type == "trigger":
            return "Active" if self.is_active else "Inactive"
        return "Single Run" if self.members else "Never Run"

    @property
    def flow_id(self) -> int:
        """The id of its flow."""
        return 200_000 + self.id

    @property
    def smart_list(self) -> SmartList:
        """The id of its smart list."""
        return SmartList(
            100_000 + self.id,
            "Smart List",
            self.folder,
            self.created_at,
            self.updated_at,
            workspace=self.workspace,
            rules=self.rules,
            built_in=True,
        )

    def copied(self, id: int, folder: tuple[int, str], now: float) -> SmartCampaign:
        """Return an inactive copy without processed leads."""
        return replace(self, id=id, folder=folder, created_at=now, updated_at=now, members={}, is_active=False)


@dataclass(frozen=True, slots=True)
class SubmittableForm:
    """A form: its fields and its program."""

    id: int
    name: str
    fields: frozenset[str]
    program_id: int


@dataclass(frozen=True, slots=True)
class Partition:
    """A lead partition."""

    id: int
    name: str
    description: str


PARTITIONS = (
    Partition(1, "Default", "Initial system lead partition"),
    Partition(2, "EMEA", "Europe, Middle East and Africa"),
)


WEBINAR_STATUSES = (
    Status("Invited", 10),
    Status("Registered", 20),
    Status("No Show", 30),
    Status("Attended", 40, success=True),
)
NURTURE_STATUSES = (Status("Member", 10), Status("Engaged", 20, success=True))
EMAIL_STATUSES = (Status("Sent", 10), Status("Opened", 20), Status("Clicked", 30, success=True))


def seeded_programs(lead_ids: Iterable[int], now: float) -> list[Program]:
    """Return three programs; the first has every given lead as a member, the last is ready to be approved."""
    webinar = Program(2001, "Spring Webinar", "event", "Webinar", WEBINAR_STATUSES, created_at=now, updated_at=now)
    webinar.tags["Region"] = "EMEA"
    webinar.costs.append(Cost("2026-03-01", 2000, "Speakers"))
    nurture = Program(
        2002,
        "Welcome Nurture",
        "engagement",
        "Nurture",
        NURTURE_STATUSES,
        stream="Early Stage",
        cadence="norm",
        folder=(16, "Folder"),
        created_at=now,
        updated_at=now,
        state="on",
    )
    email = Program(
        2003,
        "June Announcement",
        "email",
        "Email Send",
        EMAIL_STATUSES,
        created_at=now,
        updated_at=now,
        start_date="2031-06-01T08:00:00.000Z",
        end_date="2031-06-02T08:00:00.000Z",
        state="unlocked",
        rules=Rules((Filter(1, "Country", 7, "is", ("France",)),)),
    )
    for lead_id in lead_ids:
        status = webinar.statuses[lead_id % len(webinar.statuses)]
        webinar.members[lead_id] = Membership(
            status.name, now, now, status.success, reached_success_at=now if status.success else None
        )
    return [webinar, nurture, email]


def seeded_campaigns(lead_ids: Iterable[int], now: float) -> dict[int, SmartCampaign]:
    """Return a batch campaign that processed every given lead, a requestable one, and an inactive one."""
    country = Filter(1, "Country", 7, "is", ("Germany",))
    return {
        4001: SmartCampaign(
            4001, "Newsletter", now, dict.fromkeys(lead_ids, now), updated_at=now, rules=Rules((country,)), flow_steps=1
        ),
        4002: SmartCampaign(
            4002,
            "Send Welcome Mail",
            now,
            updated_at=now,
            folder=(2002, "Program"),
            rules=Rules(triggers=(CAMPAIGN_REQUESTED,)),
            flow_steps=1,
            is_active=True,
        ),
        4003: SmartCampaign(
            4003,
            "Score Form Fills",
            now,
            updated_at=now,
            rules=Rules((country,), triggers=("Fills Out Form",)),
            flow_steps=2,
        ),
    }
