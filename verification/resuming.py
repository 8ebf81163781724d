"""Going on with a call that was cut off: the same person, minutes later, proven anew by the same strong road.

Nothing that was proved in the dropped call counts in the new one. What is carried over is only what it was about, so
that the caller needn't tell it twice.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from audit.log import record
from verification import levels
from verification.interactions import Ended, Taken
from verification.levels import Fact, Level
from verification.models import Claim, Evidence, Interaction, Staff
from verification.policy import current
from verification.scene import current_claim, facts

# The strong roads, by what they leave: the same road again may give another level than the first time.
ROADS: Final[dict[str, str]] = {
    Evidence.Kind.E_ID_SUBSTANTIAL: "E_ID",
    Evidence.Kind.E_ID_HIGH: "E_ID",
    Evidence.Kind.CIBA_SUBSTANTIAL: "CIBA",
    Evidence.Kind.CIBA_HIGH: "CIBA",
    Evidence.Kind.PASSKEY: "PASSKEY",
}


class NothingToResume(LookupError):
    """Refuse to go on: there is no call that was cut off lately, or it isn't shown that this is the same person."""


def offered(interaction: Interaction, *, at: datetime) -> Interaction | None:
    """Return the call that this one may go on with, or None.

    It ended within the time that a transfer may take, it spoke of the same customer in the same capacity, and both
    speakers proved to be the same person by the same strong road.
    """
    claim = current_claim(interaction)
    if not interaction.live or interaction.resumes_id is not None or claim is None or claim.person_id is None:
        return None
    here = roads(facts(claim, since=interaction.evidence_from), at)
    dropped = _dropped(interaction, claim, at) if here else None
    return dropped.speaker.interaction if dropped and here & _roads_at_its_end(dropped) else None


def resume(interaction_id: UUID, *, by: Staff, at: datetime) -> Interaction:
    """Tie a contact to the dropped one, for who serves it; return that one. Raises NothingToResume, Taken or Ended."""
    with transaction.atomic():
        found = Interaction.objects.select_for_update(of=("self",)).get(public_id=interaction_id)
        if not found.live:
            raise Ended
        if found.served_by_id != by.pk:
            raise Taken
        dropped = offered(found, at=at)
        if dropped is None:
            raise NothingToResume
        found.resumes = dropped
        found.save(update_fields=["resumes"])
        _entry(found, dropped, by, at)
        return dropped


def resumed(interaction: Interaction, *, at: datetime) -> Interaction | None:
    """Return the dropped call while it may be looked into: the same person is still claimed, and still proven."""
    claim = current_claim(interaction)
    if interaction.resumes is None or claim is None or not roads(facts(claim, since=interaction.evidence_from), at):
        return None
    before = current_claim(interaction.resumes)
    return interaction.resumes if before and _who(before) == _who(claim) else None


def roads(seen: list[Fact], at: datetime) -> set[str]:
    """Return the strong roads that gave SUBSTANTIAL or more, and still do at `at`."""
    policy = current()
    worth = {kind: value for kind, value in policy.worth.items() if kind in ROADS}
    return {
        ROADS[fact.kind]
        for fact in seen
        if levels.held([fact], worth=worth, together=(), at=at).level >= Level.SUBSTANTIAL
    }


def _dropped(interaction: Interaction, claim: Claim, at: datetime) -> Claim | None:
    earlier = Claim.objects.filter(
        customer_id=claim.customer_id or 0,
        person_id=claim.person_id or 0,
        capacity=claim.capacity,
        speaker__interaction__organisation_id=interaction.organisation_id,
        speaker__interaction__channel=Interaction.Channel.PHONE,
        speaker__interaction__ended_at__gte=at - current().transfer,
        speaker__interaction__ended_at__lte=at,
    )
    newest = earlier.select_related("speaker__interaction").order_by("-speaker__interaction__ended_at", "-pk").first()
    last = current_claim(newest.speaker.interaction) if newest else None
    return newest if newest and last and last.pk == newest.pk else None  # what it had been about before doesn't count


def _roads_at_its_end(dropped: Claim) -> set[str]:
    before = dropped.speaker.interaction
    return roads(facts(dropped, since=before.evidence_from), before.ended_at) if before.ended_at else set()


def _who(claim: Claim) -> tuple[int | None, int | None, str]:
    return claim.customer_id, claim.person_id, claim.capacity


def _entry(found: Interaction, dropped: Interaction, by: Staff, at: datetime) -> None:
    record(
        kind="interaction.resumed",
        actor=by.actor,
        subject=str(found.pseudonym),
        at=at,
        outcome="ok",
        purpose="go on with a call that was cut off",
        organisation=str(found.organisation_id),
        facts={"interaction": str(found.public_id), "resumes": str(dropped.public_id)},
    )
