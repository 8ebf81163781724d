"""The copy of his data on the customer's own page: a file, downloaded once, after a strong login of minutes ago."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from cases import exports
from cases.page_steps import copy_for
from verification.models import Prompt
from verification.web.caller import opened, page_context, private

FILE = "own-data.json"


@private
@require_http_methods(["GET", "HEAD", "POST"])
@opened
def own_copy(request: HttpRequest, prompt: Prompt, now: datetime) -> HttpResponse:
    """Say what the file holds; on POST send it, once. Looking at the page uses nothing up."""
    if request.method == "POST":
        return _sent(request, prompt, now)
    if copy_for(prompt, now) is None:
        return HttpResponseRedirect(reverse("caller:page"))
    return render(request, "cases/own_copy.html", page_context(request, prompt))


def _sent(request: HttpRequest, prompt: Prompt, now: datetime) -> HttpResponse:
    found = copy_for(prompt, now)
    try:
        if found is None:
            raise exports.NotOpened
        return _file(exports.open_copy(found.request.public_id, prompt.claim, at=now))
    except exports.NotOpened:
        return render(request, "cases/own_copy.html", {**page_context(request, prompt), "gone": True}, status=410)


def _file(copy: dict[str, Any]) -> HttpResponse:
    response = HttpResponse(json.dumps(copy, ensure_ascii=False, indent=2), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="{FILE}"'
    return response
