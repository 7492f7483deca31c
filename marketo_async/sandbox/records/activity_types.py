"""The standard activity types that the sandbox writes or serves. See ``custom_types`` for custom types."""

from __future__ import annotations

from dataclasses import dataclass

VISIT_WEBPAGE = 1
FILL_OUT_FORM = 2
CLICK_LINK = 3
SEND_EMAIL = 6
EMAIL_DELIVERED = 7
UNSUBSCRIBE_EMAIL = 9
OPEN_EMAIL = 10
CLICK_EMAIL = 11
NEW_LEAD = 12
CHANGE_DATA_VALUE = 13
CHANGE_SCORE = 22
ADD_TO_LIST = 24
REMOVE_FROM_LIST = 25
MERGE_LEADS = 32
DELETE_LEAD = 37
REQUEST_CAMPAIGN = 47
CHANGE_STATUS_IN_PROGRESSION = 104
CHANGE_PROGRAM_MEMBER_DATA = 123
PUSH_LEAD = 145


@dataclass(frozen=True, slots=True)
class ActivityType:
    """A standard type: its primary attribute and its secondary attributes, each with a data type."""

    id: int
    name: str
    primary: tuple[str, str]
    attributes: tuple[tuple[str, str], ...] = ()


STANDARD_TYPES: tuple[ActivityType, ...] = (
    ActivityType(
        VISIT_WEBPAGE,
        "Visit Webpage",
        ("Webpage ID", "integer"),
        (("Client IP Address", "string"), ("Query Parameters", "string"), ("Webpage URL", "string")),
    ),
    ActivityType(
        FILL_OUT_FORM,
        "Fill Out Form",
        ("Webform ID", "integer"),
        (("Client IP Address", "string"), ("Form Fields", "text"), ("Query Parameters", "string")),
    ),
    ActivityType(CLICK_LINK, "Click Link", ("Link ID", "integer"), (("Webpage ID", "integer"),)),
    ActivityType(SEND_EMAIL, "Send Email", ("Mailing ID", "integer"), (("Campaign Run ID", "integer"),)),
    ActivityType(EMAIL_DELIVERED, "Email Delivered", ("Mailing ID", "integer"), (("Campaign Run ID", "integer"),)),
    ActivityType(UNSUBSCRIBE_EMAIL, "Unsubscribe Email", ("Mailing ID", "integer"), (("Webform ID", "integer"),)),
    ActivityType(
        OPEN_EMAIL,
        "Open Email",
        ("Mailing ID", "integer"),
        (("Campaign Run ID", "integer"), ("Device", "string"), ("Is Mobile Device", "boolean")),
    ),
    ActivityType(
        CLICK_EMAIL,
        "Click Email",
        ("Mailing ID", "integer"),
        (("Campaign Run ID", "integer"), ("Device", "string"), ("Link", "string")),
    ),
    ActivityType(NEW_LEAD, "New Lead", ("Lead ID", "integer"), (("Source Type", "string"), ("Created Date", "date"))),
    ActivityType(
        CHANGE_DATA_VALUE,
        "Change Data Value",
        ("Attribute Name", "string"),
        (("New Value", "string"), ("Old Value", "string"), ("Reason", "string"), ("Source", "string")),
    ),
    ActivityType(
        CHANGE_SCORE,
        "Change Score",
        ("Score Name", "string"),
        (("Change Value", "string"), ("New Value", "integer"), ("Old Value", "integer")),
    ),
    ActivityType(ADD_TO_LIST, "Add to List", ("List ID", "integer"), (("Source", "string"),)),
    ActivityType(REMOVE_FROM_LIST, "Remove from List", ("List ID", "integer"), (("Source", "string"),)),
    ActivityType(MERGE_LEADS, "Merge Leads", ("Lead ID", "integer"), (("Merge IDs", "string"),)),
    ActivityType(DELETE_LEAD, "Delete Lead", ("Lead ID", "integer"), (("Remove from CRM", "boolean"),)),
    ActivityType(REQUEST_CAMPAIGN, "Request Campaign", ("Campaign ID", "integer"), (("Source", "string"),)),
    ActivityType(
        CHANGE_STATUS_IN_PROGRESSION,
        "Change Status in Progression",
        ("Program ID", "integer"),
        (("New Status", "string"), ("Old Status", "string"), ("Success", "boolean")),
    ),
    ActivityType(
        CHANGE_PROGRAM_MEMBER_DATA,
        "Change Program Member Data",
        ("Program ID", "integer"),
        (("Attribute Name", "string"), ("New Value", "string"), ("Old Value", "string"), ("Source", "string")),
    ),
    ActivityType(
        PUSH_LEAD, "Push Lead to Marketo", ("Program ID", "integer"), (("Reason", "string"), ("Source", "string"))
    ),
)
