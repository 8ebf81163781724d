"""Promised calls: which are due, the words that our caller says first, the number, and what came of the call."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from cases import call_backs
from cases.models import CallBack
from cases.pages.access import person, serving, show

MOST_SHOWN = 100


@serving
@require_GET
def listed(request: HttpRequest) -> HttpResponse:
    """List the promised calls, without their words and numbers; what is late comes first."""
    at = timezone.now()
    promised = [
        {
            "call": each,
            "late": each.due_at < at,
            "tries": [event for event in each.events.all() if event.kind != "OPENED"],
        }
        for each in call_backs.promised_to(person(request), at=at)[:MOST_SHOWN]
    ]
    return show(request, "cases/call_backs.html", {"title": _("Calls promised"), "promised": promised})


@never_cache
@serving
@require_POST
def opened(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Show the words and the number of one call to who makes it now."""
    try:
        found = call_backs.open_words(public_id, by=person(request), at=timezone.now())
    except CallBack.DoesNotExist:
        raise Http404 from None
    except call_backs.NotYours:
        return _not_yours(request)
    context = {"title": _("A call that we promised"), "call": found.call, "words": found.words, "number": found.number}
    return show(request, "cases/call_back.html", context)


@serving
@require_POST
def settled(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Note what came of the call, and go on in a contact of its own when somebody was reached."""
    try:
        contact = call_backs.settle(public_id, request.POST.get("outcome", ""), by=person(request), at=timezone.now())
    except (CallBack.DoesNotExist, ValueError):
        raise Http404 from None
    except call_backs.NotYours:
        return _not_yours(request)
    if contact is not None:
        messages.success(request, _("Noted. Who answered has proved nothing yet: go on as in every contact."))
        return redirect("admin:interaction", contact.public_id)
    messages.success(request, _("Noted."))
    return redirect("admin:call_backs")


def _not_yours(request: HttpRequest) -> HttpResponse:
    messages.warning(request, _("You named this customer yourself, so a colleague makes the call."))
    return redirect("admin:call_backs")
