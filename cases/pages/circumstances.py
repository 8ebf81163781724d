"""What the caller told of himself that changes how we go on: what he can't use, and that his call was cut off."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from cases.models import Case
from cases.pages.access import person, served, serving
from cases.pages.story import label_of
from verification import interactions, resuming, signals
from verification.levels import Held, Level
from verification.models import Claim, Interaction, ParkedMatter, Refusal
from verification.policy import current
from verification.reasons import Reason


def shown(found: Interaction, claim: Claim | None, held: Held, at: datetime) -> dict[str, Any]:
    """Return what the page says of the caller's circumstances; of a dropped call only once he is proven anew."""
    proven = held.level >= Level.SUBSTANTIAL
    dropped = resuming.resumed(found, at=at) if proven else None
    return {
        "may_say": [(value, label, value in found.said) for value, label in Interaction.Said.choices],
        "cut_off": resuming.offered(found, at=at) if proven else None,
        "dropped": _about(dropped) if dropped else None,
        "careful": careful(found, claim, held, at),
    }


def careful(found: Interaction, claim: Claim | None, held: Held, at: datetime) -> list[str]:
    """Return what makes us careful with this customer, in words; nothing before the caller has proved who he is."""
    if held.level < Level.LOW or claim is None or claim.customer is None:
        return []
    return [str(signals.LABELS[kind]) for kind in signals.seen(claim.customer, found, policy=current(), at=at)]


def _about(dropped: Interaction) -> dict[str, Any]:
    """Return what a dropped call was about: what was refused, what waits to be confirmed, which cases are open."""
    refused = Refusal.objects.filter(interaction=dropped).order_by("decided_at")
    parked = ParkedMatter.objects.filter(refusal__interaction=dropped).select_related("refusal")
    cases = Case.objects.filter(interaction=dropped, closing__isnull=True).prefetch_related("questions")
    return {
        "ended_at": dropped.ended_at,
        "refused": [(label_of(each.action), Reason(each.reason).label) for each in refused],
        "parked": sorted({label_of(each.refusal.action) for each in parked}),
        "questions": [question.text for case in cases for question in case.questions.all()],
    }


@serving
@require_POST
def said(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Note what the caller says that he can't use."""
    served(request, public_id)
    try:
        words = frozenset(request.POST.getlist("said"))
        interactions.say_cannot(public_id, said=words, by=person(request), at=timezone.now())
    except interactions.Ended:
        messages.info(request, _("The contact has ended already."))
    else:
        messages.success(request, _("Noted. Only ways that he can use are offered now."))
    return redirect("admin:interaction", public_id)


@serving
@require_POST
def resume(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Go on with the call that was cut off."""
    served(request, public_id)
    try:
        resuming.resume(public_id, by=person(request), at=timezone.now())
    except (resuming.NothingToResume, interactions.Ended):
        messages.info(request, _("There is no call to go on with any more."))
    else:
        messages.success(request, _("You see what the call that was cut off was about. Its proof counts no more."))
    return redirect("admin:interaction", public_id)
