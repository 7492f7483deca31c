"""``mcp``: serves agents through the Model Context Protocol, and the tools of its operator. Needs the extra ``mcp``."""

from __future__ import annotations

import asyncio
import getpass
import json
import os
import re
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from platformdirs import user_state_path

from marketo_async.cli.audit import AuditFormat, AuditPlace, audit_lines
from marketo_async.cli.exits import EPILOG, Exit, errors_in_one_line
from marketo_async.cli.options import moment
from marketo_async.cli.sharing import shared_governor
from marketo_async.errors import ConfigurationError, InvalidRequest
from marketo_async.governor import Limits
from marketo_async.sandbox import Sandbox

if TYPE_CHECKING:  # only its own commands pay for them
    from marketo_async.mcp.policy import Policy
    from marketo_async.mcp.serving import Serving

agents = typer.Typer(
    help="Serve AI agents through the Model Context Protocol, each with the rights that a policy gives it.",
    no_args_is_help=True,
)

PolicyOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="The policy. Default: one agent that reads everything and writes nothing."),
]
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The id that `approvals` shows.")]


def state_folder() -> Path:
    """Return the folder of approvals and records; ``XDG_STATE_HOME`` moves it."""
    return user_state_path("marketo-async") / "mcp"


@agents.command(epilog=EPILOG)
def serve(
    *,
    policy: PolicyOption = None,
    agent: Annotated[
        str | None, typer.Option(metavar="NAME", help="Over stdio: the agent of the policy that the caller is.")
    ] = None,
    http: Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Serve HTTP at /mcp. Default: stdio.")] = None,
    allow_host: Annotated[
        list[str] | None, typer.Option(metavar="HOST", help="A Host header to serve; repeatable. Default: loopback.")
    ] = None,
    tls_cert: Annotated[str | None, typer.Option(metavar="FILE", help="The TLS certificate, with its chain.")] = None,
    tls_key: Annotated[str | None, typer.Option(metavar="FILE", help="The private key of the certificate.")] = None,
    behind_proxy: Annotated[
        bool, typer.Option("--behind-proxy", help="A proxy in front of the server does TLS.")
    ] = False,
    tools: Annotated[
        str, typer.Option(metavar="meta|default|families:A,B|all", help="Which operations have a tool of their own.")
    ] = "default",
    deadline: Annotated[float, typer.Option(help="Seconds after which a tool answers what it has.", min=1.0)] = 45.0,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="Serve a sandbox: no account is needed. Prints keys and configurations.")
    ] = False,
) -> None:
    """Serve agents over stdio, or over HTTP with --http.

    Without a policy there is one agent, which reads everything and writes nothing in the environment's instance.
    """
    with errors_in_one_line():
        _import_serving()
        from marketo_async.mcp.serving import Serving  # noqa: PLC0415 - only this command pays for it

        how = Serving(
            policy=policy,
            agent=agent,
            http=http,
            allow_hosts=tuple(allow_host or ()),
            certificate=tls_cert,
            key=tls_key,
            behind_proxy=behind_proxy,
            tools=tools,
            deadline=deadline,
        )
        asyncio.run(_served(how, sandbox=sandbox))


async def _served(how: Serving, *, sandbox: bool) -> None:
    """Serve the environment's instance or a policy's, or a sandbox."""
    from marketo_async.mcp import serving  # noqa: PLC0415
    from marketo_async.mcp.policy import default_policy, load_policy  # noqa: PLC0415

    if not sandbox:
        policy = default_policy() if how.policy is None else load_policy(how.policy)
        # Hosts start a process for each conversation: they share the instance's limits through its file.
        shared = partial(shared_governor, Limits())
        await serving.serve(how, policy, state=state_folder(), environment=os.environ, say=_say, governor=shared)
        return
    with TemporaryDirectory() as folder:
        async with Sandbox() as instance:
            variables = {
                "MARKETO_BASE_URL": instance.base_url,
                "MARKETO_CLIENT_ID": instance.client_id,
                "MARKETO_CLIENT_SECRET": instance.client_secret,
            }
            policy, keys = _two_agents() if how.policy is None else (load_policy(how.policy), {})
            if how.http is None and how.agent is None and how.policy is None:
                how = msgspec.structs.replace(how, agent="campaign")
            await serving.serve(
                how, policy, state=Path(folder), environment={**os.environ, **variables}, say=_say, keys=keys
            )


