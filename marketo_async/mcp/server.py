"""The MCP protocol around the tools: stdio and streamable HTTP, of both protocol eras. Nothing else imports ``mcp``.

Before 2026-07-28 a connection has a handshake and a session, and a question to the user is a request of the server.
Since then each request stands alone: the answer is "input required", and the client calls again with the user's words
and a sealed state, which names the kept plan. Identity comes with each request, so a session gives no rights.

See https://modelcontextprotocol.io/specification
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import version
from typing import Any
from weakref import WeakKeyDictionary

import mcp_types as types
from mcp.server import Server
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.context import ServerRequestContext
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.server.stdio import stdio_server
from mcp.server.transport_security import TransportSecuritySettings
from mcp.shared.exceptions import MCPError
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from marketo_async.errors import MarketoError
from marketo_async.mcp.access import Access
from marketo_async.mcp.agents import AgentIdentity, NotIdentified
from marketo_async.mcp.answers import as_text, cleaned, plain
from marketo_async.mcp.desk import AgentSeat, Desk
from marketo_async.mcp.library import PROMPTS, prompt_text, resource_text, resources_of
from marketo_async.mcp.tool_errors import ToolError, tool_error
from marketo_async.mcp.toolcall import CallCost, PersonNeeded, Refusal, Said, ToolCall
from marketo_async.mcp.tools import INSTRUCTIONS, Tool, ToolChoice, tools_of

log = logging.getLogger("marketo_async.mcp")

NAME = "marketo-async"
PATH = "/mcp"
DEADLINE_S = 45.0  # hosts give up after 60
_LIST_TTL_MS = 300_000
_ASKED = "confirm"
_FORM: types.ElicitRequestedSchema = {
    "type": "object",
    "properties": {"allow": {"type": "boolean", "title": "Allow this call", "default": False}},
    "required": ["allow"],
}
_IDENTITY = "marketo_identity"

Context = ServerRequestContext[Any, Any]


class Protocol:
    """The handlers of one server: each finds the agent's seat, and answers in the types of the protocol."""

    def __init__(
        self, desk: Desk, *, selection: ToolChoice, local: AgentIdentity | None = None, deadline: float = DEADLINE_S
    ) -> None:
        """Take a desk; ``local`` is the agent of all requests over stdio: the user that starts the process."""
        self._desk = desk
        self._selection = selection
        self._local = local
        self._deadline = deadline
        self._tools: WeakKeyDictionary[Access, Mapping[str, Tool]] = WeakKeyDictionary()

    def server(self) -> Server[Any]:
        """Return a server with these handlers."""
        made: Server[Any] = Server(
            NAME,
            version=version("marketo-async"),
            title="Marketo Engage",
            instructions=INSTRUCTIONS,
            on_list_tools=self.list_tools,
            on_call_tool=self.call_tool,
            on_list_resources=self.list_resources,
            on_list_resource_templates=self.list_resource_templates,
            on_read_resource=self.read_resource,
            on_list_prompts=self.list_prompts,
            on_get_prompt=self.get_prompt,
        )
        security = RequestStateSecurity(
            keys=[secrets.token_bytes(32)], bind_principal=lambda context: self._identity(context).holder
        )
        made.middleware.append(RequestStateBoundary(security, default_audience=NAME))
        return made

    def _identity(self, context: Context) -> AgentIdentity:
        request = context.request
        if isinstance(request, Request):
            found = request.scope.get(_IDENTITY)
            if isinstance(found, AgentIdentity):
                return found
        elif self._local is not None:
            return self._local
        raise MCPError(code=types.INVALID_REQUEST, message="the request does not say which agent makes it")

    async def _seat(self, context: Context) -> AgentSeat:
        try:
            return await self._desk.seat(self._identity(context))
        except MarketoError as error:
            raise MCPError(code=types.INVALID_REQUEST, message=str(error)) from error

    def _tools_of(self, seat: AgentSeat) -> Mapping[str, Tool]:
        """Return the tools of an agent; they are made once for each policy."""
        if (found := self._tools.get(seat.access)) is None:
            found = self._tools[seat.access] = tools_of(seat.access, self._selection)
        return found

    async def list_tools(self, context: Context, _: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        """List the tools that the agent may call."""
        seat = await self._seat(context)
        tools = [_as_type(tool) for tool in self._tools_of(seat).values()]
        return types.ListToolsResult(tools=tools, ttl_ms=_LIST_TTL_MS, cache_scope="private")

    async def call_tool(
        self, context: Context, params: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        """Call a tool, and ask the host's user where the call needs that."""
        seat = await self._seat(context)
        tool = self._tools_of(seat).get(params.name)
        if tool is None:
            raise MCPError(
                code=types.INVALID_PARAMS, message=f"unknown tool {params.name[:80]!r}; marketo_find names operations"
            )
        call = ToolCall(
            seat=seat,
            tool=tool.name,
            until=asyncio.get_running_loop().time() + self._deadline,
            can_ask=_can_ask(context),
            said=_said(params),
            progress=_progress(context),
            cost=CallCost(),
        )
        answer = await _handled(tool, call, params.arguments or {})
        if not isinstance(answer, PersonNeeded):
            return _result(answer, seat)
        request = types.ElicitRequestFormParams(message=answer.question, requested_schema=_FORM)
        if not context.session.can_send_request:
            return types.InputRequiredResult(
                input_requests={_ASKED: types.ElicitRequest(params=request)}, request_state=answer.plan
            )
        replied = await context.session.elicit_form(answer.question, _FORM, context.request_id)
        call.said = Said(answer.plan, yes=_allows(replied))
        call.until = asyncio.get_running_loop().time() + self._deadline  # the person's time does not count
        return _result(await _handled(tool, call, params.arguments or {}), seat)

    async def list_resources(
        self, context: Context, _: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        """List the guide and the operations of the agent."""
        seat = await self._seat(context)
        found = [
            types.Resource(uri=uri, name=name, mime_type="text/markdown", description=line)
            for uri, name, line in resources_of(seat.access)
        ]
        return types.ListResourcesResult(resources=found, ttl_ms=_LIST_TTL_MS, cache_scope="private")

    async def list_resource_templates(
        self, _: Context, __: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        """List the form of the address of one operation."""
        one = types.ResourceTemplate(
            uri_template="marketo://operations/{name}", name="operation", mime_type="text/markdown"
        )
        return types.ListResourceTemplatesResult(resource_templates=[one], ttl_ms=_LIST_TTL_MS, cache_scope="public")

    async def read_resource(
        self, context: Context, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        """Return a text about what the agent may call."""
        seat = await self._seat(context)
        uri = str(params.uri)
        text = resource_text(uri, seat.access)
        if text is None:
            raise MCPError(code=types.INVALID_PARAMS, message=f"unknown resource {uri[:80]!r}")
        content = types.TextResourceContents(uri=uri, mime_type="text/markdown", text=text)
        return types.ReadResourceResult(contents=[content], ttl_ms=_LIST_TTL_MS, cache_scope="private")

    async def list_prompts(self, _: Context, __: types.PaginatedRequestParams | None) -> types.ListPromptsResult:
        """List the prompts."""
        found = [
            types.Prompt(
                name=prompt.name,
                description=prompt.description,
                arguments=[types.PromptArgument(name=prompt.argument, description=prompt.about, required=True)],
            )
            for prompt in PROMPTS
        ]
        return types.ListPromptsResult(prompts=found, ttl_ms=_LIST_TTL_MS, cache_scope="public")

    async def get_prompt(self, _: Context, params: types.GetPromptRequestParams) -> types.GetPromptResult:
        """Return a prompt with its argument."""
        text = prompt_text(params.name, params.arguments or {})
        if text is None:
            raise MCPError(code=types.INVALID_PARAMS, message=f"unknown prompt {params.name[:80]!r}, or no argument")
        message = types.PromptMessage(role="user", content=types.TextContent(text=text))
        return types.GetPromptResult(messages=[message])


async def _handled(tool: Tool, call: ToolCall, arguments: Mapping[str, Any]) -> Any:
    """Run a handler; an error becomes a `ToolError`, and an internal one shows no more than the number of its log."""
    try:
        return await tool.handler(call, arguments)
    except Refusal as refusal:
        return refusal.error
    except MarketoError as error:
        return tool_error(error)
    except MCPError:
        raise
    except Exception:
        incident = secrets.token_hex(4)
        log.exception("incident %s: %s failed", incident, tool.name)
        return ToolError(
            kind="internal",
            message=f"the server failed (incident {incident})",
            next="Look before you repeat, and tell the owner of this server the incident.",
        )


def _as_type(tool: Tool) -> types.Tool:
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.schema,
        annotations=types.ToolAnnotations(
            title=tool.title,
            read_only_hint=tool.reads,
            destructive_hint=tool.destructive,
            idempotent_hint=tool.idempotent,
            open_world_hint=tool.calls_marketo,
        ),
    )


def _result(answer: Any, seat: AgentSeat) -> types.CallToolResult:
    """Return an answer as one compact JSON text; hosts disagree about structured content, and all read text."""
    failed = isinstance(answer, ToolError)
    value = cleaned(plain({"error": answer})).value if failed else answer  # a handler has cleaned what it answers
    return types.CallToolResult(
        content=[types.TextContent(text=as_text(value))],
        structured_content=value if seat.structured else None,
        is_error=failed,
    )


def _can_ask(context: Context) -> bool:
    capabilities = context.session.client_capabilities
    return capabilities is not None and capabilities.elicitation is not None


def _said(params: types.CallToolRequestParams) -> Said | None:
    """Return what the user said, in the era of requests that stand alone; the state was unsealed before this."""
    replies, state = params.input_responses, params.request_state
    if not state or not replies:
        return None
    reply = replies.get(_ASKED)
    return Said(state, yes=isinstance(reply, types.ElicitResult) and _allows(reply))


def _allows(reply: types.ElicitResult) -> bool:
    return reply.action == "accept" and (reply.content or {}).get("allow") is True


def _progress(context: Context) -> Callable[[int, str], Awaitable[None]]:
    """Return what reports progress, where the host asked for it."""
    last = 0

    async def report(done: int, text: str) -> None:
        nonlocal last
        if done > last:  # it must only grow
            last = done
            await context.session.report_progress(done, message=text)

    return report


async def serve_stdio(protocol: Protocol) -> None:
    """Serve the process that started this one, until it closes the pipe."""
    server = protocol.server()
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


class Door:
    """ASGI: lets identified requests in, and answers others with 401 before any of the protocol."""

    def __init__(self, app: ASGIApp, desk: Desk) -> None:
        self._app = app
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the start and the end of the server."""
        if scope["type"] != "http" or scope["path"] != PATH:
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            identity = self._desk.doorkeeper.identify(headers)
        except NotIdentified as error:
            log.warning("a request was refused: %s", error)
            refused = JSONResponse({"error": str(error)}, 401, {"WWW-Authenticate": "Bearer"})
            await refused(scope, receive, send)
            return
        # The user of a session: the SDK refuses requests of other users in it.
        user = AuthenticatedUser(AccessToken(token="", client_id=identity.holder, scopes=[]))
        await self._app({**scope, "user": user, _IDENTITY: identity}, receive, send)


def http_app(protocol: Protocol, desk: Desk, *, hosts: list[str], origins: list[str]) -> ASGIApp:
    """Return the application of ``/mcp`` and ``/health`` for requests to these hosts, from these origins."""
    security = TransportSecuritySettings(
        enable_dns_rebinding_protection=True, allowed_hosts=hosts, allowed_origins=origins
    )

    async def health(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    app = protocol.server().streamable_http_app(
        streamable_http_path=PATH, transport_security=security, custom_starlette_routes=[Route("/health", health)]
    )
    return Door(app, desk)
