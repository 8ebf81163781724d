"""Asking a caller for strong identification from the agent's screen, and withdrawing what was asked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from cases.pages.access import person, served, serving
from cases.pages.doing import again
from cases.pages.forms import raw
from cases.pages.prompting import may_ask, uuid_of
from verification import parking, prompts
from verification.declarations import declared
from verification.interactions import Ended
from verification.models import Interaction, Prompt, Refusal

NOT_ASKED: dict[str, Promise] = {
    "SERVING": gettext_lazy("Only who serves the contact can ask for it."),
    "CLAIM": gettext_lazy("Note first whose matter it is."),
    "ACTION": gettext_lazy("This cannot be approved on his own phone. Offer another way."),
    "OPEN": gettext_lazy("A request is waiting for this person already. Wait for it, or withdraw it."),
    "CAP": gettext_lazy("So many requests were sent that no more can be now. Offer another way, a visit for example."),
    "DECLINED": gettext_lazy(
        "He says that he did not call, so nothing more is asked of him here. Offer a visit, or call the recorded "
        "number back."
    ),
    "ROAD": gettext_lazy("There is no strong electronic identification here at the moment. Offer another way."),
}


@serving
@sensitive_post_parameters()
@require_POST
def ask(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Send a link: plain, with the particulars of a form, or with those that a refusal left undone."""
    coming = _("Tell him that a link is coming, and read the two words aloud when he has opened it.")
    return _ask(request, public_id, Prompt.Road.LINK, coming)


@serving
@sensitive_post_parameters()
@require_POST
def ask_in_app(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Send a request to his app, through the broker that the form names, or through the best one."""
    coming = _("Tell him that a request is coming to his app, and read aloud what it asks for.")
    return _ask(request, public_id, Prompt.Road.CIBA, coming)


def _ask(request: HttpRequest, public_id: UUID, road: str, coming: str) -> HttpResponse:
    contact, at = served(request, public_id), timezone.now()
    action, parameters = _asked_for(request, contact, at)
    try:
        prompts.ask(
            public_id, road=road, action=action, parameters=parameters, by=person(request), at=at,
            broker=request.POST.get("broker", ""), speaker=_speaker(request),
        )  # fmt: skip
    except prompts.BadParameters as unread:
        return _form_again(request, contact, action, unread)
    except prompts.NotAsked as stop:
        messages.warning(request, str(NOT_ASKED[stop.code]))
    except Ended:
        messages.info(request, _("The contact has ended already."))
    else:
        messages.success(request, coming)
    return redirect(f"{reverse('admin:interaction', args=[public_id])}#asking")


def _speaker(request: HttpRequest) -> UUID | None:
    """Return which of several speakers is asked, None for the first; who isn't of this contact claims nothing in it."""
    named = request.POST.get("speaker", "")
    return uuid_of(named) if named else None


def _asked_for(request: HttpRequest, contact: Interaction, at: datetime) -> tuple[str, Mapping[str, Any]]:
    """Return the action and its raw parameters; what is asked for without any is his identity alone."""
    action = request.POST.get("for_action", "")
    if wanted := declared(action):
        return action, raw(wanted, request.POST)
    refusal = Refusal.objects.filter(interaction=contact, public_id=uuid_of(request.POST.get("refusal", ""))).first()
    known = declared(refusal.action) if refusal else None
    left = parking.parked(refusal, at) if refusal and known and may_ask(known) else None
    return (refusal.action, left) if refusal and left is not None else ("", {})


def _form_again(request: HttpRequest, contact: Interaction, action: str, unread: prompts.BadParameters) -> HttpResponse:
    """Show the form with what was typed and what is wrong; particulars that no form brought are asked for there."""
    wanted = declared(action)
    if wanted is None or "for_action" not in request.POST:
        messages.warning(request, str(NOT_ASKED["ACTION"]))
        return redirect("admin:interaction", contact.public_id)
    return again(request, contact, wanted, unread.errors)


@serving
@require_POST
def withdraw(request: HttpRequest, public_id: UUID, prompt: UUID) -> HttpResponse:
    """Withdraw a request that is still waiting."""
    contact = served(request, public_id)
    found = get_object_or_404(Prompt, interaction=contact, public_id=prompt)
    try:
        prompts.withdraw(public_id, found.public_id, by=person(request), at=timezone.now())
    except (Ended, prompts.NotAsked):
        messages.info(request, _("The contact has ended already."))
    return redirect(f"{reverse('admin:interaction', args=[public_id])}#asking")
