"""The right to act for a customer: a question apart from who speaks, asked at every attempt and at that moment.

Being the customer gives it, unless he is under age, has a guardian, is dead or is a company. A record of it gives it to
another: a mandate for named actions, a guardian's, a signatory's or an estate's office. Nobody's word gives it, nor
does a mandate reach further than to the person it names: who represents is himself a person who acts alone.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.conf import settings

from verification import approvals, levels
from verification.declarations import IN_PERSON, MANDATE_ENDED, OFFICE_SHOWN, OWN_MATTER, Declaration
from verification.levels import Fact
from verification.models import Claim, Customer, Interaction, Mandate, RegisterAnswer
from verification.policy import current
from verification.scene import claims_of_all, facts

if TYPE_CHECKING:
    from verification.attempts import Attempt

OF_AGE = 18
OFFICES = frozenset({Mandate.Kind.GUARDIAN, Mandate.Kind.SIGNATORY, Mandate.Kind.ESTATE})
ANSWER_LASTS = timedelta(minutes=10)  # of a register: longer would outlive a right that was taken back there
COURT = "COURT"  # the paper that makes a guardian for a grown person


def stated(action: Declaration, claim: Claim | None) -> bool:
    """Tell whether what the speaker himself says of his capacity can give the authority that the action asks for.

    Judged before the level, and from his own words alone: who speaks for another must have said who he himself is, and
    that he is another.
    """
    if not action.scope or claim is None:
        return True
    if action.scope == IN_PERSON:
        return not represents(claim)
    if action.scope == OFFICE_SHOWN and claim.capacity not in OFFICES:
        return False
    return not represents(claim) or claim.person_mark not in ("", claim.mark)


def represents(claim: Claim) -> bool:
    """Tell whether the speaker says that he speaks for another."""
    return claim.capacity != Claim.Capacity.SELF


def recorded(asked: Attempt) -> bool:
    """Tell whether the record gives the speaker the right to do this for the customer, now.

    Judged only once the level is reached, since the answer tells something of the record. A representative is told the
    same of a customer who doesn't exist as of one who never gave him a mandate.
    """
    claim, customer = asked.scene.claim, asked.scene.customer
    if not asked.declared.scope or claim is None or asked.scene.origin in ("batch", "follow"):
        return True
    if not represents(claim):
        return customer is None or acts_alone(customer, asked.at, claim=claim)
    if customer is None or not _fit(claim, asked.at):
        return False
    if asked.declared.scope == OFFICE_SHOWN:
        return _may_be_recorded(claim, customer, asked)
    if asked.declared.scope == MANDATE_ENDED and _gives_up(claim, asked):
        return True
    return any(_enough(mandate, asked) for mandate in _mandates(claim, asked)) or _by_register(claim, asked)


def known(claim: Claim, at: datetime) -> bool:
    """Tell whether the record knows the speaker as somebody who may act for the customer at all, in any matter.

    Before that he is a stranger to this record, however well he has proven himself.
    """
    if not represents(claim):
        return True
    if not _fit(claim, at):
        return False
    return any(_in_office(mandate, at) for mandate in _held(claim, at)) or bool(_register_says(claim, at))


def acts_alone(customer: Customer, at: datetime, *, claim: Claim | None = None) -> bool:
    """Tell whether this customer decides his own matters: a living person, of age on this day, without a guardian.

    `claim` is the one under which he himself is heard now: what was seen of his age under it counts.
    """
    able = customer.kind == Customer.Kind.PERSON and not customer.needs_guardian and of_age(customer, at, claim=claim)
    return able and not _is_estate(customer, at)


def may_be_of_age(customer: Customer, at: datetime) -> bool:
    """Tell whether a right may be written down for him: he decides his own matters, or only his age isn't known.

    How old he is, is asked again whenever he acts on it.
    """
    able = customer.kind == Customer.Kind.PERSON and not customer.needs_guardian and not minor(customer, at)
    return able and not _is_estate(customer, at)


def of_age(customer: Customer, at: datetime, *, claim: Claim | None = None) -> bool:
    """Tell whether he is of age, as far as we know.

    Whose date of birth we don't have is as old as the policy says, a minor unless it says otherwise, until a document
    or a strong login shows in this very contact that he is of age.
    """
    if customer.birth_date is not None:
        return not minor(customer, at)
    return current().unknown_age == "AS_ADULT" or _shown_of_age(customer, claim)


def _shown_of_age(customer: Customer, claim: Claim | None) -> bool:
    """Tell by the newest observation of his age, since the contact last changed hands late."""
    if claim is None or claim.person_id != customer.pk:
        return False
    since, seen = claim.speaker.interaction.evidence_from, claim.evidence.filter(detail__has_key="of_age")
    newest = (seen.filter(observed_at__gte=since) if since else seen).order_by("-pk").first()
    return newest is not None and newest.detail["of_age"] is True


def _is_estate(customer: Customer, at: datetime) -> bool:
    """Tell whether an estate acts for him: who still says that he is the dead man is not."""
    return Mandate.objects.in_force(at).filter(principal=customer, kind=Mandate.Kind.ESTATE).exists()


def minor(customer: Customer, at: datetime) -> bool:
    """Tell whether he is under age on the day that it is at home at `at`; on his birthday he is of age."""
    return customer.birth_date is not None and not grown_up(customer.birth_date, at)


def grown_up(born: date, at: datetime) -> bool:
    """Tell whether who was born on this day is of age on the day that it is at home at `at`."""
    return at.astimezone(ZoneInfo(settings.TIME_ZONE)).date() >= comes_of_age(born)


def comes_of_age(born: date) -> date:
    """Return the eighteenth birthday; who was born on a leap day has it on 1 March."""
    try:
        return born.replace(year=born.year + OF_AGE)
    except ValueError:
        return date(born.year + OF_AGE, 3, 1)


def _fit(claim: Claim, at: datetime) -> bool:
    """Tell whether the speaker can represent anybody: another person than the customer, who decides his own matters."""
    person = claim.person
    return person is not None and person.pk != claim.customer_id and acts_alone(person, at, claim=claim)


def _register_says(claim: Claim, at: datetime) -> set[str]:
    """Return the actions to which a register said yes within the last minutes; a later answer takes the earlier away.

    A customer who is nobody has no answer, and a right that the register itself ended gives none.
    """
    newest: dict[str, RegisterAnswer] = {}
    for answer in claim.register_answers.filter(asked_at__lte=at, asked_at__gt=at - ANSWER_LASTS).order_by("pk"):
        newest[answer.action] = answer
    yes = RegisterAnswer.Said.YES
    return {each.action for each in newest.values() if each.said == yes and (each.until is None or each.until > at)}


def _by_register(claim: Claim, asked: Attempt) -> bool:
    return asked.declared.scope == OWN_MATTER and asked.name in _register_says(claim, asked.at)


def _held(claim: Claim, at: datetime) -> list[Mandate]:
    """Return what is in force between the speaker and the customer, of the capacity that he names."""
    between = Mandate.objects.in_force(at).select_related("principal")
    wanted = {"principal_id": claim.customer_id or 0, "representative_id": claim.person_id, "kind": claim.capacity}
    return list(between.filter(**wanted))


def _mandates(claim: Claim, asked: Attempt) -> list[Mandate]:
    return [mandate for mandate in _held(claim, asked.at) if _covers(mandate, asked)]


def _covers(mandate: Mandate, asked: Attempt) -> bool:
    """Tell whether it covers this action and this sum. There are no general mandates; an office may be one."""
    general = mandate.kind in OFFICES and not mandate.actions
    if not _in_office(mandate, asked.at) or not (general or asked.name in mandate.actions):
        return False
    at_stake = asked.declared.sum_of
    return mandate.most is None or at_stake is None or at_stake(asked.parameters) <= mandate.most


def _in_office(mandate: Mandate, at: datetime) -> bool:
    """Tell whether what it rests on still holds: a ward, a company, a dead man's estate, a living giver."""
    principal = mandate.principal
    match mandate.kind:
        case Mandate.Kind.GUARDIAN:
            return _still_guarded(mandate, at)
        case Mandate.Kind.SIGNATORY:
            return principal.kind == Customer.Kind.COMPANY
        case Mandate.Kind.ESTATE:
            return principal.kind == Customer.Kind.PERSON
    return not _is_estate(principal, at)


