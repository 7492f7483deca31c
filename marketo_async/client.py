"""`Marketo`, where everything starts: it opens a session on one instance and hangs the resources on it.

Not here: how a call is made (``session``), what can be called (``resources``).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import aiohttp

from marketo_async.envelope import Envelope
from marketo_async.errors import ConfigurationError, InvalidRequest
from marketo_async.governor import Governor, Priority
from marketo_async.models.leads import Record
from marketo_async.models.usage import UsageDay
from marketo_async.operation import Arg, Listing, Method, Operation, Plan, Repeat
from marketo_async.paging import Pager
from marketo_async.resources import Activities, CustomActivityTypes, Leads, Lists, Usage
from marketo_async.retry import RetryPolicy
from marketo_async.session import Options, Session

T = TypeVar("T")
R = TypeVar("R")

_MUNCHKIN_ID = re.compile(r"\d{3}-[A-Za-z0-9]{3}-\d{3}")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9A-Fa-f:.]+")
_NO_INSTANCE = (
    "the instance is neither a munchkin id like 123-ABC-456 nor an endpoint like"
    " https://123-abc-456.mktorest.com/rest (it is not repeated here, as it may hold a secret)"
)
_PATH = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~%@:!$&'()*+,;={}-]+)+")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def base_url_of(instance: str) -> str:
    """Return the origin of an instance given by its munchkin id or by an endpoint as Marketo's admin page shows it.

    ``/rest``, ``/identity``, trailing and doubled slashes are taken off; plain http is for loopback only.
    """
    text = instance.strip()
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ConfigurationError(_NO_INSTANCE)
    if _MUNCHKIN_ID.fullmatch(text):
        return f"https://{text.lower()}.mktorest.com"
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
    return f"{parts.scheme}://{parts.netloc}" + "".join(f"/{segment}" for segment in segments)


class _Caller:
    """A session with the options of one client or sibling: what resources send through."""

    def __init__(self, client: Marketo, options: Options) -> None:
        self._client = client
        self.options = options

    async def send(self, operation: Operation, plan: Plan[R]) -> R:
        return await self._client.session.send(operation, plan, self.options)

    def pages(self, operation: Operation, listing: Listing[T]) -> Pager[T]:
        return self._client.session.pages(operation, listing, self.options)


class Marketo:
    """A client of one Marketo instance; make its calls inside ``async with``.

    ``instance`` is a munchkin id or the endpoint of Admin > Web Services, with or without ``/rest``; id and secret are
    those of a custom service (Admin > LaunchPoint). Clients of one instance share a ``governor``; without one, this
    client keeps Marketo's standard limits by itself. ``connector`` makes the aiohttp connector (for proxies or own
    certificates), ``trust_env`` honours ``HTTPS_PROXY``. Data ingestion needs the ``munchkin_id`` where the instance is
    not given by it, and has a host of its own (``ingestion_url``). Raises `ConfigurationError` for what can't work.
    """

    leads: Leads[Record]
    lists: Lists[Record]
    activities: Activities
    custom_activity_types: CustomActivityTypes
    usage: Usage

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
        self.base_url = base_url_of(instance)
        if not client_id or not client_secret:
            raise ConfigurationError("client_id and client_secret are those of a custom service (Admin > LaunchPoint)")
        found = _MUNCHKIN_ID.search(self.base_url)
        self.munchkin_id = munchkin_id or (found[0].upper() if found else "")
        self.ingestion_url = base_url_of(ingestion_url)
        self.governor = governor or Governor()
        self._client_id, self._client_secret, self._partner_id = client_id, client_secret, partner_id
        self._connector, self._trust_env = connector, trust_env
        self._session: Session | None = None
        self._parent: Marketo | None = None
        self._equip(Options(retry=retry or RetryPolicy()))

    @classmethod
    def from_env(
        cls,
        environment: Mapping[str, str] | None = None,
        *,
        governor: Governor | None = None,
        retry: RetryPolicy | None = None,
    ) -> Self:
        """Make a client from MARKETO_BASE_URL (or MARKETO_MUNCHKIN_ID), MARKETO_CLIENT_ID and MARKETO_CLIENT_SECRET.

        Raises `ConfigurationError` that names what is missing.
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
        )

    def __repr__(self) -> str:
        return f"<Marketo {self.base_url}>"

    async def __aenter__(self) -> Self:
        if self._parent is not None:
            raise ConfigurationError("with_options() gives a sibling on an open session: open the client it came from")
        if self._session is not None:
            raise ConfigurationError("this client is open already")
        self._session = Session(
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
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self, grace: float = 5.0) -> None:
        """Close the session, after waiting at most *grace* seconds for calls that cancelled callers left behind."""
        if self._parent is not None:
            raise ConfigurationError(
                "with_options() gives a sibling on a shared session: close the client it came from"
            )
        if self._session is not None:
            session, self._session = self._session, None
            await session.close(grace)

    @property
    def session(self) -> Session:
        """The open session; `ConfigurationError` outside ``async with``."""
        session = self._parent.session if self._parent else self._session
        if session is None:
            raise ConfigurationError("the client is not open: make calls inside `async with Marketo(...) as marketo:`")
        return session

    def with_options(
        self,
        *,
        timeout: float | None = None,
        priority: Priority | None = None,
        retry: RetryPolicy | None = None,
    ) -> Marketo:
        """Return a sibling on the same session whose calls are made differently.

        *timeout* bounds each call in seconds, waiting and retries included: after it, `CallTimeout`, or
        `OutcomeUnknown` for a write on its way. *priority* says who goes first; without one, single calls are normal
        and listings are bulk.
        """
        old = self._options
        sibling = type(self).__new__(type(self))
        sibling.__dict__.update(self.__dict__)
        sibling._parent = self._parent or self  # noqa: SLF001 - a sibling
        sibling._equip(  # noqa: SLF001
            Options(
                timeout=old.timeout if timeout is None else timeout,
                priority=old.priority if priority is None else priority,
                retry=old.retry if retry is None else retry,
            )
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

        *path* is as Marketo prints it (``/rest/v1/leads.json``), *decode* the type of its ``result``. A POST or DELETE
        is repeated after a lost answer only if *idempotent*.
        """
        if not _PATH.fullmatch(path):
            raise InvalidRequest(
                f"{path!r} is no path: it begins with one slash, and holds no query, blank or dot segment;"
                " percent-encode what you put into it"
            )
        operation = Operation(
            name=f"{method} {path}",
            method=method,
            path=path.replace("{", "{{").replace("}", "}}"),
            repeat=Repeat.SAFE if idempotent or method == "GET" else Repeat.NEVER,
        )
        plan: Plan[Envelope[Any]] = Plan(answer=decode, unwrap=_whole, query=query or {}, json=json, form=form)
        return await self.session.send(operation, plan, self._options)

    async def calibrate(self) -> UsageDay:
        """Ask Marketo for today's count of calls, everybody's, and tell the governor; costs one call."""
        usage = await self.usage.today()
        self.governor.calibrate(usage.total)
        return usage

    def _equip(self, options: Options) -> None:
        self._options = options
        caller = _Caller(self, options)
        self.leads = Leads(caller, Record)
        self.lists = Lists(caller, Record)
        self.activities = Activities(caller)
        self.custom_activity_types = CustomActivityTypes(caller)
        self.usage = Usage(caller)


def _whole(envelope: Envelope[Any]) -> Envelope[Any]:
    return envelope
