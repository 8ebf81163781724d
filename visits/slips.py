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
from verification.evidence import see_signed_slip
from verification.models import Interaction, Staff
from visits import approving, desk, parked
from visits.confirming import subject_of
from visits.models import Visit, VisitEvent
from visits.parked import Matter, NotOpen

LETTERS = 12


class Differs(ValueError):
    """Tell that the short form on the slip is not that of the matter that waits."""


def short(digest: str) -> str:
    """Return the short form of a digest, twelve letters in groups of four (48 bits), as a slip bears it."""
    text = digest[:LETTERS].upper()
    return "-".join(text[start : start + 4] for start in range(0, LETTERS, 4))


def printed(visit: Visit, *, by: Staff, at: datetime) -> Matter:
    """Return the matter for a slip, and note that one was printed. Raises desk.NotHere and NotOpen."""
    with transaction.atomic():
        here = desk.at_desk(visit, by=by)
        matter = parked.awaits_approval(visit, here, at)
        if matter is None:
            raise NotOpen("NONE")
        desk.event(visit, VisitEvent.Kind.SLIP, by=by, at=at, interaction=here, matter=short(matter.digest))
        return matter


def waiting(by: Staff, *, at: datetime) -> list[Visit]:
    """Return the visits whose slip was printed and whose matter waits for a second clerk, if `by` may be he."""
    found = [_with_slip(each) for each in desk.open_desks(by)]
    return [visit for visit in found if visit is not None and _needs(visit, by, at)]


def confirm(interaction_id: UUID, typed: str, *, by: Staff, at: datetime) -> None:
    """Note that a second clerk holds the signed slip with this short form. A slip that doesn't fit is noted too.

    Raises Differs, NotOpen, evidence.NotSeen and interactions.Ended.
    """
    with transaction.atomic():
        here = Interaction.objects.select_for_update().get(public_id=interaction_id, organisation=by.organisation_id)
        visit = _with_slip(here)
        matter = parked.awaits_approval(visit, here, at) if visit is not None else None
        if visit is None or matter is None:
            raise NotOpen("NONE")
        fits = hmac.compare_digest(_typed(typed).encode(), _typed(short(matter.digest)).encode())
        if fits:
            see_signed_slip(interaction_id, by=by, approves=matter.digest, at=at)
        _entry(visit, matter, by, at, "ok" if fits else "differs")
    if not fits:
        raise Differs


def _with_slip(here: Interaction) -> Visit | None:
    event = VisitEvent.objects.filter(interaction=here, kind=VisitEvent.Kind.SLIP).select_related("visit__office")
    found = event.order_by("-pk").first()
    return found.visit if found else None


def _needs(visit: Visit, by: Staff, at: datetime) -> bool:
    here = approving.here_of(visit)
    first = desk.identity_seen(here) if here is not None else None
    if here is None or first is None or first.observed_by_id == by.pk:
        return False
    return parked.awaits_approval(visit, here, at) is not None


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
