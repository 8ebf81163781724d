"""The key of a new code app on its owner's page: shown once, after a press, and never to anybody of the staff."""

from __future__ import annotations

from datetime import datetime

import segno
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from verification import own_setup
from verification.models import Prompt
from verification.setups import NothingToOpen, Opened
from verification.web.caller import opened, page_context, private


@private
@require_http_methods(["GET", "HEAD", "POST"])
@opened
def connect(request: HttpRequest, prompt: Prompt, now: datetime) -> HttpResponse:
    """Say what is about to be shown; on POST show the key, once. Looking at the page uses nothing up."""
    if request.method != "POST":
        if not own_setup.offered(prompt, now):
            return HttpResponseRedirect(reverse("caller:page"))
        return render(request, "verification/caller/code_app.html", page_context(request, prompt))
    try:
        key = own_setup.reveal(prompt, now)
    except NothingToOpen:
        return render(request, "verification/caller/code_app.html", _gone(request, prompt), status=410)
    return render(request, "verification/caller/code_app.html", _shown(request, prompt, key, now))


def _gone(request: HttpRequest, prompt: Prompt) -> dict[str, object]:
    return {**page_context(request, prompt), "gone": True}


def _shown(request: HttpRequest, prompt: Prompt, key: Opened, now: datetime) -> dict[str, object]:
    return {
        **page_context(request, prompt),
        "languages": (),  # a change of language would leave the page, and it is shown once
        "key": key.key,
        "address": key.address,
        "picture": segno.make(key.address, micro=False).svg_data_uri(scale=5),
        "counts": key.effective_at <= now,
        "from": timezone.localtime(key.effective_at, timezone.get_default_timezone()),
    }
