"""Erase a subject: the one thing that makes the log forget, and which the log itself records."""

from datetime import datetime
from uuid import UUID

from audit import keys
from audit.log import record


def erase(*, subject: str, actor: str, purpose: str, at: datetime, organisation: str = "") -> UUID:
    """Record that a subject is erased and destroy his key, in the caller's transaction; returns the receipt.

    The rows, their hashes and every proof over them stay as they were: only the personal payloads become unreadable.
    """
    uid = record(
        kind="audit.erased", actor=actor, subject=subject, at=at, outcome="ok", purpose=purpose, facts={},
        organisation=organisation,
    )  # fmt: skip
    keys.erase(subject)
    return uid
