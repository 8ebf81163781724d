"""The desk: one page for one visit, from the check-in to the carried-out matter. Every step is a form of its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from verification.evidence import IDENTITY
from verification.levels import Level
from verification.masking import standing
from verification.models import Evidence, Interaction, Staff
from visits import chips, escalations, identity, keys, parked, slips
from visits import desk as work
from visits.admin import outcomes
from visits.admin.access import clerk_of, visit_for
from visits.admin.forms import CodeForm, IdentityForm, NumberForm, PaperForm
from visits.admin.speakers import choices, speaker_of
from visits.admin.today import errand_of, reference, state_of
from visits.admin.words import SHOWN, STOPS, why_not
from visits.checklist import Objection
from visits.models import Visit, VisitEvent
from visits.papers import EVERY_TIME, Paper, groups_of, missing
from visits.whose import named

Step = Callable[[HttpRequest, Visit, Staff, datetime], HttpResponse | None]


@never_cache
def desk(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Show where the visit stands and what can be done next."""
    visit = visit_for(request, public_id)
    return _shown(request, visit, clerk_of(request), timezone.now())


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def step(request: HttpRequest, public_id: UUID, step: str) -> HttpResponse:
    """Take one step, say in words why when it can't be taken, and come back to the page; GET only goes there."""
    if step not in STEPS:
        raise Http404
    visit = visit_for(request, public_id)
    if request.method != "POST":
        return _back(request, visit)
    try:
        answer = STEPS[step](request, visit, clerk_of(request), timezone.now())
    except STOPS as stop:
        answer = None
        messages.error(request, why_not(stop))
    return answer or _back(request, visit)


