"""Proposals: what one person asked and a second one decides. Judged while the caller is live, and once more then."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction

from audit import keys
from audit.log import record
from verification import canonical, records
from verification.attempts import Attempt
from verification.declarations import declared
from verification.models import Proposal, ProposalEnd, Staff


class Decided(RuntimeError):
    """Tell that a proposal has been decided or has run out."""


class NotYours(PermissionError):
    """Refuse who may not decide: the proposer himself, the customer's kin, another role, an account of yesterday."""


class Lost(LookupError):
    """Tell that what was proposed can't be read any more: the customer's key was erased, or the field key changed."""


def propose(asked: Attempt) -> Proposal:
    """Write the proposal and its entry, in the gate's transaction; its parameters sealed under the subject's key."""
    public_id = uuid4()
    expires_at = asked.at + asked.policy.proposal
    uid = records.entry(
        asked, "gate.proposed", "proposed", {"proposal": str(public_id), "until": expires_at.isoformat()}
    )
    secret = keys.subject_key(asked.scene.subject, at=asked.at).secret
    plain = json.dumps(canonical.plain(asked.parameters)).encode()
    return Proposal.objects.create(
        public_id=public_id,
        entry=uid,
        sealed_parameters=keys.encrypt(secret, plain, context=f"proposal:{public_id}"),
        expires_at=expires_at,
        **records.decision(asked),
    )


def parameters_of(proposal: Proposal) -> dict[str, Any]:
    """Return what was proposed, as a form takes it. Raises Lost, so that nothing is decided that can't be read."""
    party = proposal.customer or proposal.interaction
    try:
        key = keys.find(str(party.pseudonym)) if party else None
        if key is None:
            raise Lost
        sealed = keys.decrypt(key.secret, bytes(proposal.sealed_parameters), context=f"proposal:{proposal.public_id}")
    except keys.Unreadable as error:
        raise Lost from error
    plain: dict[str, Any] = json.loads(sealed)
    return plain


def waiting_for(by: Staff, at: datetime) -> list[Proposal]:
    """Return what this person may decide now, the oldest first: nothing of his own, of his kin, or of another house."""
    if not by.is_active or not by.seasoned(at):
        return []
    rows = Proposal.objects.waiting(at).filter(organisation_id=by.organisation_id).order_by("decided_at")
    related = rows.select_related("asked_by", "claim", "customer", "interaction")
    return [each for each in related if may_decide(each, by, at)]


def may_decide(proposal: Proposal, by: Staff, at: datetime) -> bool:
    """Tell whether this person may be the second: the gate asks all of it again when he decides."""
    action = declared(proposal.action)
    suited = action is not None and by.is_active and by.role in action.approvers and by.seasoned(at)
    same_house = proposal.organisation_id == by.organisation_id
    return suited and same_house and proposal.asked_by_id not in (None, by.pk) and by.may_serve(proposal.customer)


def approved(proposal: Proposal, *, by: Staff | None, at: datetime) -> None:
    """Write that the second person agreed, in the transaction of the grant."""
    ProposalEnd.objects.create(proposal=proposal, outcome=ProposalEnd.Outcome.APPROVED, ended_at=at, by=by)


def reject(proposal_id: UUID, *, by: Staff, because: str, at: datetime) -> ProposalEnd:
    """Say no to a proposal, with a reason for the one who asked. Raises Decided or NotYours."""
    with transaction.atomic():
        found = Proposal.objects.select_for_update(of=("self",)).get(public_id=proposal_id)
        if not may_decide(found, by, at):
            raise NotYours
        if ProposalEnd.objects.filter(proposal=found).exists() or found.expires_at <= at:
            raise Decided
        return _end(found, ProposalEnd.Outcome.REJECTED, "gate.rejected", by, because, at)


def sweep(at: datetime) -> int:
    """End the proposals that nobody decided in time, each with its entry. Safe to repeat. Returns how many."""
    ended = 0
    for pk in Proposal.objects.filter(end__isnull=True, expires_at__lte=at).values_list("pk", flat=True)[:200]:
        with transaction.atomic():
            found = Proposal.objects.select_for_update(of=("self",)).get(pk=pk)
            if not ProposalEnd.objects.filter(proposal=found).exists():
                _end(found, ProposalEnd.Outcome.EXPIRED, "gate.proposal_expired", None, "", at)
                ended += 1
    return ended


def _end(found: Proposal, outcome: str, kind: str, by: Staff | None, because: str, at: datetime) -> ProposalEnd:
    party = found.customer or found.interaction
    record(
        kind=kind,
        actor=by.actor if by else "system:verification.sweep",
        subject=str(party.pseudonym) if party else "nobody",
        at=at,
        outcome=outcome.lower(),
        purpose="have a second person decide",
        organisation=str(found.organisation_id or ""),
        facts={"proposal": str(found.public_id), "action": found.action},
        personal={"because": because} if because else None,
    )
    return ProposalEnd.objects.create(proposal=found, outcome=outcome, ended_at=at, by=by, because=because[:200])
