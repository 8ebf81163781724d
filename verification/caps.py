"""How often an action may be granted. Counted in the database, under a lock on what is counted over."""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from verification.levels import Level
from verification.models import Claim, Grant, Staff
from verification.policy import Cap, Policy


def reached(
    policy: Policy,
    action: str,
    *,
    claim: Claim | None,
    interaction_id: int | None,
    staff_id: int | None,
    at: datetime,
    proven: Level = Level.NONE,
) -> Cap | None:
    """Return the first cap that one more grant would pass, or None.

    Locks what is counted over until the transaction ends. A customer is counted by the number that was claimed, and so
    is a number that is nobody's: otherwise the cap itself would tell which numbers are customers'. Only what was
    granted to him on proof of `proven` or more is counted: strangers who use up what protects without proof must not
    disarm the customer himself.
    """
    for cap in policy.caps_of(action):
        counted = _counted(cap.scope, claim, interaction_id, staff_id)
        granted = Grant.objects.filter(action=action, decided_at__gt=at - cap.within)
        if counted and cap.scope == "customer":
            granted = granted.filter(held__gte=proven)
        if counted and granted.filter(**counted).count() >= cap.times:
            return cap
    return None


def _counted(
    scope: str, claim: Claim | None, interaction_id: int | None, staff_id: int | None
) -> dict[str, int | str] | None:
    """Return what to count grants by, locked against a second attempt at once.

    The gate holds the interaction already.
    """
    if scope == "interaction" and interaction_id is not None:
        return {"interaction_id": interaction_id}
    if scope == "staff" and staff_id is not None:
        Staff.objects.select_for_update().only("pk").get(pk=staff_id)
        return {"asked_by_id": staff_id}
    if scope == "customer" and claim is not None:
        lock(claim.mark)
        return {"claim__mark": claim.mark}
    return None


def lock(mark: str) -> None:
    """Lock a claimed number, which need not be anybody's and so has no row. SQLite has one writer at a time anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int(mark[:15], 16)])
