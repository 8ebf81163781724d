"""Noting whose matter it is. Whatever the number, the sentence is the same: a page must not tell who is a customer."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from cases.pages.access import person, served, serving
from verification import claims
from verification.interactions import Ended
from verification.models import Claim
from verification.numbers import well_formed

PLAIN = {"autocomplete": "off", "spellcheck": "false"}


class NumberForm(forms.Form):
    """A customer number as the caller says it."""

    number = forms.CharField(
        label=gettext_lazy("customer number"),
        max_length=20,
        widget=forms.TextInput(attrs={**PLAIN, "inputmode": "numeric", "size": 12}),
    )
    capacity = forms.ChoiceField(label=gettext_lazy("speaks"), choices=Claim.Capacity.choices)

    def clean_number(self) -> str:
        number = "".join(self.cleaned_data["number"].split())
        if not well_formed(number):
            raise forms.ValidationError(
                _("A customer number has eight digits, and the last one checks the others. Ask for it once more.")
            )
        return number


class NameForm(forms.Form):
    """A name as the caller says it."""

    given_names = forms.CharField(label=gettext_lazy("given names"), max_length=120, widget=forms.TextInput(PLAIN))
    family_name = forms.CharField(
        label=gettext_lazy("family name or company"), max_length=120, widget=forms.TextInput(PLAIN)
    )
    capacity = forms.ChoiceField(label=gettext_lazy("speaks"), choices=Claim.Capacity.choices)


@serving
@require_POST
def claim_number(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Note the customer number that the caller gives."""
    served(request, public_id)
    form = NumberForm(request.POST)
    if not form.is_valid():
        _complain(request, form)
        return redirect("admin:interaction", public_id)
    try:
        claims.claim_number(
            public_id, form.cleaned_data["number"], capacity=form.cleaned_data["capacity"],
            source=Claim.Source.STAFF, by=person(request), at=timezone.now(),
        )  # fmt: skip
    except (claims.TooMany, Ended) as stop:
        _stopped(request, stop)
    else:
        messages.success(request, _("Noted. What was proved under an earlier number no longer counts in this contact."))
    return redirect("admin:interaction", public_id)


@serving
@require_POST
def claim_name(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Look a name up; only how many bear it is told."""
    served(request, public_id)
    form = NameForm(request.POST)
    if not form.is_valid():
        _complain(request, form)
        return redirect("admin:interaction", public_id)
    try:
        found = claims.claim_name(public_id, by=person(request), at=timezone.now(), **form.cleaned_data)
    except (claims.TooMany, Ended) as stop:
        _stopped(request, stop)
    else:
        messages.info(request, _found(found))
    return redirect("admin:interaction", public_id)


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


def _complain(request: HttpRequest, form: forms.Form) -> None:
    for problems in form.errors.values():
        for problem in problems:
            messages.error(request, str(problem))
