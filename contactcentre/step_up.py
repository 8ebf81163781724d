"""Asks for the second factor again before what weighs most, when it was last given longer than ten minutes ago.

The question stands between the form and its page: it carries the form along in hidden fields and posts to the same
address, so that nothing typed is lost, nothing is kept on the server, and no operation runs without the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from contactcentre import login, staff_passkeys
from verification import tokens
from verification.models import Staff

GOOD_FOR: Final = tokens.FRESH
SENSITIVE: Final = frozenset(
    {
        "admin:passkey_add",
        "admin:passkey_remove",
        "admin:proposal_approve",
        "admin:verification_batch_approve",
        "admin:verification_staff_link",
        "admin:verification_staffchange_approve",
    }
)
"""The pages that are asked for by a form and weigh most: a second person's approval, a way in, a key."""
OURS: Final = frozenset({"csrfmiddlewaretoken", "step_up_token", "step_up_passkey"})


def fresh(session: Mapping[str, Any], at: datetime) -> bool:
    """Tell whether the second factor was given within the last ten minutes of `at`."""
    given = session.get(login.PROVED_AT)
    return given is not None and timedelta() <= at - datetime.fromisoformat(given) <= GOOD_FOR


class StepUpMiddleware:
    """Let a sensitive form through when the second factor is fresh or comes along with it; else ask for it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: object, args: object, kwargs: object) -> HttpResponse | None:
        if request.method != "POST" or request.resolver_match is None:
            return None
        if request.resolver_match.view_name not in SENSITIVE or not admin.site.has_permission(request):
            return None  # who may not come in at all is told so by the page itself
        at = timezone.now()
        if fresh(request.session, at) or _given_again(request, at):
            return None
        return _ask(request, at)


def _given_again(request: HttpRequest, at: datetime) -> bool:
    user = request.user
    if not isinstance(user, Staff):
        return False
    passkey, token = request.POST.get("step_up_passkey", ""), request.POST.get("step_up_token", "")
    factor = login.second_factor_of(user, request, passkey=passkey, token="".join(token.split()), at=at)
    if factor is None:
        return False
    with transaction.atomic():
        login.noted("staff.stepped_up", user, request, at, factors=[factor[1]])
        request.session[login.PROVED_AT] = at.isoformat()
    return True


def _ask(request: HttpRequest, at: datetime) -> HttpResponse:
    """Show the question with the form that was sent, in hidden fields."""
    tried = bool(request.POST.get("step_up_token") or request.POST.get("step_up_passkey"))
    user = request.user
    context = {
        **admin.site.each_context(request),
        "title": _("Confirm that it is you"),
        "tried": tried,
        "carried": [(name, value) for name, values in request.POST.lists() if name not in OURS for value in values],
        "passkey": staff_passkeys.offer(request, user, at) if isinstance(user, Staff) else "",
    }
    return render(request, "contactcentre/step_up.html", context, status=403)
