"""What a person approved is done once: an approval that was used approves nothing any more (RTS 2018/389 art. 5)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from verification import levels
from verification.levels import Fact
from verification.models import Claim, Grant, Proposal, ProposalEnd
from verification.policy import Policy

UNDONE = (ProposalEnd.Outcome.REJECTED, ProposalEnd.Outcome.EXPIRED)


def unused(
    claim: Claim | None,
    facts: Iterable[Fact],
    digest: str,
    *,
    policy: Policy,
    at: datetime,
    youngest_than: timedelta | None = None,
) -> bool:
    """Tell whether some approval of exactly this, of this speaker, still counts and has not been used up."""
    given = levels.approvals(facts, digest, worth=dict(policy.worth), at=at, youngest_than=youngest_than)
    return bool(given) and claim is not None and len(given) > _uses(claim, digest, since=min(given))


def _uses(claim: Claim, digest: str, *, since: datetime) -> int:
    """Count what was done or proposed in this contact under the same digest since the first of the approvals."""
    same = {
        "interaction_id": claim.speaker.interaction_id,
        "customer_id": claim.customer_id,
        "parameters_hash": digest,
        "decided_at__gte": since,
    }
    done = Grant.objects.filter(proposal__isnull=True, **same).count()
    return done + Proposal.objects.filter(**same).exclude(end__outcome__in=UNDONE).count()
