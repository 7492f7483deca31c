"""The line of help about the environment variables; apart, because it is all that some helps need."""

from __future__ import annotations

ENVIRONMENT = (
    "The command connects with the environment variables MARKETO_BASE_URL (or MARKETO_MUNCHKIN_ID), MARKETO_CLIENT_ID"
    " and MARKETO_CLIENT_SECRET."
)
