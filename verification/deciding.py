"""What a second person is shown before he decides: exactly what was asked, on what proof, and what counts now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from audit.log import record
from verification import proposals, shown_parameters, signals
from verification.declarations import Declaration, declared
from verification.levels import Level
from verification.models import ClosedAccount, Evidence, Hold, Proposal, ProposalEnd, Signal, Staff
from verification.policy import current

COUNTED_SIGNALS = {
    "NEW_CONTACT": gettext_lazy("a contact changed lately"),
    "MANY_REFUSALS": gettext_lazy("many refusals in his name"),
    "SEVERAL_CLAIMS": gettext_lazy("several customers were named in one contact"),
    "SEVERAL_STAFF": gettext_lazy("several of us were asked"),
}


@dataclass(frozen=True)
class Brief:
    """One proposal as the second person reads it. `particulars` are what was asked, or None when it can't be read."""

    proposal: Proposal
    action: Declaration | None
    particulars: list[tuple[str, str]] | None
    level: str
    evidence: list[Evidence]
    holds: list[str]
    signals: list[str]


def brief(proposal_id: UUID, *, by: Staff, at: datetime) -> Brief:
    """Return what this person may see of a proposal, and log that he read it. Raises Proposal.DoesNotExist, NotYours.

    Whoever proposed it may read it too; nobody reads a matter of his own family.
    """
    with transaction.atomic():
        rows = Proposal.objects.select_related("asked_by", "claim", "customer", "interaction")
        found = rows.get(public_id=proposal_id, organisation_id=by.organisation_id)
        if not by.may_serve(found.customer) or not _reads(found, by, at):
            raise proposals.NotYours
        _entry(found, by, at)
        return Brief(
            proposal=found,
            action=declared(found.action),
            particulars=_particulars(found),
            level=Level(found.held).label,
            evidence=_evidence(found),
            holds=_holds(found, at),
            signals=_signals(found, at),
        )


def outcome(proposal: Proposal, at: datetime) -> str:
    """Say how far a proposal is, in the active language."""
    end = ProposalEnd.objects.filter(proposal=proposal).first()
    if end is not None:
        return str(ProposalEnd.Outcome(end.outcome).label)
    return str(ProposalEnd.Outcome.EXPIRED.label) if proposal.expires_at <= at else _("waits for a second person")


def _reads(proposal: Proposal, by: Staff, at: datetime) -> bool:
    return proposal.asked_by_id == by.pk or proposals.may_decide(proposal, by, at)


def _particulars(proposal: Proposal) -> list[tuple[str, str]] | None:
    try:
        asked = proposals.parameters_of(proposal)
    except proposals.Lost:
        return None
    return shown_parameters.lines(proposal.action, asked)


def _evidence(proposal: Proposal) -> list[Evidence]:
    seen = Evidence.objects.filter(claim=proposal.claim, observed_at__lte=proposal.decided_at)
    return list(seen.order_by("observed_at")) if proposal.claim_id else []


def _holds(proposal: Proposal, at: datetime) -> list[str]:
    customer = proposal.customer
    found = [str(Hold.Kind(hold.kind).label) for hold in Hold.objects.in_force(at).filter(customer=customer)]
    closed = ClosedAccount.objects.filter(customer=customer).exists()
    return [*found, _("the account has been closed")] if closed else found


def _signals(proposal: Proposal, at: datetime) -> list[str]:
    """Name what makes us careful, of the customer and of one who speaks for him, whose own can be the worse."""
    parties = {proposal.customer, proposal.claim.person if proposal.claim else None} - {None}
    policy, here = current(), proposal.interaction
    seen = {kind for each in parties if each for kind in signals.seen(each, here, policy=policy, at=at)}
    known = {kind.value: kind.label for kind in Signal.Kind} | COUNTED_SIGNALS
    return [str(known.get(kind, kind)) for kind in sorted(seen)]


def _entry(proposal: Proposal, by: Staff, at: datetime) -> None:
    party = proposal.customer or proposal.interaction
    record(
        kind="proposal.read",
        actor=by.actor,
        subject=str(party.pseudonym) if party else "nobody",
        at=at,
        outcome="ok",
        purpose="decide as second person on what was asked",
        organisation=str(proposal.organisation_id or ""),
        facts={"proposal": str(proposal.public_id), "action": proposal.action, "role": by.role},
    )
