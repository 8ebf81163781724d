"""Signals: what makes us careful. They raise what a sensitive action requires, and can do nothing else."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Exists, OuterRef

from verification.models import Claim, ContactChange, Customer, Interaction, Refusal, Signal
from verification.policy import Policy, Raise

CARRIES_PROOF = (ContactChange.Kind.PHONE, ContactChange.Kind.EMAIL)


def seen(customer: Customer, interaction: Interaction | None, *, policy: Policy, at: datetime) -> list[str]:
    """Return the kinds of signals that count at `at` in this customer's matters, in the order of their names."""
    found = {kind for kind in policy.signals if _noted(customer, kind, policy.signals[kind], at)}
    found |= {
        kind for kind, count in COUNTED.items() if kind in policy.signals and count(customer, interaction, policy, at)
    }
    return sorted(found)


def note(customer: Customer, kind: str, *, interaction: Interaction | None, at: datetime) -> Signal:
    """Write down something that was noticed, inside the caller's transaction."""
    return Signal.objects.create(customer=customer, kind=kind, interaction=interaction, seen_at=at)


def _noted(customer: Customer, kind: str, policy: Raise, at: datetime) -> bool:
    if kind not in Signal.Kind.values:
        return False
    noted = Signal.objects.filter(customer=customer, kind=kind, seen_at__gt=at - policy.lasts, seen_at__lte=at)
    return noted.count() >= policy.times


def _new_contact(customer: Customer, _here: Interaction | None, policy: Policy, at: datetime) -> bool:
    """Tell whether a contact that can carry proof took another's place lately; the first of its kind replaces none."""
    since = at - policy.signals["NEW_CONTACT"].lasts
    changed = customer.contacts.in_force(at).filter(kind__in=CARRIES_PROOF, effective_at__gt=since)
    earlier = customer.contacts.filter(kind=OuterRef("kind"), recorded_at__lt=OuterRef("recorded_at"))
    return changed.filter(Exists(earlier)).exists()


def _many_refusals(customer: Customer, _here: Interaction | None, policy: Policy, at: datetime) -> bool:
    limit = policy.signals["MANY_REFUSALS"]
    refused = Refusal.objects.filter(customer=customer, decided_at__gt=at - limit.lasts, decided_at__lte=at)
    return refused.values("interaction_id").distinct().count() >= limit.times


def _several_claims(_customer: Customer, here: Interaction | None, policy: Policy, at: datetime) -> bool:
    if here is None:
        return False
    claims = Claim.objects.filter(speaker__interaction=here, claimed_at__lte=at)
    return claims.values("mark").distinct().count() >= policy.signals["SEVERAL_CLAIMS"].times


def _several_staff(customer: Customer, _here: Interaction | None, policy: Policy, at: datetime) -> bool:
    limit = policy.signals["SEVERAL_STAFF"]
    asked = Refusal.objects.filter(customer=customer, decided_at__gt=at - limit.lasts, decided_at__lte=at)
    return asked.filter(asked_by__isnull=False).values("asked_by_id").distinct().count() >= limit.times


COUNTED = {
    "NEW_CONTACT": _new_contact,
    "MANY_REFUSALS": _many_refusals,
    "SEVERAL_CLAIMS": _several_claims,
    "SEVERAL_STAFF": _several_staff,
}
