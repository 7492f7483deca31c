"""The blocking client, for scripts and worker threads: ``from marketo_async.sync import Marketo``.

The same names and the same types as the async client's, without an event loop to be seen.
"""

from marketo_async.sync.client import Marketo

__all__ = ["Marketo"]
