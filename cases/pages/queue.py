"""Who waits, and who is being served by the reader: the agent's first page. A part of it refreshes itself."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from cases.pages.access import contact, person, serving, show
from verification import interactions
from verification.models import Customer, Interaction, Staff

MOST_SHOWN = 50


class ContactForm(forms.Form):
    """A contact that comes in another way than by our telephone."""

    channel = forms.ChoiceField(label=gettext_lazy("channel"), choices=Interaction.Channel.choices)
    language = forms.ChoiceField(label=gettext_lazy("language"), choices=Customer.Language.choices)

    def __init__(self, *args: Any, by: Staff, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if by.role not in interactions.DESK_ROLES:
            others = [row for row in Interaction.Channel.choices if row[0] != Interaction.Channel.DESK]
            self.fields["channel"] = forms.ChoiceField(label=gettext_lazy("channel"), choices=others)


@serving
@require_GET
def queue(request: HttpRequest) -> HttpResponse:
    """Show who waits, the longest wait first, and the reader's own open contacts."""
    context = {"title": _("Queue"), "form": ContactForm(by=person(request)), **_rows(request)}
    return show(request, "cases/queue.html", context)


@serving
@require_GET
def queue_rows(request: HttpRequest) -> HttpResponse:
    """Return the part of the queue that changes, for the page's script."""
    return render(request, "cases/queue_rows.html", _rows(request))


def _rows(request: HttpRequest) -> dict[str, Any]:
    by, now = person(request), timezone.now()
    live = Interaction.objects.filter(organisation_id=by.organisation_id, ended_at__isnull=True)
    waiting = live.filter(served_by__isnull=True, waiting_since__isnull=False).order_by("waiting_since")
    if by.role not in interactions.DESK_ROLES:
        waiting = waiting.exclude(channel=Interaction.Channel.DESK)
    return {
        "waiting": [(each, _minutes(each, now)) for each in waiting[:MOST_SHOWN]],
        "waiting_count": waiting.count(),
        "mine": list(live.filter(served_by=by).order_by("started_at")[:MOST_SHOWN]),
    }


def _minutes(waiting: Interaction, now: Any) -> int:
    return int((now - waiting.waiting_since).total_seconds() // 60) if waiting.waiting_since else 0


@serving
@require_POST
def take(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Take a contact; of two who press at once the second is told that a colleague was first."""
    contact(request, public_id)
    try:
        interactions.take(public_id, by=person(request), at=timezone.now())
    except interactions.Taken:
        messages.warning(request, _("A colleague was just ahead of you and serves this contact. Take the next one."))
        return redirect("admin:queue")
    except interactions.NotBehindDesk:
        messages.warning(request, _("This contact stands at a desk; only a clerk or a supervisor there can serve it."))
        return redirect("admin:queue")
    except interactions.Ended:
        messages.info(request, _("The caller has hung up; the contact is over. Nothing more is needed from you."))
        return redirect("admin:queue")
    return redirect("admin:interaction", public_id)


@serving
@require_POST
def open_contact(request: HttpRequest) -> HttpResponse:
    """Open a contact by hand. It starts without any assurance, like every other."""
    form = ContactForm(request.POST, by=person(request))
    if not form.is_valid():
        context = {"title": _("Queue"), "form": form, "read_at": reverse("admin:queue"), **_rows(request)}
        return show(request, "cases/queue.html", context, status=400)
    opened = interactions.open_by_staff(person(request), at=timezone.now(), **form.cleaned_data)
    return redirect("admin:interaction", opened.public_id)
