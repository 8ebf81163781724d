"""What waits for a second person: the list, one page with all that he must know, and his yes or no.

The page decides nothing: the gate asks every rule again when he says yes, and its refusal is shown in its own words.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from cases.pages.access import person, serving, show
from cases.pages.story import label_of
from verification import deciding, proposals, registers
from verification.gate import Decision, Granted, OfProposal, Refused, Unavailable, attempt
from verification.models import Proposal, ProposalEnd, Staff
from verification.reasons import to_staff

SHOWN_FOR = timedelta(days=7)
MOST_SHOWN = 50


class RejectForm(forms.Form):
    """Why it is not to be done, for the one who asked."""

    because = forms.CharField(label=gettext_lazy("the reason, for the one who asked"), max_length=200, min_length=5)


@serving
@require_GET
def waiting(request: HttpRequest) -> HttpResponse:
    """List what waits for the reader's decision, and what he himself has asked for."""
    by, at = person(request), timezone.now()
    context = {
        "title": _("To be decided"),
        "to_decide": [(label_of(each.action), each) for each in proposals.waiting_for(by, at)[:MOST_SHOWN]],
        "asked": [(label_of(each.action), each, deciding.outcome(each, at)) for each in _asked_by(by, at)],
        "decides": by.role == Staff.Role.SUPERVISOR,
    }
    return show(request, "cases/proposals.html", context)


def _asked_by(by: Staff, at: datetime) -> list[Proposal]:
    mine = Proposal.objects.filter(asked_by=by, decided_at__gt=at - SHOWN_FOR)
    return list(mine.select_related("interaction").order_by("-decided_at")[:MOST_SHOWN])


@serving
@require_GET
def proposal(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Show one proposal, and to the second person the two buttons."""
    return _page(request, public_id)


@serving
@require_POST
def approve(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Ask the gate to carry it out, with this person as the second. One form is one attempt."""
    found, by = _found(request, public_id), person(request)
    decision = _decided(found, by, _nonce(request))
    if isinstance(decision, Granted):
        messages.success(request, _("Done: it has been carried out, and the customer is told."))
    elif isinstance(decision, Refused):
        messages.error(request, _("It was not carried out. %(why)s") % {"why": to_staff(decision.refusal.reason)})
    else:
        messages.error(request, _("Nothing was done. Try again in a moment."))
    return redirect("admin:proposal", public_id) if _readable(found, by) else redirect("admin:proposals")


def _decided(found: Proposal, by: Staff, nonce: UUID) -> Decision | None:
    at = timezone.now()
    registers.ask_again(found, by=by, at=at)
    try:
        return attempt(
            found.action,
            origin=OfProposal(found.public_id, by),
            parameters={},
            at=at,
            key=f"form:{by.pk}:{found.public_id}:{nonce}",
        )
    except Unavailable:
        return None


@serving
@require_POST
def reject(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Say no, with a reason for the one who asked."""
    found, by, form = _found(request, public_id), person(request), RejectForm(request.POST)
    if not form.is_valid():
        return _page(request, public_id, form=form, status=400)
    try:
        proposals.reject(found.public_id, by=by, because=form.cleaned_data["because"], at=timezone.now())
    except proposals.NotYours:
        raise PermissionDenied from None
    except proposals.Decided:
        messages.warning(request, _("It was decided already, or nobody decided in time."))
    else:
        messages.success(request, _("Rejected. The one who asked sees your reason in the contact."))
    return redirect("admin:proposals")


def _page(request: HttpRequest, public_id: UUID, *, form: RejectForm | None = None, status: int = 200) -> HttpResponse:
    by, at = person(request), timezone.now()
    try:
        brief = deciding.brief(public_id, by=by, at=at)
    except Proposal.DoesNotExist:
        raise Http404 from None
    except proposals.NotYours:
        raise PermissionDenied from None
    return show(request, "cases/proposal.html", _context(brief, by, at, form or RejectForm()), status=status)


def _context(brief: deciding.Brief, by: Staff, at: datetime, form: RejectForm) -> dict[str, Any]:
    found = brief.proposal
    end = ProposalEnd.objects.select_related("by").filter(proposal=found).first()
    open_now = end is None and found.expires_at > at
    return {
        "title": label_of(found.action),
        "brief": brief,
        "proposal": found,
        "end": end,
        "outcome": deciding.outcome(found, at),
        "open": open_now,
        "may_decide": open_now and proposals.may_decide(found, by, at),
        "form": form,
        "nonce": uuid4(),
    }


def _found(request: HttpRequest, public_id: UUID) -> Proposal:
    mine = Proposal.objects.filter(organisation_id=person(request).organisation_id, public_id=public_id)
    if (found := mine.first()) is None:
        raise Http404
    return found


def _readable(found: Proposal, by: Staff) -> bool:
    return by.may_serve(found.customer) and (found.asked_by_id == by.pk or by.role == Staff.Role.SUPERVISOR)


def _nonce(request: HttpRequest) -> UUID:
    try:
        return UUID(request.POST.get("nonce", ""))
    except ValueError:
        raise BadRequest("a form without its nonce") from None
