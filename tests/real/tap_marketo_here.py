"""tap-marketo with its address changed, and nothing else; run by the Python of an environment that has it."""

from __future__ import annotations

import sys

import tap_marketo
from tap_marketo.client import Client

base_url = sys.argv.pop(1)
Client.get_url = lambda _, url: f"{base_url}/{url}"
tap_marketo.main()
