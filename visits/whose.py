"""Whose visit it is: the number that was named when it was booked, against what is claimed at the desk now.

Compared by the number's mark, so that a number that is nobody's is treated as any other: the desk must not tell them
apart before a document has agreed with a record.
"""

from __future__ import annotations

from django.db.models import Q

from verification.models import Claim
from visits.models import Visit, VisitEvent


def mark_of(claim: Claim | None) -> str:
    """Return the mark of the number that a claim stands for, or "" when none was named.

    The claim with which a check-in begins names nothing by itself: it stands for what the visit was booked with.
    """
    if claim is None:
        return ""
    return claim.mark if claim.source != Claim.Source.VISIT else mark_of(_booked(claim))


def speaker_mark_of(claim: Claim | None) -> str:
    """Return the mark of the number of the one who stands at the desk: a representative's own, else the customer's.

    It is his document that is compared, so his failed comparisons are counted by it.
    """
    if claim is None:
        return ""
    return claim.person_mark if claim.source != Claim.Source.VISIT else speaker_mark_of(_booked(claim))


def _booked(claim: Claim) -> Claim | None:
    received = Visit.objects.filter(events__interaction=claim.speaker.interaction_id).select_related("grant__claim")
    visit = received.first()
    return visit.grant.claim if visit else None


def named(visit: Visit) -> bool:
    """Tell whether a number was named when the visit was booked, somebody's or nobody's."""
    return visit.customer_id is not None or bool(mark_of(visit.grant.claim))


def serves(visit: Visit, claim: Claim | None) -> bool:
    """Tell whether the visit may serve who is claimed: the one it was booked for; anybody, when nobody was named."""
    if not named(visit):
        return True
    return claim is not None and claim.customer_id == visit.customer_id and mark_of(claim) == mark_of(visit.grant.claim)


def contacts_about(mark: str) -> Q:
    """Select rows by their `interaction`: those in which this number was named, at the desk or when booking it.

    Also as the number of the one who spoke for another.
    """
    at_desk = Claim.objects.filter(Q(mark=mark) | Q(person_mark=mark)).values("speaker__interaction")
    named = Q(visit__grant__claim__mark=mark) | Q(visit__grant__claim__person_mark=mark)
    booked = VisitEvent.objects.filter(named, interaction__isnull=False)
    return Q(interaction__in=at_desk) | Q(interaction__in=booked.values("interaction"))
