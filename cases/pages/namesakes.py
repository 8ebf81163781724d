"""Asking a caller on his own keypad which of several customers of one name he is; what he answers is never shown."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from cases import phrases
from cases.pages.access import person, served, serving
from verification import separating
from verification.claims import TooMany
from verification.interactions import Ended
from verification.models import Claim, Interaction
from verification.separating import State

# None, several and no answer at all share their words: a helper on the line could otherwise try day after day.
_UNPICKED = gettext_lazy("The customer could not be picked out. Ask for the customer number.")
STATES: dict[str, Promise] = {
    State.ASKED: gettext_lazy("He is being turned to his keypad. He comes back to you by himself."),
    State.TURNED: gettext_lazy("He is being turned to his keypad. He comes back to you by himself."),
    State.HEARD: gettext_lazy("He is being asked on his keypad. He comes back to you by himself."),
    State.PICKED: gettext_lazy("His answer picked one customer, who is noted. It proves nothing yet."),
    State.NOT_PICKED: _UNPICKED,
    State.SKIPPED: _UNPICKED,
    State.FAILED: gettext_lazy("His call could not be turned to the keypad. Ask for the customer number."),
}
NOT_ASKED: dict[str, Promise] = {
    "SERVING": gettext_lazy("Only who serves the contact can ask for it."),
    "NAME": gettext_lazy("Look the name up first, then he can be asked."),
    "OPEN": gettext_lazy("He is being asked already. Wait until he is back."),
    "LINE": gettext_lazy("This contact has no keypad that he could be asked on. Ask for the customer number."),
}


def panel(contact: Interaction, claim: Claim | None) -> dict[str, Any]:
    """Return what the page shows of the question: how far it is, or that it can be asked; {} before any name."""
    question = separating.newest(contact)
    if question is None or question.state == State.OVER:
        return {}
    if question.state == State.PICKED and (claim is None or claim.source != Claim.Source.QUESTION):
        return {}
    offered = question.state == State.OFFERED
    return {
        "said": str(STATES.get(question.state, "")),
        "picked": question.state == State.PICKED,
        "offered": offered and separating.reachable(contact),
        "words": phrases.TO_KEYPAD.spoken(contact.language)[1],
    }


def stage(contact: Interaction) -> tuple[int, str] | None:
    """Return what changes of the page when the question moves on."""
    question = separating.newest(contact)
    return (question.pk, question.state) if question else None


@serving
@require_POST
def ask_on_keypad(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Have the caller asked, however many bear the name."""
    served(request, public_id)
    try:
        separating.ask(public_id, by=person(request), at=timezone.now())
    except separating.NotAsked as stop:
        messages.warning(request, str(NOT_ASKED[stop.code]))
    except TooMany:
        messages.warning(
            request, _("This has been asked so often that it cannot be asked again now. Ask for the customer number.")
        )
    except Ended:
        messages.info(request, _("The contact has ended already."))
    else:
        messages.success(request, _("Tell him that he is asked something on the keypad and then comes back to you."))
    return redirect(f"{reverse('admin:interaction', args=[public_id])}#namesakes")
