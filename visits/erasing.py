"""What of a former customer is forgotten here: what he told of himself for a visit, and his documents' numbers."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Exists, OuterRef, Q

from verification import guard
from verification.erasing import empty_of, room
from verification.models import Customer
from visits.models import Escalation, SeenDocument, Visit, VisitCode, VisitEvent, VisitToken

guard.may_be_emptied("visits.Visit", "answers")
guard.may_be_emptied("visits.VisitEvent", "detail")

OVER = (VisitEvent.Kind.COMPLETE, VisitEvent.Kind.CANCELLED, VisitEvent.Kind.NOT_ME)


def _forget(customer: Customer) -> None:
    SeenDocument.objects.filter(Q(evidence__claim__customer=customer) | Q(evidence__claim__person=customer)).delete()
    Escalation.objects.filter(grant__customer=customer).update(answers={})
    for keys in (VisitToken, VisitCode):
        keys.objects.filter(visit__customer=customer).delete()
    empty_of(VisitEvent, visit__customer=customer)
    empty_of(Visit, customer=customer)


def _going_on(customer: Customer, at: datetime) -> bool:
    over = VisitEvent.objects.filter(visit=OuterRef("pk"), kind__in=OVER)
    coming = Visit.objects.filter(~Exists(over), customer=customer, ends_at__gt=at)
    return coming.exists() or Escalation.objects.filter(grant__customer=customer, state="PENDING").exists()


room(_forget, going_on=_going_on)
