"""What can be asked for about visits: book one, place it, cancel it. Effects run in the gate."""

from __future__ import annotations

from typing import Any

from celery import signature
from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from verification import guard, signals
from verification.declarations import Occasion, Result, action, declared
from verification.levels import Level
from verification.models import Claim, Interaction, Refusal, Signal
from visits import desk, escalations, keys, letters, placing, reminders
from visits.models import Escalation, Office, Reminder, Visit, VisitEvent
from visits.whose import mark_of

guard.protect("visits.Visit")

REPRESENTATION = [
    ("self", _("in my own matter")),
    ("guardian", _("as a guardian")),
    ("mandate", _("with a mandate")),
    ("signatory", _("for a company")),
]
CITIZENSHIP = [
    ("unknown", _("not told")),
    ("fi", _("Finland")),
    ("ie_no_dk", _("Ireland, Norway or Denmark")),
    ("eea", _("another country of the EEA, Switzerland or San Marino")),
    ("other", _("another country")),
]
YES_NO = [("", _("not told")), ("yes", _("yes")), ("no", _("no"))]


class VisitForm(forms.Form):
    """Which refusal or errand the visit is for, where he would like to come, and what he says of himself."""

    refusal = forms.UUIDField(label=_("refusal"), required=False)
    action = forms.CharField(label=_("errand"), max_length=60, required=False)
    office = forms.UUIDField(label=_("office"), required=False)
    town = forms.CharField(label=_("town"), max_length=60, required=False)
    representation = forms.ChoiceField(label=_("he acts"), choices=REPRESENTATION, required=False)
    citizenship = forms.ChoiceField(label=_("citizen of"), choices=CITIZENSHIP, required=False)
    minor = forms.ChoiceField(label=_("is it about a child?"), choices=YES_NO, required=False)
    name_changed = forms.ChoiceField(label=_("has his name changed?"), choices=YES_NO, required=False)

    def clean_action(self) -> str:
        asked: str = self.cleaned_data["action"]
        if asked and declared(asked) is None:
            raise ValidationError(_("There is no such errand."))
        return asked


@action(
    name="book_visit",
    label=_("Book a visit to the office"),
    required=Level.NONE,
    because="Whoever is refused must have a road that is always open; a visit tells him nothing that he did not say.",
    form=VisitForm,
    by_caller=True,
)
def book_visit(occasion: Occasion) -> Result:
    """Ask for a visit; a task places it. The answer is the same for everybody, and the first one's when asked again."""
    here = occasion.interaction
    if here is None:
        raise LookupError("a visit that nobody asked for")
    wished = occasion.parameters
    refusal = _refusal(here, wished["refusal"])
    kept = refusal if refusal and _said_by_same(refusal, occasion.claim) else None
    if kept and (first := escalations.standing_for(kept, at=occasion.at)):
        return {"request": str(first.grant.public_id)}
    escalation = Escalation.objects.create(
        organisation_id=here.organisation_id,
        grant=occasion.grant,
        refusal=kept,
        action=refusal.action if refusal else wished["action"],
        office=_office(here, wished["office"]),
        town=wished["town"],
        language=occasion.language,
        answers=_answers(wished),
        asked_at=occasion.at,
        due_at=occasion.at,
    )
    hint = signature("visits.tasks.escalate", kwargs={"escalation_id": escalation.pk}, ignore_result=True)

    # A function and no partial: Django logs the name of a robust hook that fails, and a partial has none.
    def send() -> None:
        hint.apply_async()

    transaction.on_commit(send, robust=True)  # a broker that is away must not undo what was committed; the sweep looks
    return {"request": str(occasion.grant.public_id)}


@action(
    name="place_visit",
    label=_("Place a visit that was asked for"),
    required=Level.NONE,
    because="The wish was granted on the line; finding the office, the hour and the list is work for a task.",
    form=forms.Form,
    origin="follow",
    follows="book_visit",
    writes=("visits.Visit",),
)
def place_visit(occasion: Occasion) -> Result:
    """Book the first place able to do it, write to the recorded contacts, set the reminder. Raises NoSlot."""
    wanted = Escalation.objects.select_related("grant__customer", "office", "refusal").get(grant=occasion.grant.follows)
    visit = placing.book(occasion, wanted)
    letters.tell_of_booking(visit, at=occasion.at)
    reminders.schedule(visit, at=occasion.at)
    Escalation.objects.filter(pk=wanted.pk).update(state=Escalation.State.DONE, last_error="")
    return {
        "visit": str(visit.public_id),
        "office": str(visit.office.public_id),
        "starts_at": visit.starts_at.isoformat(),
    }