def _back(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Go to the page of the visit, to the speaker whose documents are being looked at."""
    page, speaker = reverse("admin:visits_desk", args=[visit.public_id]), _speaker(request, visit)
    return HttpResponseRedirect(f"{page}?speaker={speaker}#identity" if speaker else page)


def _speaker(request: HttpRequest, visit: Visit) -> UUID | None:
    here = visit.desk_interaction
    return speaker_of(request, here.public_id if here else None)


def _check_in(request: HttpRequest, visit: Visit, by: Staff, at: datetime) -> None:
    work.check_in(visit, by=by, at=at)
    messages.success(request, _("Checked in. Look at the papers first, then at the document."))


def _number(request: HttpRequest, visit: Visit, by: Staff, at: datetime) -> None:
    form = NumberForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("A customer number has eight digits."))
        return
    work.name_customer(visit, form.cleaned_data["number"], by=by, at=at)
    messages.success(request, _("Noted. Go on with the document."))


def _paper(request: HttpRequest, visit: Visit, by: Staff, at: datetime) -> None:
    paper = _paper_of(request, visit)
    form = PaperForm.of(visit, paper, work.today(visit, at), request.POST)
    if not form.is_valid():
        messages.error(request, _("Read the dates and the country off the paper again."))
    elif request.POST.get("verdict") == "reject":
        _reject(request, visit, paper, form, by, at)
    else:
        try:
            work.accept(visit, paper.item, form.document, by=by, at=at)
        except work.Objected as refused:
            messages.error(request, f"{paper.at_desk}: {refused.objection.text}")
        else:
            messages.success(request, _("Accepted: %(paper)s") % {"paper": paper.at_desk})


def _reject(request: HttpRequest, visit: Visit, paper: Paper, form: PaperForm, by: Staff, at: datetime) -> None:
    if not form.cleaned_data["objection"]:
        messages.error(request, _("Choose the reason why the paper is not accepted."))
        return
    work.reject(visit, paper.item, Objection(form.cleaned_data["objection"]), by=by, at=at)
    messages.warning(request, _("Not accepted: %(paper)s") % {"paper": paper.at_desk})


def _paper_of(request: HttpRequest, visit: Visit) -> Paper:
    wanted = request.POST.get("item", "")
    for group in groups_of(visit):
        for paper in group.papers:
            if str(paper.item.pk) == wanted:
                return paper
    raise Http404


def _identity(request: HttpRequest, visit: Visit, by: Staff, at: datetime) -> HttpResponse | None:
    form = IdentityForm(request.POST)
    if not form.is_valid():
        return _shown(request, visit, by, at, identity_form=form, status=400)
    found = identity.compare(visit, form.laid, confirmed=form.confirmed, by=by, at=at, speaker=_speaker(request, visit))
    if found.matched:
        messages.success(request, found.text)
        return None
    form.add_error(_field_of(found), found.text)
    return _shown(request, visit, by, at, identity_form=form, status=400)


def _field_of(found: identity.Compared) -> str | None:
    """Name the field of the form beside which an outcome is told; None to tell it above all of them."""
    beside = {"printed_number": "number", "printed_name": "family_name", "": None}
    if found.outcome == "UNREADABLE":
        return "zone"
    return beside.get(found.field, found.field.removeprefix("printed_"))


def _chip(request: HttpRequest, visit: Visit, by: Staff, at: datetime) -> None:
    found = chips.read_chip(visit, by=by, at=at, speaker=_speaker(request, visit))
    (messages.success if found.matched else messages.error)(request, found.text)


def _slip(request: HttpRequest, visit: Visit, by: Staff, at: datetime) -> HttpResponse:
    """Give the slip to be printed, for the customer to sign."""
    matter = slips.printed(visit, by=by, at=at, speaker=_speaker(request, visit))
    with translation.override(work.at_desk_language(visit)):
        context = {
            "visit": visit,
            "matter": matter,
            "short": slips.short(matter.digest),
            "reference": reference(visit),
            "day": at.astimezone(visit.office.tz),
        }
        return TemplateResponse(request, "admin/visits/slip.html", context).render()


def _code(request: HttpRequest, visit: Visit, by: Staff, at: datetime) -> None:
    here, form = work.at_desk(visit, by=by), CodeForm(request.POST)
    shown = keys.Shown.WRONG
    if form.is_valid():
        shown = keys.show_code(visit, form.cleaned_data["code"], interaction_id=here.public_id, by=by, at=at)
    item = visit.items.filter(code="visit_code").first()
    if shown is keys.Shown.MATCHED and item is not None:
        work.judged(item, accepted=True, by=by, at=at)
    (messages.success if shown is keys.Shown.MATCHED else messages.error)(request, str(SHOWN[shown]))


def _carry_out(request: HttpRequest, visit: Visit, by: Staff, at: datetime) -> HttpResponse:
    decision = parked.carry_out(
        visit, confirmed=request.POST.get("confirmed") == "on", nonce=request.POST.get("nonce", ""), by=by, at=at
    )
    return outcomes.of_decision(request, visit, decision)


def _next_visit(request: HttpRequest, visit: Visit, by: Staff, at: datetime) -> HttpResponse:
    return outcomes.of_next_visit(request, visit, by, at)


def _finish(request: HttpRequest, visit: Visit, by: Staff, at: datetime) -> HttpResponse:
    state = work.finish(visit, by=by, at=at)
    words = {
        Visit.State.DONE: _("The visit is done."),
        Visit.State.INCOMPLETE: _("The visit is over; papers were missing. What was accepted is kept."),
        Visit.State.BOOKED: _("Nothing had been looked at, so the visit is booked as before."),
    }
    messages.success(request, words.get(Visit.State(state), _("This contact has ended.")))
    if state == Visit.State.INCOMPLETE and escalations.standing_after(visit, at=at) is None:
        return HttpResponseRedirect(reverse("admin:visits_desk", args=[visit.public_id]))
    return HttpResponseRedirect(reverse("admin:visits_today"))


STEPS: Final[dict[str, Step]] = {
    "check-in": _check_in,
    "number": _number,
    "paper": _paper,
    "identity": _identity,
    "code": _code,
    "chip": _chip,
    "slip": _slip,
    "carry-out": _carry_out,
    "next-visit": _next_visit,
    "finish": _finish,
}


def _shown(
    request: HttpRequest,
    visit: Visit,
    by: Staff,
    at: datetime,
    *,
    identity_form: IdentityForm | None = None,
    status: int = 200,
) -> HttpResponse:
    here = visit.desk_interaction
    mine = here is not None and here.live and here.served_by_id == by.pk
    context = {
        **admin.site.each_context(request),
        "title": _("Visit %(reference)s") % {"reference": reference(visit)},
        "visit": visit,
        "starts": visit.starts_at.astimezone(visit.office.tz),
        "errand": errand_of(visit),
        "state": visit.state,
        "state_label": state_of(visit, at),
        "minutes_early": int((visit.starts_at - at).total_seconds() // 60),
        "mine": mine,
        "colleague": here is not None and here.live and not mine,
        "passed": work.today(visit, at) > visit.on,
        "other_day": why_not(work.NotHere("DAY", day=visit.on)) if work.today(visit, at) != visit.on else "",
        "groups": _groups(visit, at),
        **(_to_follow(visit, at) if visit.state == Visit.State.INCOMPLETE and not mine else {}),
        **(_at_desk(visit, here, by, at, identity_form, _speaker(request, visit)) if mine and here is not None else {}),
    }
    return TemplateResponse(request, "admin/visits/desk.html", context, status=status)


def _to_follow(visit: Visit, at: datetime) -> dict[str, Any]:
    """Give what a visit lacked, and the next one: asked for already, or the time that could be offered."""
    standing = escalations.standing_after(visit, at=at)
    return {
        "missing": missing(visit, on=work.today(visit, at)),
        "standing": standing,
        "next_visit": escalations.placed_for(standing.grant) if standing else None,
        "next_place": None if standing else outcomes.next_place(visit, Level.NONE, at),
    }


def _groups(visit: Visit, at: datetime) -> list[dict[str, Any]]:
    on = work.today(visit, at)
    return [
        {
            "group": group,
            "anew": group.code in EVERY_TIME,
            "papers": [(paper, PaperForm.of(visit, paper, on)) for paper in group.papers],
        }
        for group in groups_of(visit, on=on)
    ]


def _at_desk(
    visit: Visit,
    here: Interaction,
    by: Staff,
    at: datetime,
    identity_form: IdentityForm | None,
    speaker: UUID | None,
) -> dict[str, Any]:
    claim, held = standing(here, at)
    shown = work.claimed(here, speaker)
    seen = set(shown.evidence.values_list("kind", flat=True)) if shown else set()
    lacking = missing(visit, on=work.today(visit, at))
    compared = bool(IDENTITY & seen)
    matter = parked.read_back(visit, here, by=by, at=at) if not lacking else None
    return {
        "here": here,
        "together": choices(here, speaker, at),
        "speaker": speaker,
        "others": shown is not None and shown != claim,
        "held": held,
        "high": held.level is Level.HIGH,
        "identity_seen": compared,
        "weak": compared and not {Evidence.Kind.IDENTITY_LIST, Evidence.Kind.IDENTITY_UNDATED} & seen,
        "undated": Evidence.Kind.IDENTITY_UNDATED in seen,
        "chip_seen": Evidence.Kind.CHIP in seen,
        "has_reader": chips.reader_of(visit.office) is not None,
        "second_seen": Evidence.Kind.SECOND_CLERK in seen,
        "code_seen": Evidence.Kind.VISIT_CODE in seen,
        "unknown": not named(visit),
        "named": claim is not None and claim.source == "STAFF",
        "number_form": NumberForm(),
        "identity_form": identity_form or IdentityForm(),
        "code_form": CodeForm(),
        "missing": lacking,
        "settled": work.settled(visit, here),
        "holds": outcomes.holds(claim, at) if compared else [],
        "matter": matter,
        "done": matter is None and work.settled(visit, here),
        **(_approval(visit, here, matter, at, speaker) if matter is not None and matter.action.linked else {}),
        "nonce": uuid4(),
        "next_place": outcomes.next_place(visit, held.level, at) if lacking else None,
    }


def _approval(
    visit: Visit, here: Interaction, matter: parked.Matter, at: datetime, speaker: UUID | None
) -> dict[str, Any]:
    """Tell how a matter that the customer approves himself stands: approved and how, or by which roads he can.

    Those who act together approve it each for himself: shown is the speaker whom the clerk has named.
    """
    approved = parked.approved(here, matter, at, speaker=speaker)
    seen = parked.approval(here, matter, speaker=speaker) if approved else None
    return {
        "linked": True,
        "approved": seen,
        "approved_how": Evidence.Kind(seen.kind).label if seen else "",
        "has_page": work.claimed(here, speaker) == work.claimed(here)
        and visit.customer_id is not None
        and visit.tokens.filter(revoked_at=None, expires_at__gt=at).exists(),
        "slip_printed": visit.events.filter(interaction=here, kind=VisitEvent.Kind.SLIP).exists(),
    }
