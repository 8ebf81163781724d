"""What of a former customer is forgotten here: his words, and what was said to him. What was paid stays, as figures."""

from __future__ import annotations

from datetime import datetime

from cases.models import Answer, CallBack, Case, Delivery, Export, Goodwill, Question, Refund, Shipment, Voucher
from verification import guard
from verification.erasing import empty_of, room
from verification.models import Customer

guard.may_be_emptied("cases.Question", "text")
guard.may_be_emptied("cases.Answer", "text")
guard.may_be_emptied("cases.CallBack", "sealed_phrase")
guard.may_be_emptied("cases.Voucher", "fault")
guard.may_be_emptied("cases.Refund", "reason")
guard.may_be_emptied("cases.Goodwill", "reason")
guard.may_be_emptied("cases.Shipment", "order")


def _forget(customer: Customer) -> None:
    Export.objects.filter(request__customer=customer).delete()
    for model in (Question, Answer, CallBack, Voucher, Refund, Goodwill, Shipment):
        empty_of(model, customer=customer)


def _going_on(customer: Customer, _at: datetime) -> bool:
    unfinished = Case.objects.filter(customer=customer, closing__isnull=True)
    unpaid = Delivery.objects.filter(grant__customer=customer, state=Delivery.State.PENDING)
    return unfinished.exists() or unpaid.exists()


room(_forget, going_on=_going_on)
