"""`Marketo`, the entry point: it opens a session on one instance, and makes the families that send through it.

See ``session`` for how a call is made, ``resources`` for the operations. The module is longer than 350 lines because it
names every family for type checkers.
"""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, get_args
from urllib.parse import urlsplit

import aiohttp
from msgspec.structs import replace

from marketo_async import resources
from marketo_async.argument_kinds import one_of, positive
from marketo_async.call import Options
from marketo_async.caller import Caller, OpenClient
from marketo_async.envelope import Envelope, OnBadRecord
from marketo_async.errors import ConfigurationError, InvalidRequest
from marketo_async.governor import Governor, Priority
from marketo_async.models.leads import Record
from marketo_async.models.moment import When
from marketo_async.models.usage import UsageDay
from marketo_async.operation import Arg, Method, Operation, Plan, Repeat
from marketo_async.retry import RetryPolicy
from marketo_async.session import Session

if TYPE_CHECKING:
    from marketo_async.bulk import Bulk, JobSlots
    from marketo_async.changes import Budget, Changes
    from marketo_async.resources import (
        Activities,
        Campaigns,
        Channels,
        Companies,
        CustomActivityTypes,
        CustomObjects,
        CustomObjectTypes,
        Emails,
        EmailsV2,
        EmailTemplates,
        EmailTemplatesV2,
        Files,
        Folders,
        FormFields,
        Forms,
        Fragments,
        Ingestion,
        LandingPageContent,
        LandingPages,
        LandingPageTemplates,
        Leads,
        Lists,
        NamedAccountLists,
        NamedAccounts,
        Opportunities,
        OpportunityRoles,
        ProgramMembers,
        Programs,
        RedirectRules,
        SalesPersons,
        Segmentations,
        SmartCampaigns,
        SmartLists,
        Snippets,
        StaticLists,
        Tags,
        Tokens,
        Usage,
        Users,
    )
    from marketo_async.resources.activity_queries import Types

_MUNCHKIN_ID = re.compile(r"\d{3}-[A-Za-z0-9]{3}-\d{3}")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9A-Fa-f:.]+")
_NO_INSTANCE = (
    "the instance is neither a munchkin id like 123-ABC-456 nor an endpoint like"
    " https://123-abc-456.mktorest.com/rest (it is not repeated here, as it may hold a secret)"
)
_BARE_HOST = re.compile(r"[A-Za-z0-9-]+\.mktorest\.com(?:/.*)?", re.IGNORECASE)
_PATH = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~%@:!$&'()*+,;={}-]+)+")
_FAMILIES = frozenset({"identity", "rest", "oauth", "bulk"})  # where the paths of the calls themselves begin
_INGESTION_URL = "https://mkto-ingestion-api.adobe.io"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def base_url_of(instance: str) -> str:
    """Return the origin of an instance given by its munchkin id or by an endpoint as Marketo's admin page shows it.

    ``/rest``, ``/identity``, trailing and doubled slashes are removed; ``https://`` is optional for a host of
    mktorest.com; plain http is for loopback only.

    https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/base-url
    """
    text = instance.strip()
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ConfigurationError(_NO_INSTANCE)
    if _MUNCHKIN_ID.fullmatch(text):
        return f"https://{text.lower()}.mktorest.com"
    if _BARE_HOST.fullmatch(text):
        text = f"https://{text.lower()}"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ConfigurationError(_NO_INSTANCE) from None
    host = parts.hostname or ""
    plain = parts.scheme in {"http", "https"} and _HOST.fullmatch(host) and "@" not in parts.netloc
    if not plain or parts.query or parts.fragment or port == 0:
        raise ConfigurationError(_NO_INSTANCE)
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise ConfigurationError(f"{host}: tokens travel over https only; http is for loopback")
    segments = [segment for segment in parts.path.split("/") if segment]
    if segments and segments[-1].lower() in {"rest", "identity"}:
        segments.pop()
    if wrong := next((segment for segment in segments if segment.lower() in _FAMILIES), None):
        raise ConfigurationError(
            f"{host}: the endpoint continues after {wrong!r}; pass it as Admin > Web Services shows it, up to /rest or"
            " /identity"
        )
    return f"{parts.scheme}://{parts.netloc}" + "".join(f"/{segment}" for segment in segments)


