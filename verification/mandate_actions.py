"""Giving, recording and ending the right to act for another. Each effect runs inside the gate, under its grant.

Three roads, and none of them is the representative's word: the principal himself at HIGH, a paper on the desk that two
people have seen, or an import that two people have approved. (A national register is asked, and nothing is recorded.)
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from verification import authority, guard, mandates
from verification.declarations import (
    IN_PERSON,
    MANDATE_ENDED,
    OFFICE_SHOWN,
    OWN_MATTER,
    Occasion,
    Result,
    action,
    all_declared,
)
from verification.forms import NoParameters
from verification.levels import Level
from verification.models import Claim, Evidence, Grant, Mandate, MandateEnd
from verification.numbers import well_formed
from verification.policy import current

guard.protect("verification.Mandate", customer="principal_id")
guard.protect("verification.MandateEnd")

PAPERS = [
    (authority.COURT, _("decision of a court or of the guardianship authority")),
    ("REGISTER", _("extract of a register")),
    ("DEED", _("deed of estate inventory")),
]


def matters() -> list[tuple[str, str]]:
    """Return what can be done for another by mandate: the declared sensitive actions in a customer's own matter."""
    open_to_others = [one for one in all_declared() if one.origin == "live" and one.sensitive]
    return [(one.name, str(one.errand)) for one in open_to_others if one.scope == OWN_MATTER]


class RepresentativeForm(forms.Form):
    """Who acts for the customer, by his own customer number."""

    representative = forms.RegexField(
        r"^[1-9][0-9]{7}$", label=_("customer number of the one who acts"), max_length=8, min_length=8
    )

    def clean_representative(self) -> str:
        number: str = self.cleaned_data["representative"]
        if not well_formed(number):
            raise ValidationError(_("The customer number is not eight digits with a check digit."))
        return number


class MandateForm(RepresentativeForm):
    """Who may do what, up to which sum a time, and from which day to which, both included.

    The name is the customer's own word for whom he means, and must be that of the number: on his page he reads a person
    and not eight digits, and nothing of another's record is shown to get there.
    """

    name = forms.CharField(label=_("name of the one who acts"), min_length=3, max_length=160)
    actions = forms.MultipleChoiceField(label=_("in these matters"), choices=matters)
    most = forms.IntegerField(label=_("at most, in cents a time"), min_value=1, max_value=100_000_000, required=False)
    begins_on = forms.DateField(label=_("from"), input_formats=["%Y-%m-%d", "%d.%m.%Y"], required=False)
    ends_on = forms.DateField(label=_("until"), input_formats=["%Y-%m-%d", "%d.%m.%Y"])


class OfficeForm(forms.Form):
    """The paper that was seen, and with whom he acts when he doesn't act alone."""

    paper = forms.ChoiceField(label=_("paper that was seen"), choices=PAPERS)
    reference = forms.CharField(label=_("its number and date"), min_length=3, max_length=120)
    needed = forms.IntegerField(label=_("how many must act together"), min_value=1, max_value=9)
    together_with = forms.RegexField(r"^[1-9][0-9]{7}$", label=_("customer number of one he acts with"), required=False)
    ends_on = forms.DateField(label=_("until"), input_formats=["%Y-%m-%d", "%d.%m.%Y"], required=False)


class OfficeEndForm(RepresentativeForm):
    """Whose office has ended, and the paper that was seen."""

    paper = forms.ChoiceField(label=_("paper that was seen"), choices=PAPERS)
    reference = forms.CharField(label=_("its number and date"), min_length=3, max_length=120)


BY_HIMSELF: Final = frozenset({Evidence.Kind.IDENTITY_LIST})
CONFIRMED: Final = frozenset({Evidence.Kind.SECOND_CLERK, Evidence.Kind.VISIT_CODE, Evidence.Kind.CHIP})


def wait(claim: Claim | None) -> timedelta:
    """Return how long the customer has to stop a mandate: none when he stood before us and not only his login did."""
    kinds = set(Evidence.objects.filter(claim=claim).values_list("kind", flat=True)) if claim else set()
    in_person = kinds >= BY_HIMSELF and not kinds.isdisjoint(CONFIRMED)
    return timedelta() if in_person else current().veto_delay


def until_it_begins(grant: Grant) -> timedelta:
    """Return how long after its grant the mandate begins."""
    given = Mandate.objects.filter(principal=grant.customer, evidence=_under(grant)).first()
    return given.begins_at - grant.decided_at if given else wait(grant.claim)


def _under(grant: Grant) -> str:
    return f"GRANT: {grant.public_id}"


@action(
    name="register_mandate",
    label=_("Record a mandate that the customer gives"),
    matter=_("Mandate given to another person"),
    required=Level.HIGH,
    because=(
        "Whoever holds a mandate speaks with the customer's voice, so only the customer himself gives one, at the"
        " highest level, for named matters and a set time, having approved exactly these; unless he stood before us,"
        " his contacts have three days to stop it."
    ),
    form=MandateForm,
    needs_claim=True,
    needs_customer=True,
    scope=IN_PERSON,
    linked=True,
    told=_(
        "A mandate was recorded: another person may act for you from %(day)s. Until then you can stop it by calling us,"
        " with no code, and later you can end it at once whenever you wish."
    ),
    delay=until_it_begins,
    writes=("verification.Mandate",),
)
def register_mandate(occasion: Occasion) -> Result:
    """Record the mandate. The representative proves himself with his own evidence whenever he uses it."""
    asked: Any = occasion.parameters
    mandate = mandates.give(
        Mandate.Kind.MANDATE,
        principal=occasion.served,
        to=mandates.representative(asked["representative"], occasion.served, occasion.at, name=asked["name"]),
        terms=mandates.Terms(asked["actions"], asked["most"], asked["begins_on"], asked["ends_on"]),
        evidence=_under(occasion.grant),
        at=occasion.at,
        after=wait(occasion.claim),
    )
    return {"mandate": str(mandate.public_id), "effective_at": mandate.begins_at.isoformat()}


