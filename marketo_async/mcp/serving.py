"""Runs a server: which agent, over stdio or HTTP, and a new policy on SIGHUP. See ``server`` for the protocol.

The server listens on loopback, unless its options name the hosts to serve, and say that TLS or a proxy protects keys.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from msgspec import Struct

from marketo_async.errors import ConfigurationError
from marketo_async.governor import Governor
from marketo_async.mcp.agents import AgentIdentity
from marketo_async.mcp.desk import Desk
from marketo_async.mcp.hosts import HOSTS, http_snippet
from marketo_async.mcp.http import serve_http
from marketo_async.mcp.policy import Policy, load_policy
from marketo_async.mcp.server import PATH, Protocol, http_app, serve_stdio
from marketo_async.mcp.tools import selection_of

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")

Say = Callable[[str], None]


class Serving(Struct, frozen=True, kw_only=True):
    """How to serve: ``http`` is a host and port, or ``None`` for stdio."""

    policy: Path | None = None
    agent: str | None = None
    http: str | None = None
    allow_hosts: tuple[str, ...] = ()
    certificate: str | None = None
    key: str | None = None
    behind_proxy: bool = False
    tools: str = "default"
    deadline: float = 45.0


async def serve(
    how: Serving,
    policy: Policy,
    *,
    state: Path,
    environment: Mapping[str, str],
    say: Say,
    keys: Mapping[str, str] = {},
    governor: Callable[[], Governor] = Governor,
) -> None:
    """Serve until the client closes the pipe, or the process gets SIGINT or SIGTERM; ``say`` writes a line to stderr.

    ``keys`` are announced with configurations of hosts. ``governor`` makes that of the environment's instance.
    Raises `ConfigurationError` for a policy or an address that can't be served.
    """
    selection = selection_of(how.tools)
    host, port = _address(how)
    local = None if how.http is not None else AgentIdentity(_local_agent(how, policy), "stdio")
    if local is None and not _reachable(policy):
        raise ConfigurationError("no agent of the policy has a key: run `marketo-async mcp key AGENT`")
    async with Desk(policy, state=state, environment=environment, governor=governor) as desk:
        protocol = Protocol(desk, selection=selection, local=local, deadline=how.deadline)
        with _reloading(how, desk, say):
            if how.http is None:
                _warn_of_writable(how, say)
                await serve_stdio(protocol)
                return
            hosts, origins = _allowed(how)
            await serve_http(
                http_app(protocol, desk, hosts=hosts, origins=origins),
                host=host,
                port=port,
                certificate=how.certificate,
                key=how.key,
                started=lambda found: _announce(how, host, found, keys, say),
            )


def _local_agent(how: Serving, policy: Policy) -> str:
    """Return the agent that every request over stdio comes from."""
    name = how.agent or (next(iter(policy.agents)) if len(policy.agents) == 1 else None)
    if name is None:
        raise ConfigurationError(f"the policy has several agents: pass --agent {' or '.join(policy.agents)}")
    if name not in policy.agents:
        raise ConfigurationError(f"the policy has no agent {name!r}; it has {', '.join(policy.agents)}")
    return name


def _reachable(policy: Policy) -> bool:
    return policy.headers is not None or any(agent.keys for agent in policy.agents.values())


def _address(how: Serving) -> tuple[str, int]:
    """Return the host and port of ``--http``; refuse a host that is not loopback without its protection."""
    if how.http is None:
        return "", 0
    host, _, port = how.http.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:  # noqa: PLR2004
        raise ConfigurationError(f"--http takes a host and a port such as 127.0.0.1:8080, not {how.http!r}")
    if (how.certificate is None) is not (how.key is None):
        raise ConfigurationError("--tls-cert and --tls-key need each other")
    protected = how.certificate is not None or how.behind_proxy
    if host not in _LOOPBACK and not (how.allow_hosts and protected):
        raise ConfigurationError(
            f"{host} is not loopback: name the hosts with --allow-host, and pass --tls-cert and --tls-key, or"
            " --behind-proxy if a proxy does TLS"
        )
    return host.strip("[]"), int(port)


def _allowed(how: Serving) -> tuple[list[str], list[str]]:
    """Return the Host and Origin headers that are served."""
    named = [*how.allow_hosts] if how.allow_hosts else [*_LOOPBACK]
    hosts = [form for name in named for form in (name, f"{name}:*")]
    return hosts, [f"{scheme}://{host}" for host in hosts for scheme in ("http", "https")]


def _reload(how: Serving, desk: Desk, say: Say) -> None:
    """Adopt the policy file as it is now; a broken one keeps the old policy."""
    if how.policy is None:
        return
    try:
        desk.adopt(load_policy(how.policy))
    except ConfigurationError as error:
        say(f"the old policy stays: {error}")
    else:
        say(f"{how.policy}: the new policy is in use")


@contextmanager
def _reloading(how: Serving, desk: Desk, say: Say) -> Iterator[None]:
    """Reload the policy at SIGHUP while the block runs; do nothing on systems without that signal."""
    loop = asyncio.get_running_loop()
    with suppress(NotImplementedError, AttributeError):
        loop.add_signal_handler(signal.SIGHUP, _reload, how, desk, say)
    try:
        yield
    finally:
        with suppress(NotImplementedError, AttributeError):
            loop.remove_signal_handler(signal.SIGHUP)


def _warn_of_writable(how: Serving, say: Say) -> None:
    """Say so where the agent could change its own rights: over stdio it runs as the same user."""
    if how.policy is not None and os.access(how.policy, os.W_OK):
        say(f"warning: {how.policy} can be written by this user, and so by the agent; make it read-only for it")


def _announce(how: Serving, host: str, port: int, keys: Mapping[str, str], say: Say) -> None:
    scheme = "http" if how.certificate is None else "https"
    url = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}{PATH}"
    say(f"serving {url}")
    for agent, key in keys.items():
        say(f"\nkey of {agent}: {key}")
    for agent, key in list(keys.items())[:1]:
        for known in HOSTS:
            say(f"\n# {known}, as {agent}\n{http_snippet(known, url, key)}")
