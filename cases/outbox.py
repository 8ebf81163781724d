"""The way out of our database: an instruction is intended in the transaction that grants it, and delivered afterwards.

Until a system of record is connected an instruction is a file in DATA_DIR/outbox/instructions/, with the receipt of its
grant (docs/receipts.md) and named by its id, so that delivering it twice leaves one file.
"""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta
from pathlib import Path

from celery import current_app
from django.conf import settings
from django.db import transaction

from audit.log import record
from cases.models import Delivery, Refund
from verification import receipts

MOST_ATTEMPTS = 8


def intend(refund: Refund, *, at: datetime) -> None:
    """Write the intent and what is due, in the gate's transaction; the task is only a hint, the sweep finds what is
    due.
    """
    Delivery.objects.create(refund=refund, due_at=at)
    _entry(refund, "outbox.intended", at, "ok")

    # A function and no partial: Django logs the name of a robust hook that fails, and a partial has none.
    def hint() -> None:
        current_app.send_task("cases.tasks.deliver", kwargs={"refund_id": refund.pk}, ignore_result=True)

    transaction.on_commit(hint, robust=True)


def deliver(refund_id: int, *, at: datetime) -> bool:
    """Deliver one due instruction; return whether it is out. Safe to repeat: the row is locked and the file has one
    name.
    """
    with transaction.atomic():
        found = (
            Delivery.objects.select_for_update(of=("self",)).select_related("refund__customer").get(refund_id=refund_id)
        )
        if found.state != Delivery.State.PENDING or found.due_at > at:
            return found.state == Delivery.State.DELIVERED
        try:
            _write(found.refund, at)
        except (OSError, receipts.NoReceipt) as error:
            _put_off(found, at, error)
            return False
        found.state, found.delivered_at, found.attempts = Delivery.State.DELIVERED, at, found.attempts + 1
        found.save()
        _entry(found.refund, "outbox.delivered", at, "ok")
        return True


def due(at: datetime) -> list[int]:
    """Return the refunds whose instruction is due and not out; none while no key is set to sign it with."""
    if settings.RECEIPT_KEY is None:
        return []
    rows = Delivery.objects.filter(state=Delivery.State.PENDING, due_at__lte=at).order_by("due_at")
    return list(rows.values_list("refund_id", flat=True)[:500])


def _put_off(found: Delivery, at: datetime, error: Exception) -> None:
    found.attempts += 1
    found.due_at = at + timedelta(seconds=min(30 * 2**found.attempts, 3600))
    if found.attempts >= MOST_ATTEMPTS:
        found.state = Delivery.State.FAILED
    found.save()
    _entry(found.refund, "outbox.failed", at, type(error).__name__)


def _write(refund: Refund, at: datetime) -> None:
    """Write the instruction with a receipt that vouches for every member of it, signed as it leaves."""
    folder = Path(settings.DATA_DIR) / "outbox" / "instructions"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    instruction = {
        "id": str(refund.public_id),
        "action": refund.grant.action,
        "parameters": receipts.parameters_of(refund.grant),
        "grant": str(refund.grant.public_id),
        "customer": refund.customer.number,
        "account": refund.customer.account,
        "amount": refund.amount,
        "currency": refund.currency,
    }
    receipt = receipts.signed(refund.grant, at=at, instruction=instruction)
    partial_file = folder / f".{refund.public_id}.part"
    # Who may read an account number here is the owner of the process only, whatever its umask.
    with open(os.open(partial_file, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(json.dumps({"instruction": instruction, "receipt": receipt}, indent=1))
    partial_file.replace(folder / f"{refund.public_id}.json")


def _entry(refund: Refund, kind: str, at: datetime, outcome: str) -> None:
    record(
        kind=kind,
        actor="system:cases.deliver",
        subject=str(refund.customer.pseudonym),
        at=at,
        outcome=outcome,
        purpose="pay back what the customer is owed",
        organisation=str(refund.customer.organisation_id),
        facts={"refund": str(refund.public_id), "grant": str(refund.grant.public_id)},
    )
