"""How often an action may be granted. Counted in the database, under the lock of the row that is counted over."""

from __future__ import annotations

from datetime import datetime

from verification.models import Customer, Grant, Staff
from verification.policy import Cap, Policy


def reached(
    policy: Policy,
    action: str,
    *,
    customer_id: int | None,
    interaction_id: int | None,
    staff_id: int | None,
    at: datetime,
) -> Cap | None:
    """Return the first cap that one more grant would pass, or None.

    Locks the counted rows until the transaction ends.
    """
    counted = {"customer": customer_id, "interaction": interaction_id, "staff": staff_id}
    for cap in policy.caps_of(action):
        row = counted[cap.scope]
        if row is None:
            continue
        _lock(cap.scope, row)
        column = "asked_by_id" if cap.scope == "staff" else f"{cap.scope}_id"
        since = at - cap.within
        if Grant.objects.filter(action=action, decided_at__gt=since, **{column: row}).count() >= cap.times:
            return cap
    return None


def _lock(scope: str, row: int) -> None:
    """Hold the row so that two attempts at once cannot both count too few. The gate holds the interaction already."""
    if scope == "customer":
        Customer.objects.select_for_update().only("pk").get(pk=row)
    elif scope == "staff":
        Staff.objects.select_for_update().only("pk").get(pk=row)
