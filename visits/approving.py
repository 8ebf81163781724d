"""The customer's own yes: at the desk he sees on his page exactly what will be done, and approves it or says no.

A yes on the page is bound to the matter that was shown, to the letter, and to who is claimed at the desk. It is worth
nothing without the identity list, and the gate reckons anew whether it fits what is carried out.
"""

from __future__ import annotations

import hmac
from datetime import datetime

from django.db import transaction

from audit.log import record
from verification.evidence import see_approval_on_page
from verification.models import Interaction
from visits import desk, parked
from visits.confirming import subject_of
from visits.models import Visit, VisitEvent
from visits.parked import Matter
from visits.whose import serves


class Changed(ValueError):
    """Tell that what he saw is not what waits now: nothing was approved, and he looks again."""


def here_of(visit: Visit) -> Interaction | None:
    """Return the live desk contact of a visit that is at the desk, for whom it was booked; else None."""
    here = visit.desk_interaction
    if visit.state != Visit.State.HERE or here is None or not here.live or not serves(visit, desk.claimed(here)):
        return None
    return here


def waiting(visit: Visit, *, at: datetime) -> Matter | None:
    """Return the matter that waits for his approval on the page, or None."""
    here = here_of(visit)
    return parked.awaits_approval(visit, here, at) if here is not None else None


def given(visit: Visit, *, at: datetime) -> Matter | None:
    """Return the matter at the desk that he has approved, or None."""
    here = here_of(visit)
    matter = parked.opened(visit, here, at) if here is not None else None
    return (
        matter if here is not None and matter and matter.action.linked and parked.approved(here, matter, at) else None
    )


def approve(visit: Visit, shown: str, *, at: datetime) -> Matter:
    """Note that he approved the matter whose digest his page showed. Raises Changed, NotSeen and Ended."""
    with transaction.atomic():
        here, matter = _same(visit, shown, at)
        see_approval_on_page(here.public_id, approves=matter.digest, at=at)
        return matter


def take_back(visit: Visit, shown: str, *, at: datetime) -> None:
    """Note that the matter is not right: it is closed at this desk until it is asked for anew. Raises Changed."""
    with transaction.atomic():
        here, matter = _same(visit, shown, at)
        VisitEvent.objects.create(
            visit=visit, kind=VisitEvent.Kind.NOT_RIGHT, at=at, interaction=here, detail={"matter": matter.digest}
        )
        record(
            kind="visit.not_right",
            actor=f"customer:{subject_of(visit)}",
            subject=subject_of(visit),
            at=at,
            outcome="ok",
            purpose="do nothing that the customer did not mean",
            organisation=str(visit.organisation_id),
            facts={"visit": str(visit.public_id), "action": matter.action.name, "approves": matter.digest},
        )


def _same(visit: Visit, shown: str, at: datetime) -> tuple[Interaction, Matter]:
    """Return the desk, locked, and what waits there, if it is what he saw: of a yes and a no at once, one counts."""
    here = here_of(visit)
    if here is None:
        raise Changed
    locked = Interaction.objects.select_for_update().get(pk=here.pk)
    matter = waiting(visit, at=at)
    if matter is None or not hmac.compare_digest(matter.digest.encode(), shown.encode()):
        raise Changed
    return locked, matter
