"""The second clerk: confirms from his own login what the first has seen."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from verification.evidence import see_second_clerk
from visits import desk, slips
from visits.admin.access import clerk_of
from visits.admin.speakers import speaker_of, who
from visits.admin.words import STOPS, why_not
from visits.models import VisitEvent


class SecondForm(forms.Form):
    """What the second clerk has done himself."""

    document = forms.BooleanField(label=gettext_lazy("I have looked at the document myself."))
    person = forms.BooleanField(label=gettext_lazy("I have compared the person with it, face to face."))


class SlipForm(forms.Form):
    """What the second clerk reads off the slip that he holds."""

    letters = forms.CharField(
        label=gettext_lazy("letters on the slip"),
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    signed = forms.BooleanField(label=gettext_lazy("The customer has signed it, and I hold it in my hand."))


def waiting(request: HttpRequest) -> HttpResponse:
    """List the desks that wait for this clerk's eyes."""
    by = clerk_of(request)
    signed = [
        {
            "visit": visit,
            "here": visit.desk_interaction,
            "who": who(claim),
            "speaker": claim.speaker.public_id,
            "form": SlipForm(auto_id=f"slip{claim.pk}-%s"),
        }
        for visit, claim in slips.waiting(by, at=timezone.now())
    ]
    rows = [
        {
            "interaction": claim.speaker.interaction,
            "arrival": _arrival(claim.speaker.interaction_id),
            "first": claim.speaker.interaction.served_by,
            "who": who(claim),
            "speaker": claim.speaker.public_id,
            "form": SecondForm(auto_id=f"{claim.pk}-%s"),
        }
        for claim in desk.waiting_for_second(by)
    ]
    context = {
        **admin.site.each_context(request),
        "title": _("A second clerk is asked for"),
        "rows": rows,
        "slips": signed,
    }
    return TemplateResponse(request, "admin/visits/second.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, interaction_id: UUID) -> HttpResponse:
    """Note that a second clerk has looked; refuse it to the one who looked first."""
    by = clerk_of(request)
    if request.method != "POST":
        return HttpResponseRedirect(reverse("admin:visits_second"))
    if interaction_id not in {each.public_id for each in desk.open_desks(by)}:
        raise Http404
    if not SecondForm(request.POST).is_valid():
        messages.error(request, _("Confirm both: the document and the person."))
    else:
        _confirm(request, interaction_id)
    return HttpResponseRedirect(reverse("admin:visits_second"))


@require_http_methods(["GET", "HEAD", "POST"])
def slip(request: HttpRequest, interaction_id: UUID) -> HttpResponse:
    """Note that a second clerk holds the signed slip of this desk's matter."""
    by, form = clerk_of(request), SlipForm(request.POST)
    if request.method != "POST":
        return HttpResponseRedirect(reverse("admin:visits_second"))
    if interaction_id not in {each.public_id for each in desk.open_desks(by)}:
        raise Http404
    if not form.is_valid():
        messages.error(request, _("Type the letters off the slip, and confirm that it is signed."))
        return HttpResponseRedirect(reverse("admin:visits_second"))
    try:
        slips.confirm(
            interaction_id, form.cleaned_data["letters"], by=by, at=timezone.now(),
            speaker=speaker_of(request, interaction_id),
        )  # fmt: skip
    except STOPS as stop:
        messages.error(request, why_not(stop))
    else:
        messages.success(request, _("Thank you. Your colleague can go on."))
    return HttpResponseRedirect(reverse("admin:visits_second"))


def _confirm(request: HttpRequest, interaction_id: UUID) -> None:
    try:
        speaker = speaker_of(request, interaction_id)
        see_second_clerk(interaction_id, by=clerk_of(request), at=timezone.now(), speaker=speaker)
    except STOPS as stop:
        messages.error(request, why_not(stop))
    else:
        messages.success(request, _("Thank you. Your colleague can go on."))


def _arrival(interaction_pk: int) -> VisitEvent | None:
    return VisitEvent.objects.select_related("visit__office").filter(interaction=interaction_pk).first()
