"""One contact on one page: who speaks, what was proved and for how long, what can be done, and what to say."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from cases import phrases
from cases.models import Case
from cases.pages import circumstances, namesakes, prompting, story
from cases.pages.access import Standing, person, served, serving, show, standing, visible
from cases.pages.claim_forms import NameForm, NumberForm, SpeakerForm
from verification import interactions, masking, results
from verification.authority import represents
from verification.levels import Held, Level
from verification.models import Claim, Customer, Evidence, Interaction, ProposalEnd, Staff
from verification.policy import current
from verification.preview import needs
from verification.scene import claims_of_all
from visits.models import Escalation, Visit


@serving
@require_GET
def interaction(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Show one contact as it stands now."""
    found = visible(request, public_id)
    return show(request, "cases/interaction.html", context_of(found, person(request), timezone.now()))


def context_of(found: Interaction, by: Staff, at: datetime, **more: Any) -> dict[str, Any]:
    """Return what the page shows of a contact to `by`; nothing of any customer's record is in it."""
    claim, held = masking.standing(found, at)
    mine = standing(found, by) is Standing.MINE
    return {
        "title": f"{found.get_channel_display()} · {found.get_language_display()}",
        "contact": found,
        "standing": standing(found, by).value,
        "acting": mine and found.live,
        "claim": claim,
        "speakers": _speakers(found, at),
        "line": interactions.line_of(found),
        "held": held,
        "seconds_left": int((held.until - at).total_seconds()) if held.until else 0,
        "minutes_left": int((held.until - at).total_seconds() // 60) if held.until else 0,
        "languages": Customer.Language.choices,
        "ladder": ladder(held.level),
        "evidence": _evidence(claim, found.evidence_from),
        "prospects": needs(found, by=by, at=at) if mine and found.live else [],
        "phrases": phrases.for_contact(found, claimed=claim is not None) if found.live else [],
        "story": story.of(found),
        "cases": _cases(found),
        "number_form": NumberForm(),
        "name_form": NameForm(auto_id="id_name_%s"),
        "speaker_form": SpeakerForm(auto_id="id_speaker_%s"),
        "visit": _visit(found),
        "at_desk": Visit.objects.filter(events__interaction=found).first() if mine and found.live else None,
        **(circumstances.shown(found, claim, held, at) if mine and found.live else {}),
        "asking": prompting.panel(found, claim, at),
        "namesakes": namesakes.panel(found, claim),
        "pulse": pulse_of(found, claim, held),
        "rest": rest_of(found),
        **more,
    }


def ladder(reached: Level) -> list[dict[str, Any]]:
    """Return the four steps from the lowest: how each is reached, and where the caller stands."""
    how = {
        Level.NONE: _("A name, a number, a voice: they prove nothing."),
        Level.LOW: _("A code typed on the keypad."),
        Level.SUBSTANTIAL: _("Strong e-ID in his own browser, or an identity document at the desk."),
        Level.HIGH: _("Strong e-ID of the level high, or a document and a second clerk or a visit code."),
    }
    return [
        {"label": level.label, "how": how[level], "reached": level <= reached, "here": level is reached}
        for level in Level
    ]


def _evidence(claim: Claim | None, since: datetime | None) -> list[dict[str, Any]]:
    """Return what was seen under the claim, newest first, and what each is worth by the policy."""
    if claim is None:
        return []
    worth, together = current().worth, current().together
    partner = {kind: rule.level for rule in together for kind in rule.one_of}
    return [
        {
            "kind": seen.get_kind_display(),
            "at": seen.observed_at,
            "until": seen.observed_at + worth[seen.kind].lasts,
            "worth": worth[seen.kind].level.label,
            "with_papers": partner[seen.kind].label if seen.kind in partner else "",
        }
        for seen in claim.evidence.order_by("-pk")
        if seen.kind in worth and (since is None or seen.observed_at >= since)
    ]


def _speakers(found: Interaction, at: datetime) -> list[dict[str, Any]]:
    """Return who speaks in the contact: in which capacity, whether he said who he is, and how sure we are of him.

    Whose numbers they are is not shown: the page would tell who is a customer.
    """
    return [
        {
            "capacity": claim.get_capacity_display(),
            "source": claim.get_source_display(),
            "at": claim.claimed_at,
            "for_another": represents(claim),
            "said_who": bool(claim.person_mark),
            "level": masking.held_by(claim, found, at).level.label,
        }
        for claim in claims_of_all(found)
    ]


def _cases(found: Interaction) -> list[tuple[str, Case]]:
    """Return the cases opened in this very contact with their states; what was asked before is not shown here."""
    cases = Case.objects.filter(interaction=found).prefetch_related("questions__answer").order_by("opened_at")
    return [(str(Case.State(case.state).label), case) for case in cases]


def _visit(found: Interaction) -> str:
    """Tell how far a visit asked for in this contact is: nothing of where or when, which is written to the customer."""
    wanted = Escalation.objects.filter(grant__interaction=found).order_by("-pk").first()
    if wanted is None:
        return ""
    if wanted.state == Escalation.State.DONE:
        return _("A visit has been placed for this contact.")
    return _("A visit is being placed for this contact.")


def pulse_of(found: Interaction, claim: Claim | None, held: Held) -> str:
    """Return a short word that changes whenever the page would look different."""
    asked = prompting.newest(found)
    seen = Evidence.objects.filter(claim__speaker__interaction=found).count()
    heard = found.speakers.count()
    decided = ProposalEnd.objects.filter(proposal__interaction=found).count()
    proof = (claim and claim.pk, seen, heard, held.level, asked and (asked.prompt.pk, asked.state))
    told_apart = namesakes.stage(found)
    parts = (found.ended_at, found.served_by_id, found.keypad, found.language, decided, told_apart, *proof)
    return sha256(repr(parts).encode()).hexdigest()[:16]


def rest_of(found: Interaction) -> str:
    """Return a short word that changes with what the page's script does not put in place by itself."""
    parts = (found.ended_at, found.served_by_id, found.language)
    return sha256(repr(parts).encode()).hexdigest()[:16]


@never_cache
@serving
@require_GET
def pulse(request: HttpRequest, public_id: UUID) -> JsonResponse:
    """Answer the page's script: has anything changed since it was loaded?"""
    found = visible(request, public_id)
    claim, held = masking.standing(found, timezone.now())
    return JsonResponse({"pulse": pulse_of(found, claim, held)})


@serving
@require_POST
def record(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Open the record for this contact: masked by the caller's level, and every opening is an entry of the log."""
    found, by, at = served(request, public_id), person(request), timezone.now()
    fields = masking.open_record(public_id, by=by, at=at)
    shown = [(masking.LABELS[name], results.aloud(name, value)) for name, value in fields.items()]
    return show(request, "cases/interaction.html", context_of(found, by, at, record=shown, record_opened=True))


@serving
@require_POST
def hand_back(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Put the contact back into the queue for a colleague."""
    served(request, public_id)
    try:
        interactions.hand_back(public_id, by=person(request), at=timezone.now())
    except interactions.Ended:
        messages.info(request, _("The contact has ended already."))
    else:
        messages.success(request, _("The contact is in the queue again, for a colleague."))
    return redirect("admin:queue")


@serving
@require_POST
def end(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """End the contact; what was proved in it ends with it."""
    served(request, public_id)
    interactions.end(public_id, at=timezone.now(), by=person(request))
    messages.success(request, _("The contact has ended. Thank you for taking care of it."))
    return redirect("admin:queue")


@serving
@require_POST
def speak(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Change the language that the caller is spoken to in."""
    served(request, public_id)
    language = request.POST.get("language", "")
    if language in Customer.Language.values:
        try:
            interactions.set_language(public_id, language=language, at=timezone.now())
        except interactions.Ended:
            messages.info(request, _("The contact has ended already."))
    return redirect("admin:interaction", public_id)
