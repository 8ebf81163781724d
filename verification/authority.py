"""The right to act for a customer: a question apart from who speaks, asked at every attempt and at that moment.

Being the customer gives it, unless he is under age, has a guardian or is a company. A record of it gives it to another:
a mandate for named actions, a guardian's, a signatory's or an estate's office. Nobody's word gives it.
"""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings

from verification import levels
from verification.attempts import Attempt
from verification.declarations import Declaration
from verification.models import Claim, Customer, Mandate
from verification.scene import claims_of_all, facts

OF_AGE = 18


def stated(action: Declaration, claim: Claim | None) -> bool:
    """Tell whether what the speaker himself says of his capacity can give the authority that the action asks for.

    Judged before the level, and from his own words alone: who speaks for another must have said who he himself is.
    """
    return not action.scope or claim is None or claim.capacity == Claim.Capacity.SELF or bool(claim.person_mark)


def recorded(asked: Attempt) -> bool:
    """Tell whether the record gives the speaker the right to do this for the customer, now.

    Judged only once the level is reached, since the answer tells something of the record.
    """
    claim, customer = asked.scene.claim, asked.scene.customer
    if not asked.declared.scope or customer is None or asked.scene.origin in ("batch", "follow"):
        return True
    if claim is None or claim.capacity == Claim.Capacity.SELF:
        return acts_alone(customer, asked.at)
    return any(_enough(mandate, asked) for mandate in _mandates(claim, asked))


def acts_alone(customer: Customer, at: datetime) -> bool:
    """Tell whether this customer decides his own matters: a person, of age on this day, without a guardian."""
    return customer.kind == Customer.Kind.PERSON and not customer.needs_guardian and not minor(customer, at)


def minor(customer: Customer, at: datetime) -> bool:
    """Tell whether he is under age on the day that it is at home at `at`; on his birthday he is of age."""
    born, today = customer.birth_date, at.astimezone(ZoneInfo(settings.TIME_ZONE)).date()
    return born is not None and today < comes_of_age(born)


def comes_of_age(born: date) -> date:
    """Return the eighteenth birthday; who was born on a leap day has it on 1 March."""
    try:
        return born.replace(year=born.year + OF_AGE)
    except ValueError:
        return date(born.year + OF_AGE, 3, 1)


def _mandates(claim: Claim, asked: Attempt) -> list[Mandate]:
    """Return what gives this speaker authority here: of his capacity, in force, covering the action and the sum."""
    if claim.person_id is None or claim.person_id == claim.customer_id:
        return []
    held = (
        Mandate.objects.in_force(asked.at)
        .select_related("principal")
        .filter(principal_id=claim.customer_id, representative_id=claim.person_id, kind=claim.capacity)
    )
    return [mandate for mandate in held if _covers(mandate, asked)]


def _covers(mandate: Mandate, asked: Attempt) -> bool:
    if mandate.kind == Mandate.Kind.GUARDIAN and not _still_guarded(mandate.principal, asked.at):
        return False
    if mandate.actions and asked.name not in mandate.actions:
        return False
    if mandate.kind == Mandate.Kind.MANDATE and not mandate.actions:
        return False  # no general mandates
    at_stake = asked.declared.sum_of
    return mandate.most is None or at_stake is None or at_stake(asked.parameters) <= mandate.most


def _still_guarded(ward: Customer, at: datetime) -> bool:
    """A guardian's office ends on the day when the child comes of age, unless a court gave him a ward of any age."""
    return ward.needs_guardian or minor(ward, at)


def _enough(mandate: Mandate, asked: Attempt) -> bool:
    """Tell whether as many of those who must act together are heard in this contact, each proven on his own."""
    if mandate.needed == 1:
        return True
    interaction = asked.scene.interaction
    if interaction is None:
        return False
    together = Mandate.objects.in_force(asked.at).filter(principal_id=mandate.principal_id, group=mandate.group)
    persons = set(together.values_list("representative_id", flat=True))
    heard = {claim.person_id for claim in claims_of_all(interaction) if _joins(claim, persons, mandate, asked)}
    return len(heard) >= mandate.needed


def _joins(claim: Claim, persons: set[int], mandate: Mandate, asked: Attempt) -> bool:
    same = claim.customer_id == mandate.principal_id and claim.capacity == mandate.kind and claim.person_id in persons
    if not same or asked.scene.proposal is not None:  # of a proposal the levels were judged while they were live
        return same
    since = asked.scene.interaction.evidence_from if asked.scene.interaction else None
    found = levels.held(
        facts(claim, since=since),
        worth=dict(asked.policy.worth),
        together=asked.policy.together,
        at=asked.at,
        youngest_than=asked.declared.largest_age,
    )
    return found.level >= asked.required
