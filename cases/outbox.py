"""The way out of our database: an instruction is intended in the transaction that grants it, and delivered afterwards.

Until a system of record is connected an instruction is a file in DATA_DIR/outbox/instructions/, with the receipt of its
grant (docs/receipts.md) and named by its id, so that delivering it twice leaves one file.
"""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.db.models import DateTimeField, ExpressionWrapper, F

from audit.log import record
from cases.models import Delivery, Goodwill, Refund, Shipment
from verification import receipts
from verification.models import Customer, Grant, Hold
from verification.models.waiting import took_effect
from verification.policy import current

MOST_ATTEMPTS = 8
ASK_AGAIN = timedelta(hours=1)
Instructed = Refund | Goodwill | Shipment


def intend(grant: Grant, *, due_at: datetime, at: datetime) -> None:
    """Write the intent and what is due, in the gate's transaction; the task is only a hint, the sweep finds what is
    due.
    """
    noted = Delivery.objects.create(grant=grant, due_at=due_at)
    _entry(grant, "outbox.intended", at, "ok")
    if due_at > at:
        return

    # A function and no partial: Django logs the name of a robust hook that fails, and a partial has none.
    def hint() -> None:
        current_app.send_task("cases.tasks.deliver", kwargs={"delivery_id": noted.pk}, ignore_result=True)

    transaction.on_commit(hint, robust=True)


def deliver(delivery_id: int, *, at: datetime) -> bool:
    """Deliver one due instruction; return whether it is out. Safe to repeat: the row is locked and the file has one
    name. What waited to be stopped leaves neither when it was stopped nor under a hold, nor on the day after one.
    """
    with transaction.atomic():
        found = Delivery.objects.select_for_update(of=("self",)).select_related("grant__customer").get(pk=delivery_id)
        if found.state != Delivery.State.PENDING or found.due_at > at:
            return found.state == Delivery.State.DELIVERED
        row = _row(found.grant)
        if _kept_back(found, row, at):
            return False
        try:
            _write(found.grant, row, at)
        except (OSError, receipts.NoReceipt) as error:
            _put_off(found, at, error)
            return False
        found.state, found.delivered_at, found.attempts = Delivery.State.DELIVERED, at, found.attempts + 1
        found.save()
        _entry(found.grant, "outbox.delivered", at, "ok")
        return True


def due(at: datetime) -> list[int]:
    """Return the deliveries that are due and not out; none while no key is set to sign them with."""
    if settings.RECEIPT_KEY is None:
        return []
    rows = Delivery.objects.filter(state=Delivery.State.PENDING, due_at__lte=at).order_by("due_at")
    return list(rows.values_list("pk", flat=True)[:500])


def _row(grant: Grant) -> Instructed:
    """Return what was instructed under a grant."""
    for model in (Refund, Goodwill, Shipment):
        if (found := model.objects.select_related("customer").filter(grant=grant).first()) is not None:
            return found
    raise LookupError(f"nothing was instructed under {grant}")


def _kept_back(found: Delivery, row: Instructed, at: datetime) -> bool:
    """End what was stopped; put off, without counting it as a failure, what may still be stopped under a hold."""
    if hasattr(row, "stop"):
        found.state = Delivery.State.STOPPED
        found.save(update_fields=["state"])
        _entry(found.grant, "outbox.stopped", at, "stopped")
        return True
    if not isinstance(row, Refund) or found.grant.action != "refund_to_new_account" or _free(row, at):
        return False
    found.due_at = at + ASK_AGAIN
    found.save(update_fields=["due_at"])
    return True


def _free(refund: Refund, at: datetime) -> bool:
    """Tell whether no hold stands, and none that kept it back has been over for less than a day."""
    leaves_at = ExpressionWrapper(F("instructed_at") + current().veto_delay, output_field=DateTimeField())
    waited = Refund.objects.filter(pk=refund.pk).annotate(leaves_at=leaves_at)
    held = Hold.objects.in_force(at).filter(customer=refund.customer)
    return waited.filter(took_effect(at, due="leaves_at", made="instructed_at")).exists() and not held.exists()


def _put_off(found: Delivery, at: datetime, error: Exception) -> None:
    found.attempts += 1
    found.due_at = at + timedelta(seconds=min(30 * 2**found.attempts, 3600))
    if found.attempts >= MOST_ATTEMPTS:
        found.state = Delivery.State.FAILED
    found.save()
    _entry(found.grant, "outbox.failed", at, type(error).__name__)


def _write(grant: Grant, row: Instructed, at: datetime) -> None:
    """Write the instruction with a receipt that vouches for every member of it, signed as it leaves."""
    folder = Path(settings.DATA_DIR) / "outbox" / "instructions"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    instruction = _instruction(grant, row)
    receipt = receipts.signed(grant, at=at, instruction=instruction)
    partial_file = folder / f".{row.public_id}.part"
    # Who may read an account number here is the owner of the process only, whatever its umask.
    with open(os.open(partial_file, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(json.dumps({"instruction": instruction, "receipt": receipt}, indent=1))
    partial_file.replace(folder / f"{row.public_id}.json")


def _instruction(grant: Grant, row: Instructed) -> dict[str, Any]:
    parameters = receipts.parameters_of(grant)
    return {
        "id": str(row.public_id),
        "action": grant.action,
        "parameters": parameters,
        "grant": str(grant.public_id),
        "customer": row.customer.number,
        **row.instructed(parameters),
    }


def _entry(grant: Grant, kind: str, at: datetime, outcome: str) -> None:
    customer: Customer | None = grant.customer
    record(
        kind=kind,
        actor="system:cases.deliver",
        subject=str(customer.pseudonym) if customer else "nobody",
        at=at,
        outcome=outcome,
        purpose="send what the customer is owed",
        organisation=str(grant.organisation_id or ""),
        facts={"action": grant.action, "grant": str(grant.public_id)},
    )