def _still_guarded(mandate: Mandate, at: datetime) -> bool:
    """A child's guardian ends on the day when the child comes of age; one whom a court gave to a grown person doesn't.

    An office that began when the ward was of age already can only be a court's.
    """
    ward = mandate.principal
    if ward.kind != Customer.Kind.PERSON:
        return False
    return ward.needs_guardian or minor(ward, at) or not minor(ward, mandate.begins_at)


def _may_be_recorded(claim: Claim, customer: Customer, asked: Attempt) -> bool:
    """Tell whether an office of this kind can be for this customer, with its paper on the desk before us."""
    here = asked.scene.interaction
    if here is None or here.channel != Interaction.Channel.DESK:
        return False
    match claim.capacity:
        case Claim.Capacity.GUARDIAN:
            by_court = customer.needs_guardian or asked.parameters.get("paper") == COURT
            return customer.kind == Customer.Kind.PERSON and (minor(customer, asked.at) or by_court)
        case Claim.Capacity.SIGNATORY:
            return customer.kind == Customer.Kind.COMPANY
    return customer.kind == Customer.Kind.PERSON


def _gives_up(claim: Claim, asked: Attempt) -> bool:
    """Tell whether he ends what he himself was given, which needs nobody's leave."""
    person = claim.person
    own = person is not None and asked.parameters.get("representative") == person.number
    return own and bool(_held(claim, asked.at))


