"""What may be seen of a record. The server masks by the level that the CALLER has reached, whoever the reader is."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from audit.log import record
from verification import authority, levels
from verification.levels import Held, Level
from verification.models import Claim, ClosedAccount, Customer, Grant, Interaction, Staff
from verification.policy import current
from verification.scene import current_claim, facts

OPEN_FOR = timedelta(minutes=30)
LABELS = {
    "name": _("name"),
    "number": _("customer number"),
    "birth_date": _("date of birth"),
    "customer_since": _("customer since"),
    "PHONE": _("phone"),
    "EMAIL": _("e-mail"),
    "ADDRESS": _("postal address"),
    "account": _("account on record"),
}


def standing(interaction: Interaction, at: datetime) -> tuple[Claim | None, Held]:
    """Return the current claim and the level that its evidence gives now; an ended interaction stands at NONE."""
    claim = current_claim(interaction)
    return claim, held_by(claim, interaction, at)


def held_by(claim: Claim | None, interaction: Interaction, at: datetime) -> Held:
    """Return the level that one speaker's evidence gives now; of an ended interaction NONE."""
    if not interaction.live:
        return levels.NOTHING
    policy = current()
    seen = facts(claim, since=interaction.evidence_from)
    return levels.held(seen, worth=dict(policy.worth), together=policy.together, at=at)


def open_record(interaction_id: UUID, *, by: Staff, at: datetime) -> dict[str, str]:
    """Return what this reader may see of the claimed customer, field by field, and log that he looked.

    NONE shows nothing at all; LOW shows masks; the whole shows only after a granted disclosure to this very claim.
    """
    with transaction.atomic():
        interaction = Interaction.objects.select_for_update().get(public_id=interaction_id)
        claim, reached = standing(interaction, at)
        customer = claim.customer if claim else None
        if customer is None or claim is None or reached.level is Level.NONE or not _may_look(interaction, by, customer):
            return {}
        if not authority.known(claim, at):  # proven, and still a stranger to this record
            return {}
        shown = whole(customer, at)
        if not disclosed(claim, reached, at):
            shown = {name: mask(value) for name, value in shown.items()}
        _entry(interaction, customer, by, at, reached, shown, masked=not disclosed(claim, reached, at))
        return shown


def _may_look(interaction: Interaction, by: Staff, customer: Customer) -> bool:
    return (
        by.organisation_id == interaction.organisation_id
        and interaction.served_by_id == by.pk
        and by.may_serve(customer)
        and not ClosedAccount.objects.filter(customer=customer).exists()
    )


def disclosed(claim: Claim, reached: Held, at: datetime) -> bool:
    """Tell whether disclosure was granted to this claim and the level that it needed is still held."""
    granted = Grant.objects.filter(action="disclose_personal_data", claim=claim, decided_at__gt=at - OPEN_FOR)
    return reached.level >= Level.SUBSTANTIAL and granted.exists()


def whole(customer: Customer, at: datetime) -> dict[str, str]:
    """Return every shown field of a record, unmasked. For a granted disclosure and for the mask only."""
    fields = {
        "name": f"{customer.given_names} {customer.family_name}".strip(),
        "number": customer.number,
        "birth_date": customer.birth_date.isoformat() if customer.birth_date else "",
        "customer_since": customer.joined_on.isoformat(),
        "account": customer.account,
    }
    return fields | {change.kind: change.value for change in customer.recorded_contacts(at)}


def mask(value: str) -> str:
    """Return a value with one sign in front and the length hidden: enough to tell fields apart, too little to use."""
    return f"{value[:1]}•••••" if value else ""


def _entry(
    interaction: Interaction,
    customer: Customer,
    by: Staff,
    at: datetime,
    reached: Held,
    shown: dict[str, Any],
    *,
    masked: bool,
) -> None:
    record(
        kind="record.read",
        actor=by.actor,
        subject=str(customer.pseudonym),
        at=at,
        outcome="masked" if masked else "shown",
        purpose="serve the customer in a contact that he took himself",
        organisation=str(customer.organisation_id),
        facts={
            "interaction": str(interaction.public_id),
            "level": reached.level.name,
            "fields": sorted(shown),
            "role": by.role,
        },
    )
