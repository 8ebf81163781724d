"""The list of looks at his record, on the customer's own page."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from audit.looks import Look
from verification import own_looks
from verification.models import Prompt, Staff
from verification.web.caller import opened, page_context, private

ROLES = dict(Staff.Role.choices)


@private
@require_http_methods(["GET"])
@opened
def looks(request: HttpRequest, prompt: Prompt, now: datetime) -> HttpResponse:
    """Show when, why and in which role we looked; the list is his own, so it is read under an entry of its own."""
    person = own_looks.person_of(prompt, now)
    if person is None:
        return HttpResponseRedirect(reverse("caller:page"))
    found = [_shown(each) for each in own_looks.read(person, at=now)]
    return render(request, "verification/caller/looks.html", {**page_context(request, prompt), "looks": found})


def _shown(look: Look) -> dict[str, object]:
    return {"at": look.at, "why": look.why, "role": ROLES.get(look.role, ""), "masked": look.masked}
