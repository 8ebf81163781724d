"""Asking the gate from the screen: the declared form, one attempt, and what came of it.

The page never judges: what it shows as ready may be refused, and what it shows as missing may be asked for anyway,
since only a refusal brings the words to say and the ways forward. One form is one attempt, however often it is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.contrib import messages
from django.core.exceptions import BadRequest
from django.forms.utils import ErrorDict
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET

from cases import phrases
from cases.models import Case
from cases.pages import prompting
from cases.pages.access import person, served, serving, show, visible
from cases.pages.forms import MONEY_FIELDS, cents, filled, latest_refusal, raw
from cases.pages.readiness import missing, nothing_open, obstacle
from cases.pages.story import label_of
from verification import parking, prompts, registers, results
from verification.declarations import Declaration, declared
from verification.gate import Granted, Live, Malformed, Proposed, Refused, Unavailable, attempt
from verification.models import Interaction, Refusal
from verification.reasons import Reason, to_staff
from verification.ways import by_code
from visits.models import Visit

results.name_states({state.value: state.label for state in Case.State})


@serving
@sensitive_post_parameters()
def do(request: HttpRequest, public_id: UUID, action: str) -> HttpResponse:
    """Show the form of one action, and on POST ask the gate once."""
    contact = served(request, public_id)
    wanted = _offered(action)
    if request.method != "POST":
        return _ask(request, contact, wanted)
    nonce = _nonce(request)
    if wanted is not None and (problem := obstacle(wanted, contact, request.POST)):
        return _stopped(request, contact, wanted, problem)
    return _attempt(request, contact, action, wanted, nonce)


def _ask(request: HttpRequest, contact: Interaction, wanted: Declaration | None) -> HttpResponse:
    if wanted is None:
        raise Http404
    if not contact.live:
        return redirect("admin:interaction", contact.public_id)
    return _form(request, contact, wanted, filled(wanted, contact, initial=_initial(request, contact, wanted)), uuid4())


def _attempt(
    request: HttpRequest, contact: Interaction, action: str, wanted: Declaration | None, nonce: UUID
) -> HttpResponse:
    """Ask the gate, also for what is not declared: it refuses, and says so in the log."""
    try:
        decision = attempt(
            action,
            origin=Live(contact.public_id, by=person(request)),
            parameters=raw(wanted, request.POST) if wanted else {},
            at=timezone.now(),
            key=f"form:{person(request).pk}:{contact.pk}:{nonce}",
        )
    except Unavailable:
        decision = None
    if isinstance(decision, Refused):
        return redirect("admin:refusal", decision.refusal.public_id)
    if wanted is None:
        raise Http404
    match decision:
        case Granted():
            return _done(request, contact, wanted, decision)
        case Proposed():
            messages.info(request, _("A second person decides on it. The caller is told in writing."))
            return redirect("admin:interaction", contact.public_id)
        case Malformed():
            return again(request, contact, wanted, decision.errors)
    return _form(request, contact, wanted, filled(wanted, contact, typed=request.POST), nonce, status=503)


def _stopped(request: HttpRequest, contact: Interaction, wanted: Declaration, problem: str) -> HttpResponse:
    """Show the form again with what must be done first; the gate was not asked, so nothing was refused."""
    form = filled(wanted, contact, typed=request.POST)
    form._errors = ErrorDict()  # type: ignore[attr-defined]  # only what stands in the way, as in again
    form.cleaned_data = {}
    form.add_error(None, problem)
    return _form(request, contact, wanted, form, uuid4(), status=400)


def _offered(action: str) -> Declaration | None:
    found = declared(action)
    return found if found is not None and found.origin == "live" else None


def _nonce(request: HttpRequest) -> UUID:
    try:
        return UUID(request.POST.get("nonce", ""))
    except ValueError:
        raise BadRequest("a form without its nonce") from None


def _initial(request: HttpRequest, contact: Interaction, wanted: Declaration) -> dict[str, Any]:
    """Fill a form with what is known: the particulars that he approved, or those that were refused a moment ago.

    A visit answers the refusal whose way was chosen, else the newest of this contact.
    """
    try:
        chosen = Refusal.objects.filter(interaction=contact, public_id=UUID(request.GET.get("refusal", ""))).first()
    except ValueError:
        chosen = latest_refusal(contact)
    kept = prompting.particulars(contact, wanted.name, request.GET.get("prompt", ""))
    if not kept and chosen is not None and chosen.action == wanted.name:
        kept = parking.parked(chosen, timezone.now()) or {}
    if isinstance(kept.get("amount"), int):
        kept["amount"] = f"{kept['amount'] // 100},{kept['amount'] % 100:02d}"
    return {**kept, "refusal": str(chosen.public_id)} if chosen else kept


def _form(
    request: HttpRequest, contact: Interaction, wanted: Declaration, form: forms.Form, nonce: UUID, status: int = 200
) -> HttpResponse:
    context = {
        "title": str(wanted.label),
        "contact": contact,
        "action": wanted,
        "form": form,
        "nonce": nonce,
        "unavailable": status == 503,
        "missing": missing(wanted, contact, by=person(request), at=timezone.now()),
        "empty": nothing_open(wanted, contact),
        "may_ask": prompting.may_ask(wanted) and not prompts.declined(contact),
        "together": prompting.speakers(contact),
    }
    return show(request, "cases/action.html", context, status=status)


def again(
    request: HttpRequest, contact: Interaction, wanted: Declaration, errors: Mapping[str, list[str]]
) -> HttpResponse:
    """Show the form again with everything that was typed, and what the gate could not read."""
    form = filled(wanted, contact, typed=request.POST)
    form._errors = ErrorDict()  # type: ignore[attr-defined]  # the gate's own words, not the form's second opinion
    form.cleaned_data = {}
    for name, problems in errors.items():
        misread = name in MONEY_FIELDS and cents(request.POST.get(name, "")).endswith("?")
        said = [_("Write the amount in euros, for example 12,50.")] if misread else problems
        form.add_error(name if name in form.fields else None, said)
    return _form(request, contact, wanted, form, uuid4(), status=400)


def _done(request: HttpRequest, contact: Interaction, wanted: Declaration, decision: Granted) -> HttpResponse:
    """Show what was done. A form sent twice shows that it was done, but nothing of the record a second time."""
    context = {
        "title": str(wanted.label),
        "contact": contact,
        "action": wanted,
        "repeated": decision.repeated,
        "say": phrases.after(wanted.name, contact.language),
        "lines": results.lines(decision.result),
        "record": [] if decision.repeated else results.record(decision.result),
    }
    return show(request, "cases/granted.html", context)


@serving
@require_GET
def refusal(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Show one refusal: why, the words to say, and the ways forward with their buttons, easiest first."""
    found = get_object_or_404(
        Refusal.objects.exclude(interaction=None).select_related("interaction"), public_id=public_id
    )
    if found.interaction is None:
        raise Http404
    contact = visible(request, found.interaction.public_id)
    acting = contact.live and contact.served_by_id == person(request).pk
    context = {
        "title": _("Not yet: %(action)s") % {"action": label_of(found.action)},
        "contact": contact,
        "refusal": found,
        "reason": Reason(found.reason).label,
        "to_staff": to_staff(found.reason),
        "said": found.said.get(contact.language) or found.said.get("en", ""),
        "ways": [way for code in found.ways if (way := by_code(code))],
        "acting": acting,
        "ask_register": acting and found.reason == Reason.AUTHORITY and registers.configured() is not None,
        "again": _offered(found.action) is not None,
        "together": prompting.speakers(contact) if acting else [],
        "at_desk": Visit.objects.filter(events__interaction=contact).first() if acting else None,
    }
    return show(request, "cases/refusal.html", context)
