"""Promised calls: which are due, and the words that our caller says first, shown when he opens one to make it."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
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
    """List the promised calls, without their words."""
    promised = call_backs.promised_to(person(request), at=timezone.now())[:MOST_SHOWN]
    return show(request, "cases/call_backs.html", {"title": _("Calls promised"), "promised": promised})


@never_cache
@serving
@require_POST
def opened(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Show the words of one call to who makes it now."""
    try:
        promised, words = call_backs.open_words(public_id, by=person(request), at=timezone.now())
    except CallBack.DoesNotExist:
        raise Http404 from None
    context = {"title": _("A call that we promised"), "call": promised, "words": words}
    return show(request, "cases/call_back.html", context)
