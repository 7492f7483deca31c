"""``marketo.programs``: the containers of campaigns and their assets. See ``program_members`` for their members."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal

from msgspec.structs import replace

from marketo_async.errors import InvalidRequest
from marketo_async.models.assets import AssetId, AssetSummary, FolderId
from marketo_async.models.moment import to_datetime
from marketo_async.models.programs import NewCost, Program, ProgramTag
from marketo_async.models.smart_lists import SmartList
from marketo_async.operation import Page, Paging, Plan, Provenance, Repeat, first, one, page
from marketo_async.resources.arguments import within
from marketo_async.resources.base import endpoint, paged
from marketo_async.resources.mixins import DeleteAsset, Get, distinct
from marketo_async.wire_value import Value


class Programs(Get[Program], DeleteAsset):
    """Programs. Deleting one deletes all its content, unless something outside uses it (709).

    See https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/assets/programs
    """

    name, area, root = "programs", "Assets", "/rest/asset/v1/program"
    model = Program

    @endpoint("GET", "{root}/byName.json")
    def by_name(
        self, name: str, *, include_tags: bool | None = None, include_costs: bool | None = None
    ) -> Plan[Program | None]:
        """Return the program with exactly this name, or ``None``; tags and costs are only included on request."""
        return first(Program, query={"name": name, "includeTags": include_tags, "includeCosts": include_costs})

    @paged("{root}/byTag.json", rule=Paging.OFFSET)
    def by_tag(self, tag_type: str, tag_value: str, *, token: str | None = None) -> Plan[Page[Program]]:
        """Iterate the programs with a tag, in random order: if there are more than 200, some may be missed."""
        query = {"tagType": tag_type, "tagValue": tag_value}
        return page(Program, query=query, token=token, sift=distinct(Program))

    @paged("{root}s.json", rule=Paging.OFFSET)
    def browse(
        self,
        *,
        status: str | None = None,
        filter_type: Literal["id", "programId", "folderId", "workspace"] | None = None,
        filter_values: Iterable[Value] | None = None,
        earliest_updated_at: datetime | None = None,
        latest_updated_at: datetime | None = None,
        token: str | None = None,
    ) -> Plan[Page[Program]]:
        """Iterate programs without their tags and costs.

        ``status`` finds engagement programs (``on``, ``off``) and email programs (``unlocked``).
        """
        if (filter_type is None) is not (filter_values is None):
            raise InvalidRequest("filter_type and filter_values need each other; pass both or neither")
        query = {
            "status": status,
            "filterType": filter_type,
            "filterValues": None if filter_values is None else [*map(str, within("filter_values", filter_values))],
            "earliestUpdatedAt": earliest_updated_at,
            "latestUpdatedAt": latest_updated_at,
        }
        return page(Program, query=query, token=token, sift=distinct(Program))

    @endpoint("GET", "{root}/{programId}/smartList.json")
    def smart_list(self, program_id: int, *, include_rules: bool | None = None) -> Plan[SmartList | None]:
        """Return the smart list of an email program, which selects its recipients."""
        return first(SmartList, path={"programId": program_id}, query={"includeRules": include_rules})

    @endpoint("POST", "{root}s.json", repeat=Repeat.SETTLES)
    def create(
        self,
        name: str,
        folder: FolderId,
        type: str,
        channel: str,
        *,
        description: str | None = None,
        tags: Iterable[ProgramTag] | None = None,
        costs: Iterable[NewCost] | None = None,
    ) -> Plan[Program]:
        """Create a program; ``type`` and ``channel`` never change. An instance may require tags.

        Types are ``Default``, ``Event``, ``Event with Webinar``, ``Engagement`` and ``Email``.
        """
        form = {
            "name": name,
            "folder": folder,
            "type": type,
            "channel": channel,
            "description": description,
            "tags": None if tags is None else list(tags),
            "costs": None if costs is None else list(costs),
        }
        return one(Program, form=form)

    @endpoint("POST", "{root}/{id}.json", repeat=Repeat.SAFE)
    def update(
        self,
        id: int,
        *,
        name: str | None = None,
        description: str | None = None,
        tags: Iterable[ProgramTag] | None = None,
        costs: Iterable[NewCost] | None = None,
        costs_destructive_update: bool | None = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
    ) -> Plan[Program]:
        """Change a program; ``tags`` replaces all its tags. ``start_date`` and ``end_date`` are for email programs.

        ``costs`` are added to the existing ones, and that is never retried automatically; with
        ``costs_destructive_update`` they replace them, or clear them if ``costs`` is left out.
        """
        form = {
            "name": name,
            "description": description,
            "tags": None if tags is None else list(tags),
            "costs": None if costs is None else list(costs),
            "costsDestructiveUpdate": costs_destructive_update,
            "startDate": _utc("start_date", start_date),
            "endDate": _utc("end_date", end_date),
        }
        plan = one(Program, path={"id": id}, form=form)
        return replace(plan, repeat=Repeat.NEVER) if costs is not None and not costs_destructive_update else plan

    @endpoint("POST", "{root}/{id}/clone.json")
    def clone(self, id: int, name: str, folder: FolderId, *, description: str | None = None) -> Plan[Program]:
        """Copy a program with all its content, within its workspace, into a folder that is not a program.

        Never retried automatically. Marketo refuses (709) a program with push notifications, in-app messages, reports
        or social assets.
        """
        if folder.type != "Folder":
            raise InvalidRequest("a program can't be cloned into another program; pass a folder")
        return one(Program, path={"id": id}, form={"name": name, "folder": folder, "description": description})

    @endpoint("POST", "{root}/{id}/approve.json", repeat=Repeat.SETTLES)
    def approve(self, id: int) -> Plan[AssetSummary]:
        """Approve an email program: Marketo sends it at its start date."""
        return one(AssetSummary, path={"id": id})

    @endpoint("POST", "{root}/{id}/unapprove.json", repeat=Repeat.SETTLES)
    def unapprove(self, id: int) -> Plan[AssetSummary]:
        """Withdraw the approval of an email program."""
        return one(AssetSummary, path={"id": id})

    @endpoint("POST", "{root}/{id}/tag/{tagType}.json", repeat=Repeat.SAFE, source=Provenance.DOCS)
    def update_tag(self, id: int, tag_type: str, tag_value: str) -> Plan[AssetId]:
        """Set one tag of a program and keep the others."""
        return one(AssetId, path={"id": id, "tagType": tag_type}, query={"tagValue": tag_value})

    @endpoint("POST", "{root}/{id}/tag/{tagType}/delete.json", repeat=Repeat.SETTLES, source=Provenance.DOCS)
    def delete_tag(self, id: int, tag_type: str) -> Plan[AssetId]:
        """Remove a tag from a program; required tags can't be removed."""
        return one(AssetId, path={"id": id, "tagType": tag_type})


def _utc(name: str, when: datetime | None) -> str | None:
    """Write a date as Marketo's pages do for programs: in UTC, to the millisecond."""
    if when is None:
        return None
    return to_datetime(when, name=name).astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