def _enough(mandate: Mandate, asked: Attempt) -> bool:
    """Tell whether as many of those who must act together are heard in this contact, each proven on his own."""
    if mandate.needed == 1:
        return True
    interaction = asked.scene.interaction
    if interaction is None:
        return False
    rows = Mandate.objects.in_force(asked.at).filter(
        principal_id=mandate.principal_id, group=mandate.group, kind=mandate.kind
    )
    together = [row for row in rows.select_related("principal", "representative") if _covers(row, asked)]
    persons = {row.representative_id for row in together}
    heard = {claim.person_id for claim in claims_of_all(interaction) if _joins(claim, persons, mandate, asked)}
    return len(heard) >= mandate.needed


def _joins(claim: Claim, persons: set[int], mandate: Mandate, asked: Attempt) -> bool:
    """Tell whether this speaker is one of them, proven as the action asks, and has approved what must be approved.

    Of a proposal it is judged as it stood when it was proposed: nobody joins what was decided without him.
    """
    if claim.customer_id != mandate.principal_id or claim.capacity != mandate.kind or claim.person_id not in persons:
        return False
    if not _fit(claim, asked.at):
        return False
    proposal, here = asked.scene.proposal, asked.scene.interaction
    at = proposal.decided_at if proposal else asked.at
    since = here.evidence_from if here and here.evidence_from and here.evidence_from <= at else None
    seen, worth, action = facts(claim, since=since), dict(asked.policy.worth), asked.declared
    found = levels.held(
        seen,
        worth=worth,
        together=asked.policy.together,
        at=at,
        youngest_than=action.largest_age,
        not_resting_on=action.not_resting_on,
    )
    if action.linked and not _agreed(claim, seen, asked, at):
        return False
    return found.level >= asked.required


def _agreed(claim: Claim, seen: list[Fact], asked: Attempt, at: datetime) -> bool:
    """Tell whether this speaker too approved exactly this; of a proposal his approval is the one that it used."""
    youngest_than, policy = asked.declared.largest_age, asked.policy
    if asked.scene.proposal is not None:
        return levels.approved(seen, asked.digest, worth=dict(policy.worth), at=at, youngest_than=youngest_than)
    return approvals.unused(claim, seen, asked.digest, policy=policy, at=at, youngest_than=youngest_than)
