"""Who stands at the gate: the origin of an attempt, loaded and locked, with the evidence that counts for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from uuid import UUID

from audit import tail
from verification.decisions import Following, Live, OfBatch, OfProposal, Origin
from verification.levels import Fact
from verification.models import Batch, Claim, Customer, Evidence, Grant, Interaction, Proposal, Staff


@dataclass(frozen=True)
class Scene:
    """The parties of one attempt. Everything here was read inside the gate's transaction, under the origin's lock."""

    origin: str
    by: Staff | None = None
    interaction: Interaction | None = None
    claim: Claim | None = None
    batch: Batch | None = None
    follows: Grant | None = None
    proposal: Proposal | None = None
    task: str = ""

    @property
    def customer(self) -> Customer | None:
        if self.follows is not None:
            return self.follows.customer
        return self.claim.customer if self.claim else None

    @property
    def actor(self) -> str:
        if self.task:
            return f"system:{self.task}"
        if self.by is not None:
            return self.by.actor
        return self.interaction.actor if self.interaction else "caller:unknown"

    @property
    def subject(self) -> str:
        """Return the pseudonym under whose key the personal part of the log's entry is kept."""
        for party in (self.customer, self.interaction):
            if party is not None:
                return str(party.pseudonym)
        return f"batch:{self.batch.public_id}" if self.batch else "nobody"

    @property
    def organisation_id(self) -> int | None:
        for party in (self.interaction, self.batch, self.follows, self.proposal):
            if party is not None:
                return party.organisation_id
        return None

    @property
    def organisation(self) -> str:
        return str(self.organisation_id or "")

    @property
    def channel(self) -> str:
        return self.interaction.channel if self.interaction else ""

    @property
    def keypad(self) -> str:
        return self.interaction.keypad if self.interaction else ""

    @cached_property
    def unsequenced(self) -> timedelta:
        """Return how long the log's first entry without a leaf has been waiting; asked once, however much is judged."""
        return tail.age()


def load(origin: Origin) -> Scene:
    """Load and lock the origin. What is not found is left empty, which the gate refuses."""
    match origin:
        case Live():
            return _live(origin)
        case OfBatch():
            batch = Batch.objects.select_for_update().filter(public_id=origin.batch_id).first()
            return Scene("batch", by=origin.by, batch=batch)
        case Following():
            grants = Grant.objects.select_for_update(of=("self",)).select_related("customer", "interaction", "claim")
            grant = grants.filter(public_id=origin.grant_id).first()
            interaction, claim = (grant.interaction, grant.claim) if grant else (None, None)
            return Scene("follow", interaction=interaction, claim=claim, follows=grant, task=origin.task)
        case OfProposal():
            return _proposed(origin)


def _live(origin: Live) -> Scene:
    locked = Interaction.objects.select_for_update(of=("self",)).filter(public_id=origin.interaction_id).first()
    if locked is None:
        return Scene("live", by=origin.by)
    return Scene("live", by=origin.by, interaction=locked, claim=current_claim(locked))


def _proposed(origin: OfProposal) -> Scene:
    """Load what was proposed with the parties of that moment; the contact may have ended since."""
    proposals = Proposal.objects.select_for_update(of=("self",)).select_related("interaction", "claim__customer")
    found = proposals.filter(public_id=origin.proposal_id).first()
    interaction, claim = (found.interaction, found.claim) if found else (None, None)
    return Scene("proposal", by=origin.by, interaction=interaction, claim=claim, proposal=found)


def current_claim(interaction: Interaction) -> Claim | None:
    """Return the newest claim of the interaction's first speaker, its customer loaded, or None."""
    claims = Claim.objects.filter(speaker__interaction=interaction).select_related("customer", "person")
    return claims.order_by("speaker_id", "-pk").first()


def claim_of(interaction: Interaction, speaker: UUID | None) -> Claim | None:
    """Return the newest claim of one speaker, of the first when none is named; None when he has none."""
    if speaker is None:
        return current_claim(interaction)
    claims = Claim.objects.filter(speaker__interaction=interaction, speaker__public_id=speaker)
    return claims.select_related("customer", "person").order_by("-pk").first()


def claims_of_all(interaction: Interaction) -> list[Claim]:
    """Return the newest claim of every speaker of the interaction: those who act together are heard together."""
    newest: dict[int, Claim] = {}
    for claim in Claim.objects.filter(speaker__interaction=interaction).order_by("speaker_id", "-pk"):
        newest.setdefault(claim.speaker_id, claim)
    return list(newest.values())


def facts(claim: Claim | None, *, since: datetime | None = None) -> list[Fact]:
    """Return the evidence under one claim as facts. Evidence of an earlier claim is void: it hangs on that claim.

    What was observed before `since` doesn't count: the caller was passed on too late to be surely the same.
    """
    if claim is None:
        return []
    seen = Evidence.objects.filter(claim=claim, **({"observed_at__gte": since} if since else {}))
    rows = seen.values_list(
        "kind", "observed_at", "authenticated_at", "rests_on__kind", "rests_on__quarantined_until", "approves"
    )
    return [
        Fact(kind, login or seen_at, leaning or "", until, approves)
        for kind, seen_at, login, leaning, until, approves in rows
    ]
