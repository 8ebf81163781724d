"""The printed slip: the matter in words with a short form of its digest, signed by hand, confirmed by a second clerk.

The short form joins paper and matter: the second clerk types it from the slip that he holds, and where a word of
the matter was changed after the print, it no longer fits.
"""

from __future__ import annotations

import hmac
import re
from datetime import datetime
from uuid import UUID

from django.db import transaction

from audit.log import record
from verification.evidence import identity_of, see_signed_slip
from verification.models import Claim, Interaction, Staff
from verification.scene import claims_of_all
from visits import approving, desk, parked
from visits.confirming import subject_of
from visits.models import Visit, VisitEvent
from visits.parked import Matter, NotOpen
from visits.whose import serves

LETTERS = 12


class Differs(ValueError):
    """Tell that the short form on the slip is not that of the matter that waits."""


def short(digest: str) -> str:
    """Return the short form of a digest, twelve letters in groups of four (48 bits), as a slip bears it."""
    text = digest[:LETTERS].upper()
    return "-".join(text[start : start + 4] for start in range(0, LETTERS, 4))


def printed(visit: Visit, *, by: Staff, at: datetime, speaker: UUID | None = None) -> Matter:
    """Return the matter for a speaker's slip, and note that one was printed. Raises desk.NotHere and NotOpen."""
    with transaction.atomic():
        here = desk.at_desk(visit, by=by, speaker=speaker)
        matter = parked.awaits_approval(visit, here, at, speaker=speaker)
        if matter is None:
            raise NotOpen("NONE")
        desk.event(visit, VisitEvent.Kind.SLIP, by=by, at=at, interaction=here, matter=short(matter.digest))
        return matter


def waiting(by: Staff, *, at: datetime) -> list[tuple[Visit, Claim]]:
    """Return the visits whose slip was printed, each with a speaker whose yes waits for a second clerk.

    Only those for which `by` may be he.
    """
    found = [(_with_slip(here), claim) for here in desk.open_desks(by) for claim in claims_of_all(here)]
    return [(visit, claim) for visit, claim in found if visit is not None and _needs(visit, claim, by, at)]


def confirm(interaction_id: UUID, typed: str, *, by: Staff, at: datetime, speaker: UUID | None = None) -> None:
    """Note that a second clerk holds a speaker's signed slip with this short form. One that doesn't fit is noted too.

    Raises Differs, NotOpen, evidence.NotSeen and interactions.Ended.
    """
    with transaction.atomic():
        here = Interaction.objects.select_for_update().get(public_id=interaction_id, organisation=by.organisation_id)
        visit = _with_slip(here)
        matter = parked.awaits_approval(visit, here, at, speaker=speaker) if visit is not None else None
        if visit is None or matter is None:
            raise NotOpen("NONE")
        fits = hmac.compare_digest(_typed(typed).encode(), _typed(short(matter.digest)).encode())
        if fits:
            see_signed_slip(interaction_id, by=by, approves=matter.digest, at=at, speaker=speaker)
        _entry(visit, matter, by, at, "ok" if fits else "differs")
    if not fits:
        raise Differs


def _with_slip(here: Interaction) -> Visit | None:
    event = VisitEvent.objects.filter(interaction=here, kind=VisitEvent.Kind.SLIP).select_related("visit__office")
    found = event.order_by("-pk").first()
    return found.visit if found else None


def _needs(visit: Visit, claim: Claim, by: Staff, at: datetime) -> bool:
    here, first = approving.here_of(visit), identity_of(claim)
    if here is None or first is None or first.observed_by_id == by.pk or not serves(visit, claim):
        return False
    return parked.awaits_approval(visit, here, at, speaker=claim.speaker.public_id) is not None


def _typed(text: str) -> str:
    return re.sub(r"[\s-]", "", text).upper()


def _entry(visit: Visit, matter: Matter, by: Staff, at: datetime, outcome: str) -> None:
    record(
        kind="visit.slip_seen",
        actor=by.actor,
        subject=subject_of(visit),
        at=at,
        outcome=outcome,
        purpose="make sure that the customer approved exactly what is done",
        organisation=str(visit.organisation_id),
        facts={"visit": str(visit.public_id), "action": matter.action.name, "approves": matter.digest},
    )
