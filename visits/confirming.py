"""What the customer says on his page: I have this paper, I take that back."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction

from audit.log import record
from visits.models import ChecklistItem, ItemConfirmed, Visit, VisitEvent
from visits.papers import unconfirmed


class NotValidThen(ValueError):
    """Tell that a paper needs a last day of validity, and that it must not come before the visit."""


def confirm(item: ChecklistItem, *, valid_until: date | None, dated: bool, at: datetime) -> None:
    """Note that the customer has the paper. A dated one must be valid on the visit's day: raises NotValidThen."""
    if dated and (valid_until is None or valid_until < item.visit.on):
        raise NotValidThen
    with transaction.atomic():
        ItemConfirmed.objects.create(item=item, confirmed_at=at, valid_until=valid_until if dated else None)
        _entry(item, "confirmed", at)
        whole = not unconfirmed(item.visit)
        if whole and not item.visit.events.filter(kind=VisitEvent.Kind.CONFIRMED).exists():
            VisitEvent.objects.create(visit=item.visit, kind=VisitEvent.Kind.CONFIRMED, at=at)


def withdraw(item: ChecklistItem, *, at: datetime) -> None:
    """Note that the customer doesn't have the paper after all."""
    with transaction.atomic():
        ItemConfirmed.objects.create(item=item, confirmed_at=at, withdrawn=True)
        _entry(item, "withdrawn", at)


def subject_of(visit: Visit) -> str:
    """Return the pseudonym under which the log keeps what concerns a visit."""
    return str(visit.customer.pseudonym if visit.customer else visit.public_id)


def _entry(item: ChecklistItem, outcome: str, at: datetime) -> None:
    visit = item.visit
    record(
        kind="visit.item_confirmed",
        actor=f"customer:{subject_of(visit)}",
        subject=subject_of(visit),
        at=at,
        outcome=outcome,
        purpose="prepare the visit that was booked",
        organisation=str(visit.organisation_id),
        facts={"visit": str(visit.public_id), "group": item.group, "paper": item.code},
    )
