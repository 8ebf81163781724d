"""A copy of all that we hold about one customer: prepared by a task, sealed under his own key, opened by himself only.

It never comes to a screen of the staff, and no message carries it: what opens it is strong identification of minutes
ago, on the customer's own page.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from celery import current_app
from django.db import transaction

from audit import keys
from audit.log import record
from cases.models import Case, Export, ExportRequest, Goodwill, Refund
from verification.levels import Level
from verification.masking import whole
from verification.models import Claim, ContactChange, Customer, Evidence, Grant, Hold, Refusal

KEPT: Final = timedelta(days=14)
FRESH: Final = timedelta(minutes=10)
STRONG: Final = frozenset({"E_ID_SUBSTANTIAL", "E_ID_HIGH", "CIBA_SUBSTANTIAL", "CIBA_HIGH"})
LONGEST_WAIT: Final = timedelta(hours=1)

log = structlog.get_logger(__name__)


class NotOpened(PermissionError):
    """Refuse a copy: not this customer's, not prepared or not kept, or no strong identification of minutes ago."""


def intend(asked: ExportRequest, *, at: datetime) -> None:
    """Note what is due, in the gate's transaction; the task is a hint, the sweep finds what is due."""
    noted = Export.objects.create(request=asked, due_at=at)

    # A function and no partial: Django logs the name of a robust hook that fails, and a partial has none.
    def hint() -> None:
        current_app.send_task("cases.tasks.prepare_export", kwargs={"export_id": noted.pk}, ignore_result=True)

    transaction.on_commit(hint, robust=True)


def due(at: datetime) -> list[int]:
    """Return the copies to prepare, and those to throw away."""
    waiting = Export.objects.filter(state__in=(Export.State.ASKED, Export.State.PREPARED), due_at__lte=at)
    return list(waiting.order_by("due_at").values_list("pk", flat=True)[:100])


def move(export_id: int, *, at: datetime) -> None:
    """Take one step that is due: prepare the copy, or throw away one that nobody opened in time. Safe to repeat."""
    try:
        with transaction.atomic():
            found = _locked(export_id)
            if found.due_at > at or found.state not in (Export.State.ASKED, Export.State.PREPARED):
                return
            _prepare(found, at) if found.state == Export.State.ASKED else _throw_away(found, at)
    except Exception as error:  # one that can't be prepared must not keep the sweep from the others
        log.error("export.failed", export=export_id, error=type(error).__name__)
        _put_off(export_id, at)


def waiting(claim: Claim, *, at: datetime) -> Export | None:
    """Return the newest copy that `open_copy` would open for the person of this claim now, or None."""
    customer = claim.person
    if customer is None or not _himself(claim, customer, at):
        return None
    prepared = Export.objects.filter(request__customer=customer, state=Export.State.PREPARED, void_at__gt=at)
    return prepared.select_related("request").order_by("-pk").first()


def open_copy(request_id: UUID, claim: Claim, *, at: datetime) -> dict[str, Any]:
    """Return the copy to the customer himself, who has just identified himself strongly in this contact.

    Raises NotOpened. Whoever calls this is a page that the customer stands before himself.
    """
    with transaction.atomic():
        found = Export.objects.select_for_update(of=("self",)).select_related("request__customer")
        export = found.filter(request__public_id=request_id, state=Export.State.PREPARED, void_at__gt=at).first()
        if export is None or not _himself(claim, export.request.customer, at):
            raise NotOpened
        copy = _unsealed(export)
        export.state, export.sealed_copy = Export.State.OPENED, b""
        export.save(update_fields=["state", "sealed_copy"])
        _entry(export, "export.opened", f"customer:{export.request.customer.pseudonym}", at)
        return copy


def _himself(claim: Claim, customer: Customer, at: datetime) -> bool:
    if claim.person_id != customer.pk or claim.customer_id != customer.pk or not claim.speaker.interaction.live:
        return False
    proofs = Evidence.objects.filter(claim=claim, kind__in=STRONG, observed_at__lte=at)
    return any(at - (proof.authenticated_at or proof.observed_at) <= FRESH for proof in proofs)


def _locked(export_id: int) -> Export:
    rows = Export.objects.select_for_update(of=("self",)).select_related("request__customer")
    return rows.get(pk=export_id)


def _prepare(found: Export, at: datetime) -> None:
    customer = found.request.customer
    secret = keys.subject_key(str(customer.pseudonym), at=at).secret
    plain = json.dumps(gathered(customer, at), ensure_ascii=False).encode()
    found.sealed_copy = keys.encrypt(secret, plain, context=_context(found))
    found.state, found.void_at, found.due_at = Export.State.PREPARED, at + KEPT, at + KEPT
    found.save()
    _entry(found, "export.prepared", "system:cases.exports", at)


def _throw_away(found: Export, at: datetime) -> None:
    found.state, found.sealed_copy = Export.State.VOID, b""
    found.save()
    _entry(found, "export.void", "system:cases.exports", at)


def _put_off(export_id: int, at: datetime) -> None:
    with transaction.atomic():
        found = _locked(export_id)
        found.attempts = min(found.attempts + 1, 1000)
        found.due_at = at + min(timedelta(seconds=30) * 2 ** min(found.attempts, 8), LONGEST_WAIT)
        found.save(update_fields=["attempts", "due_at"])


def _unsealed(export: Export) -> dict[str, Any]:
    key = keys.find(str(export.request.customer.pseudonym))
    if key is None:
        raise NotOpened
    copy: dict[str, Any] = json.loads(keys.decrypt(key.secret, bytes(export.sealed_copy), context=_context(export)))
    return copy


def _context(export: Export) -> str:
    return f"export:{export.request.public_id}"


def gathered(customer: Customer, at: datetime) -> dict[str, Any]:
    """Return all that is held about a customer, as JSON values. Secrets and what is about others are not his data."""
    return {
        "at": at.isoformat(),
        "record": whole(customer, at),
        "contacts": [_contact(each) for each in customer.contacts.order_by("pk")],
        "holds": [
            {"kind": each.kind, "since": each.held_at.isoformat()} for each in Hold.objects.filter(customer=customer)
        ],
        "done": [_decided(each) for each in Grant.objects.filter(customer=customer).order_by("decided_at")],
        "refused": [_decided(each) for each in Refusal.objects.filter(customer=customer).order_by("decided_at")],
        "cases": [_case(each) for each in Case.objects.filter(customer=customer).order_by("opened_at")],
        "money": [
            {"amount": each.amount, "currency": each.currency, "reason": each.reason}
            for kind in (Refund, Goodwill)
            for each in kind.objects.filter(customer=customer).order_by("pk")
        ],
    }


def _contact(each: ContactChange) -> dict[str, str]:
    return {"kind": each.kind, "value": each.value, "since": each.effective_at.isoformat()}


def _decided(each: Grant | Refusal) -> dict[str, str]:
    return {"action": each.action, "at": each.decided_at.isoformat(), "level": Level(each.held).name}


def _case(each: Case) -> dict[str, Any]:
    asked = each.questions.select_related("answer").order_by("pk")
    pairs = [{"question": one.text, "answer": one.answer.text if hasattr(one, "answer") else None} for one in asked]
    return {"opened": each.opened_at.isoformat(), "state": str(each.state), "questions": pairs}


def _entry(export: Export, kind: str, actor: str, at: datetime) -> None:
    customer = export.request.customer
    record(
        kind=kind,
        actor=actor,
        subject=str(customer.pseudonym),
        at=at,
        outcome="ok",
        purpose="give the customer a copy of his data",
        organisation=str(customer.organisation_id),
        facts={"export": str(export.request.public_id)},
    )