def _two_agents() -> tuple[Policy, dict[str, str]]:
    """Return a policy for a sandbox, with an agent that reads and one that changes lists; and their keys."""
    from marketo_async.effects import AREAS  # noqa: PLC0415
    from marketo_async.mcp.agents import new_key  # noqa: PLC0415
    from marketo_async.mcp.policy import AccessLevel, Agent, Policy  # noqa: PLC0415

    reads = dict.fromkeys(AREAS.values(), AccessLevel.READ)
    changes = reads | dict.fromkeys(("lists", "campaigns"), AccessLevel.FULL)
    keys = {name: new_key(name) for name in ("reader", "campaign")}
    agents = {
        "reader": Agent(title="Reader", keys=[keys["reader"].hash], access=reads),
        "campaign": Agent(title="Campaign Agent", keys=[keys["campaign"].hash], access=changes),
    }
    return Policy(agents=agents), {name: made.key for name, made in keys.items()}


def _import_serving() -> None:
    """Import the module that needs the extra; raise `ConfigurationError` where it is not installed."""
    try:
        import marketo_async.mcp.serving  # noqa: F401, PLC0415 - only this command pays for it
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library not in {"mcp", "mcp_types", "uvicorn", "starlette"}:
            raise
        raise ConfigurationError(f"the server needs {library}: pip install 'marketo-async[mcp]'") from error


def _say(line: str) -> None:
    typer.echo(line, err=True)  # stdout is the protocol's


@agents.command(epilog=EPILOG)
def key(agent: Annotated[str, typer.Argument(metavar="AGENT", help="The agent's name in the policy.")]) -> None:
    """Make a key for an agent: print it once, and the line for the policy."""
    from marketo_async.mcp.agents import new_key  # noqa: PLC0415

    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,39}", agent):
        with errors_in_one_line():
            raise InvalidRequest(f"{agent!r} is not a name of an agent: use a to z, 0 to 9, _ and -, at most 40")
    made = new_key(agent)
    typer.echo(f"{made.key}\n")
    _say(f'Give the key to the agent; it is not shown again. Add its hash to [agents.{agent}]:\nkeys = ["{made.hash}"]')


@agents.command(epilog=EPILOG)
def check(
    policy: Annotated[Path, typer.Argument(metavar="FILE", help="The policy.")],
    *,
    agent: Annotated[str | None, typer.Option(metavar="NAME", help="Explain the rights of one agent.")] = None,
    operation: Annotated[str | None, typer.Option(metavar="NAME", help="Judge one operation, as lists.add.")] = None,
    arguments: Annotated[
        str, typer.Option(metavar="JSON", help="The arguments of --operation, to judge the call itself.")
    ] = "",
) -> None:
    """Check a policy file, and say what its agents may do. Makes no call."""
    with errors_in_one_line():
        from marketo_async.mcp.explain import explain_agents, explain_call  # noqa: PLC0415
        from marketo_async.mcp.policy import load_policy  # noqa: PLC0415

        found = load_policy(policy)
        if agent is not None and agent not in found.agents:
            raise InvalidRequest(f"the policy has no agent {agent!r}; it has {', '.join(found.agents)}")
        if operation is None:
            typer.echo("\n".join(explain_agents(found, agent)))
            return
        names = [agent] if agent is not None else list(found.agents)
        lines, allowed = explain_call(found, names, operation, _json_object(arguments) if arguments else None)
        typer.echo("\n".join(lines))
    if not allowed:
        raise typer.Exit(Exit.DENIED)


