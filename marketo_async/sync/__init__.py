"""The blocking client, for scripts and worker threads: ``from marketo_async.sync import Marketo``.

It has the names and types of the async client, without an event loop in the caller's code.
"""

from marketo_async.sync.client import Marketo

__all__ = ["Marketo"]
