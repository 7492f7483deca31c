"""`notify`: passes the record of an attempt to a hook, which can't disturb the call. See ``snapshot``."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable

from marketo_async.governor.snapshot import CallRecord

log = logging.getLogger("marketo_async.governor")


def notify(hook: Callable[[CallRecord], None] | None, record: CallRecord) -> None:
    """Pass one attempt to a hook. An exception of the hook is logged, because the call itself did not fail.

    Only `KeyboardInterrupt` and `SystemExit`, which end the program, propagate.
    """
    if hook is None:
        return
    try:
        returned: object = hook(record)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:
        log.exception("the on_call hook failed for %s", record.operation)
        return
    if inspect.isawaitable(returned):
        if inspect.iscoroutine(returned):
            returned.close()
        log.error("the on_call hook is async, and nothing awaits it: pass a plain function (for %s)", record.operation)
