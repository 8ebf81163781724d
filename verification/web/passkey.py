"""Passkeys on the caller's page: proving himself with one, and making one where he was asked for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from verification import passkey_enrolment, passkeys
from verification.logins import NotOpen
from verification.models import Prompt
from verification.web.caller import LOGIN_COOKIE, keep, login_secret, opened, page_context, private

Begin = Callable[..., str]


@private
@require_POST
@opened
def begin(request: HttpRequest, prompt: Prompt, now: datetime) -> HttpResponse:
    """Give the page's script what the browser needs, and the browser a cookie by which its answer is known."""
    return _begun(passkeys.begin, request, prompt, now)


@private
@require_http_methods(["GET", "HEAD", "POST"])
@opened
def use(request: HttpRequest, prompt: Prompt, now: datetime) -> HttpResponse:
    """Take the answer of a passkey; what came of it is said on the page on which every login ends."""
    if request.method != "POST":
        return HttpResponseRedirect(reverse("caller:page"))
    passkeys.receive(prompt, request.POST.get("passkey", ""), browser=login_secret(request), at=now)
    response = HttpResponseRedirect(reverse("caller:done"))
    keep(response, LOGIN_COOKIE, login_secret(request), "Lax")
    return response


@private
@require_POST
@opened
def begin_making(request: HttpRequest, prompt: Prompt, now: datetime) -> HttpResponse:
    """Give the page's script what the browser needs to make a passkey."""
    return _begun(passkey_enrolment.begin, request, prompt, now)


@private
@require_http_methods(["GET", "HEAD", "POST"])
@opened
def make(request: HttpRequest, prompt: Prompt, now: datetime) -> HttpResponse:
    """Show how a passkey is made, and take what the browser has made."""
    made = failed = False
    if request.method == "POST":
        sent = request.POST.get("passkey", "")
        made = passkey_enrolment.finish(prompt, sent, browser=login_secret(request), at=now)
        failed = not made
    elif not passkey_enrolment.offered(prompt, now):
        return HttpResponseRedirect(reverse("caller:page"))
    shown = {**page_context(request, prompt), "made": made, "failed": failed}
    return render(request, "verification/caller/passkey.html", shown, status=400 if failed else 200)


def _begun(begin: Begin, request: HttpRequest, prompt: Prompt, now: datetime) -> HttpResponse:
    try:
        options = begin(prompt, browser=login_secret(request), at=now)
    except NotOpen:
        return HttpResponse(status=409)
    response = HttpResponse(options, content_type="application/json")
    keep(response, LOGIN_COOKIE, login_secret(request), "Lax")
    return response