@action(
    name="stop_mandate",
    label=_("Stop a mandate that has yet to begin"),
    matter=_("Stopping of a mandate"),
    required=Level.NONE,
    because=(
        "The recorded contacts were told of it; whoever says that it was not him may stop what nobody has used yet, and"
        " it can be given again."
    ),
    form=NoParameters,
    needs_claim=True,
    protective=True,
    by_caller=True,
    told=_("A mandate to act for you was stopped before it began, as was asked for."),
    told_if=lambda grant: MandateEnd.objects.filter(customer=grant.customer, ended_at=grant.decided_at).exists(),
    writes=("verification.MandateEnd",),
)
def stop_mandate(occasion: Occasion) -> Result:
    """End every mandate that has yet to begin. The answer is the same whether or not there was one."""
    MandateEnd.stop_pending(occasion.customer, at=occasion.at)
    return {}


@action(
    name="register_office",
    label=_("Record a guardian, a signatory or an estate from papers"),
    matter=_("Record of who acts for you"),
    required=Level.HIGH,
    because=(
        "The paper gives the right, not the one who brings it: he proves himself at the highest level, and a second"
        " person sees the paper before anything is recorded."
    ),
    form=OfficeForm,
    needs_claim=True,
    needs_customer=True,
    scope=OFFICE_SHOWN,
    approvers=frozenset({"CLERK", "SUPERVISOR"}),
    alone_up_to=lambda _asked: False,
    told=_("It was recorded from papers shown at our desk that another person acts for you."),
    writes=("verification.Mandate",),
)
def register_office(occasion: Occasion) -> Result:
    """Record the office that the speaker has shown, for the customer he speaks for."""
    asked: Any = occasion.parameters
    if occasion.claim is None or occasion.claim.person is None:
        raise mandates.NotFit
    kind, partner = occasion.claim.capacity, None
    if asked["together_with"]:
        partner = mandates.in_office(occasion.served, asked["together_with"], kind, occasion.at)
    mandate = mandates.give(
        kind,
        principal=occasion.served,
        to=occasion.claim.person,
        terms=mandates.Terms(ends_on=asked["ends_on"]),
        evidence=f"{asked['paper']}: {asked['reference']}",
        at=occasion.at,
        group=partner.group if partner else None,
        needed=max(asked["needed"], partner.needed if partner else 1),
    )
    return {"mandate": str(mandate.public_id)}


@action(
    name="end_mandate",
    label=_("End a mandate"),
    matter=_("End of a mandate"),
    required=Level.SUBSTANTIAL,
    because=(
        "Who gave a mandate may take it back, and who holds one may lay it down, at once and without giving a reason."
    ),
    form=RepresentativeForm,
    needs_claim=True,
    needs_customer=True,
    scope=MANDATE_ENDED,
    protective=True,
    told=_("A mandate to act for you has ended."),
    told_if=lambda grant: MandateEnd.objects.filter(customer=grant.customer, ended_at=grant.decided_at).exists(),
    writes=("verification.MandateEnd",),
)
def end_mandate(occasion: Occasion) -> Result:
    """End what was given to this representative; he himself also lays down an office. It counts from this moment."""
    number = occasion.parameters["representative"]
    kinds = [Mandate.Kind.MANDATE]
    if occasion.claim is not None and authority.represents(occasion.claim) and _is_his(number, occasion):
        kinds = [Mandate.Kind(occasion.claim.capacity)]
    return {"ended": mandates.end(occasion.served, number, kinds=kinds, at=occasion.at)}


def _is_his(number: str, occasion: Occasion) -> bool:
    person = occasion.claim.person if occasion.claim else None
    return person is not None and person.number == number


@action(
    name="end_office",
    label=_("Record from papers that an office has ended"),
    matter=_("End of another person's office"),
    required=Level.HIGH,
    because=(
        "Taking the right to act from somebody can harm as much as giving it, so it takes the same: a proven person, a"
        " paper, and a second person who sees it."
    ),
    form=OfficeEndForm,
    needs_claim=True,
    needs_customer=True,
    scope=OFFICE_SHOWN,
    approvers=frozenset({"CLERK", "SUPERVISOR"}),
    alone_up_to=lambda _asked: False,
    told=_("It was recorded from papers shown at our desk that a person no longer acts for you."),
    writes=("verification.MandateEnd",),
)
def end_office(occasion: Occasion) -> Result:
    """End the office of another, of the kind that the speaker himself names. It counts from this moment."""
    if occasion.claim is None:
        raise mandates.NotFit
    kinds = [Mandate.Kind(occasion.claim.capacity)]
    ended = mandates.end(occasion.served, occasion.parameters["representative"], kinds=kinds, at=occasion.at)
    return {"ended": ended}
