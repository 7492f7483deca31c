"""Configurations for the common hosts: Claude, Cursor, VS Code and Codex, over stdio or HTTP. Pure."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from typing import Any

from marketo_async.errors import InvalidRequest

HOSTS = ("claude", "cursor", "vscode", "codex")
_NAME = "marketo"  # at most 14 characters: hosts put it before the name of each tool


def stdio_snippet(host: str, arguments: Sequence[str]) -> str:
    """Return what to write or run so that a host starts ``marketo-async mcp serve`` with these arguments."""
    command = ["marketo-async", "mcp", "serve", *arguments]
    match _known(host):
        case "claude":
            return f"claude mcp add {_NAME} -- {shlex.join(command)}"
        case "codex":
            return f'[mcp_servers.{_NAME}]\ncommand = "{command[0]}"\nargs = {json.dumps(command[1:])}'
        case found:
            return _json(found, {"command": command[0], "args": command[1:]})


def http_snippet(host: str, url: str, key: str) -> str:
    """Return what to write or run so that a host calls the server at ``url`` with a key."""
    match _known(host):
        case "claude":
            return f'claude mcp add --transport http {_NAME} {url} --header "Authorization: Bearer {key}"'
        case "codex":
            return f'[mcp_servers.{_NAME}]\nurl = "{url}"\nhttp_headers = {{ Authorization = "Bearer {key}" }}'
        case found:
            return _json(found, {"type": "http", "url": url, "headers": {"Authorization": f"Bearer {key}"}})


def _json(host: str, server: dict[str, Any]) -> str:
    return json.dumps({"servers" if host == "vscode" else "mcpServers": {_NAME: server}}, indent=2)


def _known(host: str) -> str:
    if host not in HOSTS:
        raise InvalidRequest(f"{host!r} is not a host that is known here; the hosts are {', '.join(HOSTS)}")
    return host