def _json_object(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise InvalidRequest(f"--arguments is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise InvalidRequest('--arguments takes a JSON object such as {"list_id": 1001, "lead_ids": [7]}')
    return found


@agents.command(epilog=EPILOG)
def hosts(
    host: Annotated[str | None, typer.Argument(metavar="[claude|cursor|vscode|codex]", help="Default: all.")] = None,
    *,
    policy: PolicyOption = None,
    agent: Annotated[str | None, typer.Option(metavar="NAME", help="The agent of the policy.")] = None,
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="A server over HTTP, as https://mcp.example.com/mcp.")
    ] = None,
) -> None:
    """Print the configuration of a host: over stdio, or over HTTP with --url."""
    with errors_in_one_line():
        from marketo_async.mcp.hosts import HOSTS, http_snippet, stdio_snippet  # noqa: PLC0415

        given = [] if policy is None else ["--policy", str(policy)]
        given += [] if agent is None else ["--agent", agent]
        for known in HOSTS if host is None else (host,):
            text = stdio_snippet(known, given) if url is None else http_snippet(known, url, "YOUR-KEY")
            typer.echo(f"# {known}\n{text}\n" if host is None else text)


@agents.command("approvals", epilog=EPILOG)
def list_approvals() -> None:
    """List the plans of agents that wait for you, with what each would do."""
    with errors_in_one_line():
        from marketo_async.mcp.confirm import Approvals  # noqa: PLC0415

        async def waiting() -> None:
            file = Approvals(state_folder() / "approvals.db", time.time)
            try:
                found = await file.waiting()
            finally:
                await file.close()
            for plan in found:
                typer.echo(f"{plan.id}  ({max(0, plan.until - time.time()):.0f} s left)\n  {plan.question}")
            if not found:
                typer.echo("no plan waits")

        asyncio.run(waiting())


@agents.command(epilog=EPILOG)
def approve(id: IdArgument) -> None:
    """Approve a plan; its agent then makes it, once."""
    _decide(id, approved=True)


@agents.command(epilog=EPILOG)
def deny(id: IdArgument) -> None:
    """Deny a plan."""
    _decide(id, approved=False)


def _decide(id: str, *, approved: bool) -> None:
    with errors_in_one_line():
        from marketo_async.mcp.confirm import Approvals  # noqa: PLC0415

        async def decided() -> None:
            file = Approvals(state_folder() / "approvals.db", time.time)
            try:
                found = await file.decide(id, "approved" if approved else "denied", getpass.getuser())
            finally:
                await file.close()
            if found is None:
                raise InvalidRequest(f"{id!r} does not wait (any more): plans expire after ten minutes")
            typer.echo(f"{found.state}: {found.question}")

        asyncio.run(decided())


@agents.command(epilog=EPILOG)
def audit(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="One file of records. Default: all in the state folder.")
    ] = None,
    *,
    verify: Annotated[bool, typer.Option("--verify", help="Check the chain, and name the first bad line.")] = False,
    about: Annotated[
        str | None, typer.Option(metavar="EMAIL", help="Only what was done with this person's address.")
    ] = None,
    agent: Annotated[str | None, typer.Option(metavar="NAME", help="Only the records of one agent.")] = None,
    since: Annotated[str | None, typer.Option(metavar="WHEN", help="Only since an ISO 8601 date or time.")] = None,
    format: Annotated[AuditFormat, typer.Option("--format", help="How to print the records.")] = AuditFormat.TEXT,
    policy: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The policy, where it names the folder, the key or the anchor.")
    ] = None,
    anchor: Annotated[Path | None, typer.Option(metavar="FILE", help="The anchor to verify with.")] = None,
) -> None:
    """Print what agents did, one sentence a line, or verify that nothing was changed."""
    with errors_in_one_line():
        from marketo_async.mcp.policy import AuditSettings, load_policy  # noqa: PLC0415

        settings = AuditSettings() if policy is None else load_policy(policy).audit
        where = AuditPlace(settings, state_folder(), os.environ, anchor)
        files = where.files() if file is None else [file]
        if verify:
            bad = False
            for path in files:
                line, good = where.verified(path)
                typer.echo(line)
                bad = bad or not good
            if bad:
                raise typer.Exit(Exit.REFUSED)
            return
        moment_since = None if since is None else moment("--since", since)
        for line in audit_lines(where, files, about=about, agent=agent, since=moment_since, format=format):
            typer.echo(line)
