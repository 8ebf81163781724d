"""The page on which one of the staff looks after his own passkeys. Adding and removing ask for the second factor."""

from __future__ import annotations

from typing import cast

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from contactcentre import staff_passkeys
from verification import relying_party
from verification.models import Staff


@never_cache
@require_safe
def passkeys(request: HttpRequest) -> HttpResponse:
    """List one's own passkeys."""
    return _page(request)


@never_cache
@require_POST
def add(request: HttpRequest) -> HttpResponse:
    """Let the browser make a passkey; then keep it."""
    user, at = cast("Staff", request.user), timezone.now()
    sent = request.POST.get("passkey", "")
    if not sent:
        return _page(request, options=staff_passkeys.begin_adding(request, user, at))
    if staff_passkeys.add(request, user, sent, at):
        messages.success(request, _("The passkey is in use from now on."))
    else:
        messages.error(request, _("No passkey was added. Please try again."))
    return redirect("admin:passkeys")


@never_cache
@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Take one of one's own passkeys away; the code app stays. Who came in with this very key logs in anew."""
    if staff_passkeys.remove(cast("Staff", request.user), pk, timezone.now()):
        messages.success(request, _("The passkey is removed."))
    return redirect("admin:passkeys")


def _page(request: HttpRequest, *, options: str = "") -> HttpResponse:
    context = {
        **admin.site.each_context(request),
        "title": _("Your passkeys"),
        "mine": staff_passkeys.of(cast("Staff", request.user)),
        "most": staff_passkeys.MOST,
        "possible": relying_party.possible(),
        "options": options,
    }
    return render(request, "contactcentre/passkeys.html", context)
