"""What the status of an export job says, in whatever case Marketo writes it. Pure."""

from __future__ import annotations

from marketo_async.models.bulk import ExportJob


def is_completed(job: ExportJob) -> bool:
    """Return whether a job is completed, and so has a file."""
    return job.status.casefold() == "completed"


def is_cancelled(job: ExportJob) -> bool:
    """Return whether a job was cancelled; Marketo uses two spellings."""
    return job.status.casefold() in {"cancelled", "canceled"}


def is_over(job: ExportJob) -> bool:
    """Return whether a job has ended."""
    return is_completed(job) or is_cancelled(job) or job.status.casefold() == "failed"