@resources.with_families
class Marketo:
    """A client of one Marketo instance; make its calls inside ``async with``.

    ``instance`` is a munchkin id or the endpoint of Admin > Web Services, with or without ``/rest``; id and secret are
    those of a custom service (Admin > LaunchPoint). Pass one ``governor`` to all clients of an instance; without one,
    this client has its own, with Marketo's standard limits. ``connector`` makes the aiohttp connector (for proxies or
    certificates of your own), ``trust_env`` honours ``HTTPS_PROXY``. Data ingestion has its own host
    (``ingestion_url``), and needs the ``munchkin_id`` if ``instance`` does not contain it. Raises
    `ConfigurationError` for arguments that can't work.
    """

    leads: Leads[Record]
    lists: Lists[Record]
    activities: Activities
    custom_activity_types: CustomActivityTypes
    usage: Usage
    program_members: ProgramMembers[Record]
    campaigns: Campaigns
    companies: Companies[Record]
    opportunities: Opportunities[Record]
    opportunity_roles: OpportunityRoles[Record]
    sales_persons: SalesPersons[Record]
    named_accounts: NamedAccounts[Record]
    named_account_lists: NamedAccountLists[Record]
    custom_objects: CustomObjects[Record]
    custom_object_types: CustomObjectTypes
    bulk: Bulk
    folders: Folders
    tokens: Tokens
    files: Files
    programs: Programs
    tags: Tags
    channels: Channels
    segmentations: Segmentations
    smart_campaigns: SmartCampaigns
    smart_lists: SmartLists
    static_lists: StaticLists
    emails: Emails
    email_templates: EmailTemplates
    snippets: Snippets
    forms: Forms
    form_fields: FormFields
    landing_pages: LandingPages
    landing_page_content: LandingPageContent
    landing_page_templates: LandingPageTemplates
    redirect_rules: RedirectRules
    emails_v2: EmailsV2
    email_templates_v2: EmailTemplatesV2
    fragments: Fragments
    users: Users
    ingestion: Ingestion

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
        ingestion_url: str = _INGESTION_URL,
        connector: Callable[[], aiohttp.BaseConnector] | None = None,
        trust_env: bool = False,
    ) -> None:
        self.base_url = base_url_of(instance)
        if not client_id or not client_secret:
            raise ConfigurationError(
                "client_id or client_secret is empty: pass those of a custom service (Admin > LaunchPoint)"
            )
        found = _MUNCHKIN_ID.search(self.base_url)
        self.munchkin_id = munchkin_id or (found[0].upper() if found else "")
        self.ingestion_url = base_url_of(ingestion_url)
        self.governor = governor or Governor()
        self._client_id, self._client_secret, self._partner_id = client_id, client_secret, partner_id
        self._connector, self._trust_env = connector, trust_env
        self._opened: OpenClient[Session] | None = None
        self._job_slots: JobSlots | None = None
        self._parent: Marketo | None = None
        self._options = Options(retry=retry or RetryPolicy())

    @classmethod
    def from_env(
        cls,
        environment: Mapping[str, str] | None = None,
        *,
        governor: Governor | None = None,
        retry: RetryPolicy | None = None,
    ) -> Self:
        """Make a client from MARKETO_BASE_URL (or MARKETO_MUNCHKIN_ID), MARKETO_CLIENT_ID and MARKETO_CLIENT_SECRET.

        Data ingestion reads MARKETO_MUNCHKIN_ID where the base URL has none, and MARKETO_INGESTION_URL if it is set.
        Raises `ConfigurationError` with the names of missing variables.
        """
        env = os.environ if environment is None else environment
        instance = env.get("MARKETO_BASE_URL") or env.get("MARKETO_MUNCHKIN_ID")
        found = {
            "MARKETO_BASE_URL (or MARKETO_MUNCHKIN_ID)": instance,
            "MARKETO_CLIENT_ID": env.get("MARKETO_CLIENT_ID"),
            "MARKETO_CLIENT_SECRET": env.get("MARKETO_CLIENT_SECRET"),
        }
        if missing := [name for name, value in found.items() if not value]:
            raise ConfigurationError(f"set {', '.join(missing)} in the environment")
        return cls(
            instance or "",
            client_id=env["MARKETO_CLIENT_ID"],
            client_secret=env["MARKETO_CLIENT_SECRET"],
            governor=governor,
            retry=retry,
            munchkin_id=env.get("MARKETO_MUNCHKIN_ID"),
            ingestion_url=env.get("MARKETO_INGESTION_URL") or _INGESTION_URL,
        )

    def __repr__(self) -> str:
        return f"<Marketo {self.base_url}>"

    async def __aenter__(self) -> Self:
        if self._parent is not None:
            raise ConfigurationError(
                "a sibling from with_options() has no session of its own: open the client that it came from"
            )
        if self._opened is not None:
            raise ConfigurationError("this client is open already: use it inside the `async with` block that opened it")
        session = Session(
            self.base_url,
            client_id=self._client_id,
            client_secret=self._client_secret,
            partner_id=self._partner_id,
            governor=self.governor,
            ingestion_url=self.ingestion_url,
            retry=self._options.retry,
            connector=self._connector,
            trust_env=self._trust_env,
        )
        self._opened = OpenClient(session)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self, grace: float = 5.0) -> None:
        """Close the session, after waiting at most ``grace`` seconds for calls that are under way.

        Calls that wait for their turn, a token or their next try get `ConfigurationError` at once, and so do bulk
        jobs and batchers that wait between two calls. Calls that take longer than ``grace`` are given up; their slots
        come free once Marketo has certainly ended them.
        """
        if self._parent is not None:
            raise ConfigurationError(
                "a sibling from with_options() has no session of its own: close the client that it came from"
            )
        if self._job_slots is not None:
            await self._job_slots.close()
        if self._opened is not None:
            opened, self._opened = self._opened, None
            await opened.session.close(grace)

    @property
    def session(self) -> Session:
        """The open session; `ConfigurationError` outside ``async with``."""
        return self._open_client().session

    def _open_client(self) -> OpenClient[Session]:
        """Return what the families share while the client is open; `ConfigurationError` outside ``async with``."""
        opened = (self._parent or self)._opened  # noqa: SLF001 - a sibling
        if opened is None:
            raise ConfigurationError("the client is not open: make calls inside `async with Marketo(...) as marketo:`")
        return opened

    def with_options(
        self,
        *,
        timeout: float | None = None,
        priority: Priority | None = None,
        retry: RetryPolicy | None = None,
        on_bad_record: OnBadRecord | None = None,
    ) -> Marketo:
        """Return a sibling on the same session whose calls are made differently.

        ``timeout`` limits each call to that many seconds, all waits included (its turn, a token, a description that
        another call asks for, retries); then it raises `CallTimeout`, or `OutcomeUnknown` for a write that was sent.
        ``priority`` decides which calls go first; by default, single calls are normal and listings are bulk.
        ``on_bad_record`` receives every record of a listing that can't be read, as a `BadRecord`, and the listing
        continues without it; otherwise such a record raises `UnexpectedShape`. If a page is fetched twice, it receives
        the record twice.
        """
        if timeout is not None:
            positive("timeout", timeout)
        old = self._options
        sibling = type(self).__new__(type(self))
        # The families that this client has made send with its options: the sibling makes its own.
        own = {name: value for name, value in self.__dict__.items() if name not in resources.HOMES and name != "bulk"}
        sibling.__dict__.update(own)
        sibling._parent = self._parent or self  # noqa: SLF001 - a sibling
        sibling._options = Options(  # noqa: SLF001
            timeout=old.timeout if timeout is None else timeout,
            priority=old.priority if priority is None else priority,
            retry=old.retry if retry is None else retry,
            on_bad_record=old.on_bad_record if on_bad_record is None else on_bad_record,
            share=old.share,
            on_call=old.on_call,
        )
        return sibling

    async def call(
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
        """Make any call through the same pipeline, and return the whole answer.

        ``path`` is as Marketo's pages print it (``/rest/v1/leads.json``), ``decode`` is the type of its ``result``. A
        POST or DELETE is sent again after a lost answer only if ``idempotent``.
        """
        one_of("method", method, get_args(Method))
        if not _PATH.fullmatch(path):
            raise InvalidRequest(
                f"{path!r} is not a path: begin it with one slash, without a query, a blank or a dot segment, and"
                " percent-encode the values in it"
            )
        operation = Operation(
            name=f"{method} {path}",
            method=method,
            path=path.replace("{", "{{").replace("}", "}}"),
            repeat=Repeat.SAFE if idempotent or method == "GET" else Repeat.NEVER,
        )
        plan: Plan[Envelope[Any]] = Plan(answer=decode, unwrap=_whole, query=query or {}, json=json, form=form)
        return await self.session.send(operation, plan, self._options)

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
    ) -> Changes:
        """Return a change feed, to be opened with ``async with``: batches of events, each with a position to store.

        It starts at ``position`` (the text of an earlier ``batch.position``), or where ``store`` (a local file, for one
        process at a time) left off, or ``since`` a moment, or now. ``types`` are ids, names, or "all"; ``fields`` are
        those whose changes are events.

        Nothing is lost that Marketo records at most ``lag`` after its date; ``lag={6: timedelta(hours=4)}`` sets it for
        single types, and leaves 30 minutes for the others. Each event comes once while the process lives, and across
        processes with a ``store``; otherwise at least once: make its ``guid`` the key of your table. Every ``poll``
        seconds each lane asks for news, 5 times less often if none come; every ``sweep`` it looks for late ones.
        ``mode="settled"`` delivers each event once, a ``lag`` late, without sweeps.

        At most ``window`` batches wait for you. ``follow=False`` ends the feed at the moment it was opened. ``budget``
        limits its calls a day. While it follows, it waits out outages and a spent day. Raises `ConfigurationError` for
        the position or store of another instance, `InvalidRequest` for arguments that can't work. Maps to GET
        /rest/v1/activities.json, leadchanges.json and deletedleads.json.

        https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/activities
        """
        from marketo_async.changes import Changes  # noqa: PLC0415 - programs without a feed do not pay for it
        from marketo_async.changes.selection import feed_options, feed_selection  # noqa: PLC0415

        options = feed_options(
            since=since,
            position=position,
            store=store,
            sweep=sweep,
            poll=poll,
            follow=follow,
            window=window,
            mode=mode,
            budget=budget,
        )
        return Changes(
            feed_selection(types, fields, lag),
            options,
            instance=self.munchkin_id or self.base_url,
            sender=Caller(self._open_client, self._options),
            bulk=Caller(self._open_client, replace(self._options, priority=Priority.BULK)),
        )

    async def calibrate(self) -> UsageDay:
        """Set the governor's count for today to Marketo's, which has the calls of all integrations; costs one call."""
        usage = await self.usage.today()
        self.governor.calibrate(usage.total)
        return usage

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *resources.HOMES, "bulk"})

    if not TYPE_CHECKING:  # type checkers read the annotations above; with this, they would accept every typo

        def __getattr__(self, name: str) -> object:
            """Make a family when it is first used, and keep it."""
            if name == "bulk":
                self.__dict__[name] = bulk = self._open_bulk()
                return bulk
            if name not in resources.HOMES:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            _, kind = resources.HOMES[name]
            self.__dict__[name] = family = self._open(getattr(resources, kind))
            return family

    def _open_bulk(self) -> Bulk:
        from marketo_async.bulk import Bulk, JobSlots  # noqa: PLC0415 - programs without bulk jobs do not pay for it

        root, caller = self._parent or self, Caller(self._open_client, self._options)
        root._job_slots = slots = root._job_slots or JobSlots(  # noqa: SLF001 - siblings share it
            self.base_url,
            in_flight=lambda: self._open_client().in_flight,
            wait_for=caller.wait_for,
        )
        return Bulk(caller, slots)

    def _open(self, kind: type[resources.Resource]) -> resources.Resource:
        """Make a family with the arguments that its constructor takes besides the sender."""
        given = {"model": Record, "munchkin_id": self.munchkin_id}
        asked = inspect.signature(kind).parameters
        caller = Caller(self._open_client, self._options)
        return kind(caller, **{name: value for name, value in given.items() if name in asked})


def _whole(envelope: Envelope[Any]) -> Envelope[Any]:
    return envelope
