"""Signals: what makes us careful. They raise what a sensitive action requires, and can do nothing else."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from verification.models import Customer, Interaction, Signal
from verification.policy import Policy, Raise

LABELS: Final[dict[str, str | Promise]] = {
    **{kind.value: kind.label for kind in Signal.Kind},
    "NEW_CONTACT": _("his phone or e-mail changed lately"),
    "MANY_REFUSALS": _("somebody was refused again and again in his name"),
    "SEVERAL_CLAIMS": _("several customers were named in this contact"),
    "SEVERAL_STAFF": _("several of us were asked for the same customer"),
}
Part = tuple[str, list[Any]]


def seen(customer: Customer, interaction: Interaction | None, *, policy: Policy, at: datetime) -> list[str]:
    """Return the kinds of signals that count at `at` in this customer's matters, in the order of their names."""
    found = counted(customer, interaction, policy=policy, at=at)
    return sorted(kind for kind, times in found.items() if times >= policy.signals[kind].times)


def note(customer: Customer, kind: str, *, interaction: Interaction | None, at: datetime) -> Signal:
    """Write down something that was noticed, inside the caller's transaction."""
    return Signal.objects.create(customer=customer, kind=kind, interaction=interaction, seen_at=at)


def note_of_claimed(customer: Customer | None, kind: str, *, interaction: Interaction | None, at: datetime) -> None:
    """Write down what was told of a claimed customer, by one statement that is run for nobody too."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO verification_signal (customer_id, interaction_id, kind, seen_at)"
            " SELECT c.id, %s, %s, %s FROM verification_customer c WHERE c.id = %s",
            [
                interaction.pk if interaction else None,
                kind,
                connection.ops.adapt_datetimefield_value(at),
                customer.pk if customer else 0,
            ],
        )


def counted(customer: Customer, here: Interaction | None, *, policy: Policy, at: datetime) -> dict[str, int]:
    """Count everything that the policy speaks of by one statement: every sensitive action of a proven caller pays."""
    parts = [part for kind in sorted(policy.signals) if (part := _part(kind, customer, here, policy.signals[kind], at))]
    if not parts:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            " UNION ALL ".join(sql for sql, _values in parts), [value for _sql, each in parts for value in each]
        )
        return dict(cursor.fetchall())


def _part(kind: str, customer: Customer, here: Interaction | None, limit: Raise, at: datetime) -> Part | None:
    adapt = connection.ops.adapt_datetimefield_value
    since, until = adapt(at - limit.lasts), adapt(at)
    if kind in Signal.Kind.values:
        return _NOTED, [kind, customer.pk, kind, since, until]
    if kind == "SEVERAL_CLAIMS":
        return _CLAIMS, [kind, here.pk if here else 0, until]
    return (COUNTED[kind], [kind, customer.pk, since, until]) if kind in COUNTED else None


_NOTED: Final = (
    "SELECT CAST(%s AS varchar(20)), COUNT(*) FROM verification_signal"
    " WHERE customer_id = %s AND kind = %s AND seen_at > %s AND seen_at <= %s"
)
_CLAIMS: Final = (
    "SELECT CAST(%s AS varchar(20)), COUNT(DISTINCT l.mark) FROM verification_claim l"
    " JOIN verification_speaker s ON s.id = l.speaker_id WHERE s.interaction_id = %s AND l.claimed_at <= %s"
)
_REFUSALS: Final = (
    "SELECT CAST(%s AS varchar(20)), COUNT(DISTINCT {what}) FROM verification_refusal"
    " WHERE customer_id = %s AND decided_at > %s AND decided_at <= %s"
)
COUNTED: Final[dict[str, str]] = {
    # A contact that can carry proof took another's place; the first of its kind replaces none.
    "NEW_CONTACT": (
        "SELECT CAST(%s AS varchar(20)), COUNT(*) FROM verification_contactchange c WHERE c.customer_id = %s"
        " AND c.effective_at > %s AND c.effective_at <= %s AND c.kind IN ('PHONE', 'EMAIL')"
        " AND NOT EXISTS (SELECT 1 FROM verification_contactveto v WHERE v.change_id = c.id)"
        " AND EXISTS (SELECT 1 FROM verification_contactchange e WHERE e.customer_id = c.customer_id"
        " AND e.kind = c.kind AND e.recorded_at < c.recorded_at)"
    ),
    "MANY_REFUSALS": _REFUSALS.format(what="interaction_id"),  # a contact counts once, however often it was refused
    "SEVERAL_STAFF": _REFUSALS.format(what="asked_by_id"),
}
