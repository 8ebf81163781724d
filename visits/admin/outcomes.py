"""How a step at the desk ended: granted or refused in words, or another time with what is still missing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from verification import interactions, results
from verification.declarations import declared
from verification.gate import Decision, Granted, Live, Malformed, Proposed, Refused, attempt
from verification.levels import Level
from verification.models import Claim, Hold, Interaction, Staff
from verification.reasons import to_staff
from verification.ways import by_code
from visits import desk, escalations, letters
from visits.models import Escalation, Visit
from visits.papers import missing
from visits.placing import Place, Wish, places, sendable


def of_decision(request: HttpRequest, visit: Visit, decision: Decision) -> HttpResponse:
    """Show what the gate decided: done, refused with the words to say, or not to be read."""
    context = {**admin.site.each_context(request), "title": _("The gate's answer"), "visit": visit}
    match decision:
        case Granted():
            context |= {"granted": decision.grant, "result": _result(visit, decision)}
        case Refused():
            refusal = decision.refusal
            language = desk.at_desk_language(visit)
            context |= {
                "refusal": refusal,
                "why": to_staff(refusal.reason),
                "said": refusal.said.get(language, ""),
                "language": language,
                "ways": [way for code in refusal.ways if (way := by_code(code))],
                "here": _acting(request, visit),
            }
        case Proposed():
            context |= {"proposed": decision.proposal}
        case Malformed():
            context |= {"errors": _problems(visit, decision)}
    return TemplateResponse(request, "admin/visits/decision.html", context)


def _result(visit: Visit, decision: Granted) -> list[tuple[str, str]]:
    """Give what came of it in words; what was disclosed is shown once, and not when the form is sent again."""
    shown = [] if decision.repeated else results.record(decision.result)
    return [*results.lines(decision.result, visit.office.tz), *shown]


def _acting(request: HttpRequest, visit: Visit) -> Interaction | None:
    """Return the desk's interaction while the reader of the page may act in it."""
    here = visit.desk_interaction
    return here if here is not None and here.live and here.served_by_id == request.user.pk else None


def _problems(visit: Visit, decision: Malformed) -> list[tuple[str, str]]:
    asked = declared(visit.action)
    fields = asked.form.base_fields if asked else {}
    return [
        (str(fields[name].label or name) if name in fields else "", " ".join(map(str, texts)))
        for name, texts in decision.errors.items()
    ]


def holds(claim: Claim | None, at: datetime) -> list[dict[str, Any]]:
    """Give the holds in force on who is claimed; for a page that opens after the document was compared."""
    if claim is None or claim.customer is None:
        return []
    found = Hold.objects.in_force(at).filter(customer=claim.customer)
    return [
        {
            "label": Hold.Kind(hold.kind).label.capitalize(),
            "until": hold.until,
            "brief": hold.kind == Hold.Kind.TEMPORARY,
        }
        for hold in found
    ]


def next_place(visit: Visit, level: Level, at: datetime) -> Place | None:
    """Find the next free time that could be offered, in this office if it can."""
    code_counts = level >= Level.LOW and visit.customer is not None and bool(sendable(visit.customer, at))
    return next(places(Wish(visit.organisation_id, visit.office), code_counts=code_counts, at=at), None)


def of_next_visit(request: HttpRequest, visit: Visit, by: Staff, at: datetime) -> HttpResponse:
    """Note what was missing and book the next visit for the same refusal; what was accepted stays accepted.

    A visit that had ended is not opened for it: the contact in which it is asked for ends with the answer.
    """
    lacking = missing(visit, on=desk.today(visit, at))
    ended = visit.state == Visit.State.INCOMPLETE
    standing = escalations.standing_after(visit, at=at) if ended else None
    if standing is None:
        here = desk.for_next_visit(visit, by=by, at=at)
        try:
            decision = _asked(visit, here, by, at)
        finally:
            if ended:
                interactions.end(here.public_id, at=at, by=by)
        if not isinstance(decision, Granted):
            return of_decision(request, visit, decision)
        standing = Escalation.objects.select_related("grant").get(grant__public_id=decision.result["request"])
    if visit.state == Visit.State.HERE:
        desk.incomplete(visit, by=by, at=at)
    _tell(request, standing, [group.desk_line() for group in lacking], at)
    return HttpResponseRedirect(reverse("admin:visits_desk", args=[visit.public_id]))


def _asked(visit: Visit, here: Interaction, by: Staff, at: datetime) -> Decision:
    return attempt(
        "book_visit",
        origin=Live(interaction_id=here.public_id, by=by),
        parameters={
            "refusal": str(visit.refusal.public_id) if visit.refusal else None,
            "action": visit.action,
            "office": str(visit.office.public_id),
            **_answers(visit),
        },
        at=at,
        key=f"desk:next:{visit.public_id}:{here.public_id}",
    )


def _tell(request: HttpRequest, waiting: Escalation, lacking: list[str], at: datetime) -> None:
    placed = escalations.place(waiting.pk, at=at) or escalations.placed_for(waiting.grant)
    if placed is None:
        messages.warning(request, _("The next visit is being placed; the customer is told of it in writing."))
        return
    with translation.override(translation.get_language()):
        when = letters.where_and_when(placed).replace("\n", ", ")
    messages.success(request, _("The next visit: %(when)s") % {"when": when})
    for line in lacking:
        messages.warning(request, _("Still missing: %(line)s") % {"line": line})


def _answers(visit: Visit) -> dict[str, str]:
    told = {True: "yes", False: "no", None: ""}
    kept = visit.answers
    return {
        "representation": kept.get("representation", "self"),
        "citizenship": kept.get("citizenship", "unknown"),
        "minor": told[kept.get("minor")],
        "name_changed": told[kept.get("name_changed")],
    }
