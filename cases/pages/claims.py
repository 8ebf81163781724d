"""Noting whose matter it is. Whatever the number, the sentence is the same: a page must not tell who is a customer."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from cases.pages.access import person, served, serving, show
from cases.pages.claim_forms import NameForm, NumberForm, SpeakerForm
from cases.pages.interaction import context_of
from verification import claims, registers
from verification.interactions import Ended
from verification.models import Claim, Interaction
from verification.scene import current_claim


@serving
@require_POST
def claim_number(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Note the customer number that the caller gives."""
    contact = served(request, public_id)
    form = NumberForm(request.POST)
    if not form.is_valid():
        return _again(request, contact, number_form=form)
    earlier = current_claim(contact)
    try:
        noted = claims.claim_number(
            public_id, form.cleaned_data["number"], capacity=form.cleaned_data["capacity"],
            source=Claim.Source.STAFF, by=person(request), at=timezone.now(),
            own_number=form.cleaned_data["own_number"],
        )  # fmt: skip
    except (claims.TooMany, Ended) as stop:
        _stopped(request, stop)
    else:
        _noted(request, form.cleaned_data["number"], changed=earlier is not None and noted.pk != earlier.pk)
    return redirect("admin:interaction", public_id)


@serving
@require_POST
def add_speaker(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Note that one more is heard, for whom he speaks and who he is: those who sign together are heard together."""
    contact = served(request, public_id)
    form = SpeakerForm(request.POST, auto_id="id_speaker_%s")
    if not form.is_valid():
        return _again(request, contact, speaker_form=form)
    said, by, at = form.cleaned_data, person(request), timezone.now()
    try:
        claims.join_and_claim(
            public_id, said["number"], capacity=said["capacity"], own_number=said["own_number"], by=by, at=at
        )
    except (claims.TooMany, Ended) as stop:
        _stopped(request, stop)
    else:
        messages.success(request, _("Noted that one more speaks. He proves himself by himself."))
    return redirect("admin:interaction", public_id)


@serving
@require_POST
def claim_name(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Look a name up; only how many bear it is told."""
    contact = served(request, public_id)
    form = NameForm(request.POST, auto_id="id_name_%s")
    if not form.is_valid():
        return _again(request, contact, name_form=form)
    try:
        found = claims.claim_name(public_id, by=person(request), at=timezone.now(), **form.cleaned_data)
    except (claims.TooMany, Ended) as stop:
        _stopped(request, stop)
    else:
        (messages.info if found == 1 else messages.warning)(request, _found(found))
    return redirect("admin:interaction", public_id)


@serving
@require_POST
def ask_register(request: HttpRequest, public_id: UUID, action: str) -> HttpResponse:
    """Ask the national register about those who act for another here; then the action is asked for once more."""
    served(request, public_id)
    try:
        told = registers.ask(public_id, action, by=person(request), at=timezone.now())
    except registers.CannotAsk:
        messages.warning(request, _("The register is asked only once he has proved who he is. Offer that first."))
        return redirect("admin:interaction", public_id)
    if all(answer.said == registers.Said.YES for answer in told):
        messages.success(request, _("The register knows of a right to act in this matter. It counts for ten minutes."))
    else:
        messages.warning(request, _("The register told of no right to act in this matter. Offer a visit with papers."))
    return redirect("admin:do", public_id, action)


def _found(count: int) -> str:
    if count == 1:
        return _("One customer bears this name, and it is noted as the claim. The name proves nothing yet.")
    if count == 0:
        return _("No customer bears this name as it was written. Check the spelling, or ask for the customer number.")
    return ngettext(
        "%(count)d customer bears this name. Ask for the customer number, or offer the keypad.",
        "%(count)d customers bear this name. Ask for the customer number, or offer the keypad.",
        count,
    ) % {"count": count}


def _stopped(request: HttpRequest, stop: Exception) -> None:
    if isinstance(stop, Ended):
        messages.warning(request, _("The contact has ended, so nothing was noted."))
    else:
        messages.warning(
            request, _("So many customers have been tried that no more can be named here today. Offer a visit instead.")
        )


def _again(request: HttpRequest, contact: Interaction, **form: forms.Form) -> HttpResponse:
    """Show the contact again with what was typed, and what is wrong beside its field."""
    context = context_of(contact, person(request), timezone.now(), **form)
    context["read_at"] = reverse("admin:interaction", args=[contact.public_id])
    return show(request, "cases/interaction.html", context, status=400)


def _noted(request: HttpRequest, number: str, *, changed: bool) -> None:
    """Say which number was noted, as it was typed; another claim than before also says that earlier proof is void."""
    said = _("Noted: %(number)s.") % {"number": number}
    if changed:
        said += " " + _("What was proved before no longer counts in this contact.")
    messages.success(request, said)