class WalkInForm(forms.Form):
    """At which office he stands, what he came for, and what he says of himself."""

    refusal = forms.UUIDField(label=_("refusal"), required=False)
    office = forms.UUIDField(label=_("office"))
    action = forms.CharField(label=_("errand"), max_length=60, required=False)
    representation = forms.ChoiceField(label=_("he acts"), choices=REPRESENTATION, required=False)
    citizenship = forms.ChoiceField(label=_("citizen of"), choices=CITIZENSHIP, required=False)
    minor = forms.ChoiceField(label=_("is it about a child?"), choices=YES_NO, required=False)
    name_changed = forms.ChoiceField(label=_("has his name changed?"), choices=YES_NO, required=False)

    clean_action = VisitForm.clean_action


@action(
    name="receive_walk_in",
    label=_("Receive him at the desk now, without a booking"),
    required=Level.NONE,
    because="Who stands at the desk proves himself there as one who has booked does; receiving him raises no level.",
    form=WalkInForm,
    writes=("visits.Visit",),
    roles=frozenset({"CLERK", "SUPERVISOR"}),
    at_desk=True,
)
def receive_walk_in(occasion: Occasion) -> Result:
    """Make this contact a visit that has begun: no code was sent for it, so a chip or a second clerk must confirm.

    Asked again in the same contact, it is the same visit.
    """
    here, wished = occasion.interaction, occasion.parameters
    if here is None or occasion.by is None:
        raise LookupError("nobody is at the desk")
    if first := Visit.objects.filter(events__interaction=here).first():
        return {"visit": str(first.public_id)}
    office = _office(here, wished["office"])
    if office is None:
        raise LookupError("a desk at no office")
    refusal = _refusal(here, wished["refusal"])
    kept = refusal if refusal and _said_by_same(refusal, occasion.claim) else None
    errand = refusal.action if refusal else wished["action"]
    visit = placing.receive(occasion, placing.Errand(errand, kept, here.language, _answers(wished)), office)
    desk.event(visit, VisitEvent.Kind.ARRIVED, by=occasion.by, at=occasion.at, interaction=here, walk_in=True)
    return {"visit": str(visit.public_id)}


class CancelForm(forms.Form):
    """Why the visit is cancelled."""

    not_me = forms.BooleanField(label=_("the customer did not book it"), required=False)


@action(
    name="cancel_visit",
    label=_("Cancel a visit"),
    required=Level.NONE,
    because="Who holds the link was told of the visit at a recorded contact; giving an hour back harms nobody.",
    form=CancelForm,
    origin="follow",
    follows="place_visit",
    protective=True,
)
def cancel_visit(occasion: Occasion) -> Result:
    """Cancel the visit that the grant had placed, once, and take its link, codes and reminder back.

    Who says that he did not ask for it is believed at once, as everywhere: for some days we ask for more.
    """
    visit = Visit.objects.get(grant=occasion.grant.follows)
    not_his = occasion.parameters["not_me"]
    kind = VisitEvent.Kind.NOT_ME if not_his else VisitEvent.Kind.CANCELLED
    if not_his:
        said = Signal.Kind.SAID_NOT_ME
        signals.note_of_claimed(visit.customer, said, interaction=occasion.interaction, at=occasion.at)
    VisitEvent.objects.create(visit=visit, kind=kind, at=occasion.at)
    keys.revoke(visit, at=occasion.at)
    Reminder.objects.filter(visit=visit, state=Reminder.State.PENDING).update(state=Reminder.State.SKIPPED)
    return {"visit": str(visit.public_id)}


def _refusal(here: Interaction, wanted: Any) -> Refusal | None:
    """Find the refusal that the visit answers: one of this contact, or the one that brought him to this desk."""
    if wanted is None:
        return None
    found = Refusal.objects.filter(public_id=wanted, organisation_id=here.organisation_id).first()
    if found is None or not _belongs(found, here):
        raise LookupError("a refusal of another contact")
    return found


def _said_by_same(refusal: Refusal, claim: Claim | None) -> bool:
    """Tell whether no other customer was named when it was refused: his words are not for whom the visit is."""
    return refusal.claim is None or mark_of(refusal.claim) == mark_of(claim)


def _belongs(refusal: Refusal, here: Interaction) -> bool:
    answered = Visit.objects.filter(refusal=refusal, events__interaction=here)
    return refusal.interaction_id == here.pk or answered.exists()


def _office(here: Interaction, wanted: Any) -> Office | None:
    if wanted is None:
        return None
    return Office.objects.get(public_id=wanted, organisation_id=here.organisation_id)


def _answers(wished: Any) -> dict[str, Any]:
    told = {"yes": True, "no": False}
    return {
        "representation": wished["representation"] or "self",
        "citizenship": wished["citizenship"] or "unknown",
        "minor": told.get(wished["minor"]),
        "name_changed": told.get(wished["name_changed"]),
    }
