"""`Marketo` for code without an event loop: the async client's names and types, with its loop in a thread.

Any number of threads may share one client; each process opens its own. See ``portal`` for how a thread calls into a
loop, and ``session`` for a call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

import aiohttp

from marketo_async import client, resources
from marketo_async.envelope import Envelope, OnBadRecord
from marketo_async.errors import ConfigurationError
from marketo_async.governor import Governor, Priority, Snapshot
from marketo_async.models.leads import Record
from marketo_async.models.moment import When
from marketo_async.models.usage import UsageDay
from marketo_async.operation import Arg, Method
from marketo_async.portal import Portal
from marketo_async.retry import RetryPolicy
from marketo_async.sync import families

if TYPE_CHECKING:
    from marketo_async.changes import Budget
    from marketo_async.resources.activity_queries import Types
    from marketo_async.sync.bulk import Bulk
    from marketo_async.sync.changes import BlockingChanges


@resources.with_families
class Marketo:
    """A blocking client of one Marketo instance; make its calls inside ``with``, from any number of threads.

    It has the arguments and errors of `marketo_async.Marketo`. Listings, results and rows are iterables. Records that
    you pass are read in the caller's thread; hooks are called in the loop's thread. A forked process can't use its
    parent's client: calls raise `ConfigurationError`, so open a client in each process.
    """

    leads: families.Leads[Record]
    lists: families.Lists[Record]
    activities: families.Activities
    custom_activity_types: families.CustomActivityTypes
    usage: families.Usage
    program_members: families.ProgramMembers[Record]
    campaigns: families.Campaigns
    companies: families.Companies[Record]
    opportunities: families.Opportunities[Record]
    opportunity_roles: families.OpportunityRoles[Record]
    sales_persons: families.SalesPersons[Record]
    named_accounts: families.NamedAccounts[Record]
    named_account_lists: families.NamedAccountLists[Record]
    custom_objects: families.CustomObjects[Record]
    custom_object_types: families.CustomObjectTypes
    bulk: Bulk
    folders: families.Folders
    tokens: families.Tokens
    files: families.Files
    programs: families.Programs
    tags: families.Tags
    channels: families.Channels
    segmentations: families.Segmentations
    smart_campaigns: families.SmartCampaigns
    smart_lists: families.SmartLists
    static_lists: families.StaticLists
    emails: families.Emails
    email_templates: families.EmailTemplates
    snippets: families.Snippets
    forms: families.Forms
    form_fields: families.FormFields
    landing_pages: families.LandingPages
    landing_page_content: families.LandingPageContent
    landing_page_templates: families.LandingPageTemplates
    redirect_rules: families.RedirectRules
    emails_v2: families.EmailsV2
    email_templates_v2: families.EmailTemplatesV2
    fragments: families.Fragments
    users: families.Users
    ingestion: families.Ingestion

    def __init__(
        self,
        instance: str,
        *,
        client_id: str,
        client_secret: str,
        governor: Governor | None = None,
        retry: RetryPolicy | None = None,
        partner_id: str | None = None,
        munchkin_id: str | None = None,
        ingestion_url: str = "https://mkto-ingestion-api.adobe.io",
        connector: Callable[[], aiohttp.BaseConnector] | None = None,
        trust_env: bool = False,
    ) -> None:
        self._adopt(
            client.Marketo(
                instance,
                client_id=client_id,
                client_secret=client_secret,
                governor=governor,
                retry=retry,
                partner_id=partner_id,
                munchkin_id=munchkin_id,
                ingestion_url=ingestion_url,
                connector=connector,
                trust_env=trust_env,
            ),
            Portal(),
            sibling=False,
        )

    def _adopt(self, twin: client.Marketo, portal: Portal, *, sibling: bool) -> None:
        self._twin = twin
        self._portal = portal
        self._sibling = sibling
        self.base_url = twin.base_url
        self.munchkin_id = twin.munchkin_id
        self.ingestion_url = twin.ingestion_url

    @classmethod
    def from_env(
        cls,
        environment: Mapping[str, str] | None = None,
        *,
        governor: Governor | None = None,
        retry: RetryPolicy | None = None,
    ) -> Self:
        """Make a client from MARKETO_BASE_URL (or MARKETO_MUNCHKIN_ID), MARKETO_CLIENT_ID and MARKETO_CLIENT_SECRET.

        Raises `ConfigurationError` with the names of missing variables.
        """
        return cls._around(client.Marketo.from_env(environment, governor=governor, retry=retry), Portal())

    @classmethod
    def _around(cls, twin: client.Marketo, portal: Portal, *, sibling: bool = False) -> Self:
        made = cls.__new__(cls)
        made._adopt(twin, portal, sibling=sibling)  # noqa: SLF001 - of the same class
        return made

    def __repr__(self) -> str:
        return f"<blocking Marketo {self.base_url}>"

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def open(self) -> Self:
        """Open the client where ``with`` can't be used, as in a worker's start-up hook; ``close`` it at the end."""
        if self._sibling:
            raise ConfigurationError(
                "a sibling from with_options() has no session of its own: open the client that it came from"
            )
        self._portal.open(self._twin.close)
        try:
            self._portal.call(self._twin.__aenter__)
        except BaseException:
            self._portal.close()
            raise
        return self

    def close(self, grace: float = 5.0) -> None:
        """Close the session, after waiting at most ``grace`` seconds for abandoned calls to end.

        Calls of other threads that are then in progress raise `ConfigurationError`.
        """
        if self._sibling:
            raise ConfigurationError(
                "a sibling from with_options() has no session of its own: close the client that it came from"
            )
        if self._portal.usable:
            try:
                self._portal.call(self._twin.close, grace)
            finally:
                self._portal.close()

    def with_options(
        self,
        *,
        timeout: float | None = None,
        priority: Priority | None = None,
        retry: RetryPolicy | None = None,
        on_bad_record: OnBadRecord | None = None,
    ) -> Self:
        """Return a sibling on the same session with other options for its calls; see `marketo_async.Marketo`."""
        sibling = self._twin.with_options(timeout=timeout, priority=priority, retry=retry, on_bad_record=on_bad_record)
        return self._around(sibling, self._portal, sibling=True)

    def call(
        self,
        method: Method,
        path: str,
        *,
        query: Mapping[str, Arg] | None = None,
        json: object = None,
        form: Mapping[str, Arg] | None = None,
        decode: Any = Any,
        idempotent: bool = False,
    ) -> Envelope[Any]:
        """Make any call through the same pipeline and return the whole answer; see `marketo_async.Marketo`."""
        return self._portal.call(
            self._twin.call, method, path, query=query, json=json, form=form, decode=decode, idempotent=idempotent
        )

    def changes(
        self,
        *,
        since: When | None = None,
        position: str | None = None,
        store: str | Path | None = None,
        types: Types = "all",
        fields: Sequence[str] | Literal["all"] = "all",
        lag: timedelta | Mapping[int, timedelta] = timedelta(minutes=30),
        sweep: timedelta = timedelta(minutes=30),
        poll: float = 60.0,
        follow: bool = True,
        window: int = 8,
        mode: Literal["live", "settled"] = "live",
        budget: Budget | None = None,
    ) -> BlockingChanges:
        """Return a change feed, to be opened with ``with``: batches of events, each with a position to store.

        Its arguments and promises are those of `marketo_async.Marketo.changes`.
        """
        from marketo_async.sync.changes import BlockingChanges  # noqa: PLC0415 - programs without a feed do not pay

        feed = self._twin.changes(
            since=since,
            position=position,
            store=store,
            types=types,
            fields=fields,
            lag=lag,
            sweep=sweep,
            poll=poll,
            follow=follow,
            window=window,
            mode=mode,
            budget=budget,
        )
        return BlockingChanges(feed, self._portal)

    def calibrate(self) -> UsageDay:
        """Read today's count of all calls to the instance from Marketo and set it in the governor; costs one call."""
        return self._portal.call(self._twin.calibrate)

    def snapshot(self) -> Snapshot:
        """Return the state of the governor, read in its loop: threads must not read a governor themselves."""

        async def look() -> Snapshot:
            return self._twin.governor.snapshot()

        return self._portal.call(look)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *resources.HOMES, "bulk"})

    if not TYPE_CHECKING:  # the annotations above are complete; with this, a typo would pass the type checkers

        def __getattr__(self, name: str) -> object:
            """Open a family on first use, and keep it."""
            if name == "bulk":
                from marketo_async.sync.bulk import Bulk  # noqa: PLC0415 - a program without bulk jobs does not pay for it

                self.__dict__[name] = bulk = Bulk(self._twin.bulk, self._portal)
                return bulk
            if name not in resources.HOMES:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            _, kind = resources.HOMES[name]
            self.__dict__[name] = family = getattr(families, kind)(getattr(self._twin, name), self._portal)
            return family
