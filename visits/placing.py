"""Where and when: the first slot, at an office able to do it, that nobody has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from verification.declarations import Occasion
from verification.levels import Level
from verification.models import ContactChange, Customer, Refusal
from verification.policy import current
from visits.checklist import PersonFacts, checklist_for
from visits.hours import OfficeAbilities, abilities_at, slots
from visits.models import ChecklistItem, Escalation, Office, Visit, VisitEvent
from visits.models.visits import CANCELLING

DAYS_AHEAD = 60
COLLISIONS = 50
NO_DESK = 0
"""The desk of who came without a booking; offices number theirs from 1."""


class NoSlot(RuntimeError):
    """Tell that no office able to do it has a free slot within DAYS_AHEAD; the escalation stays due."""


@dataclass(frozen=True)
class Wish:
    """Where somebody would like to come: an office, a town, or anywhere."""

    organisation_id: int
    office: Office | None = None
    town: str = ""


@dataclass(frozen=True)
class Place:
    """One free desk at one office, and what can be done there at that hour."""

    office: Office
    starts_at: datetime
    desk: int
    abilities: OfficeAbilities

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + timedelta(minutes=self.office.slot_minutes)


def book(occasion: Occasion, wanted: Escalation) -> Visit:
    """Book the first place that answers what was wanted, inside the gate. Raises NoSlot.

    The unique key on office, time and desk settles who was first; who comes second looks again.
    """
    for _ in range(COLLISIONS):
        place = next(places(_wish(wanted), code_counts=_code_counts(wanted, occasion.at), at=occasion.at), None)
        if place is None:
            raise NoSlot
        try:
            with transaction.atomic():
                return _booked(occasion, wanted, place)
        except IntegrityError:
            continue
    raise NoSlot


def places(wish: Wish, *, code_counts: bool, at: datetime) -> Iterator[Place]:
    """Yield free places where HIGH can be reached: in the wished office first, then its town, then anywhere."""
    offices = Office.objects.filter(organisation_id=wish.organisation_id)
    for circle in _circles(list(offices.prefetch_related("weekly", "exceptions", "abilities")), wish):
        found = [place for office in circle if (place := _first(office, code_counts, at))]
        yield from sorted(found, key=lambda place: (place.starts_at, place.office.pk))


def _wish(wanted: Escalation) -> Wish:
    return Wish(wanted.organisation_id, wanted.office, wanted.town)


def _code_counts(wanted: Escalation, at: datetime) -> bool:
    """Tell whether a visit code may decide where somebody is sent.

    Not before LOW: a stranger must not learn from the office or the hour what is on a record.
    """
    customer = wanted.grant.customer
    return wanted.grant.held >= Level.LOW and customer is not None and bool(sendable(customer, at))


def sendable(customer: Customer, at: datetime) -> list[ContactChange]:
    """Return the phone and e-mail on record that are not in quarantine."""
    contacts = customer.recorded_contacts(at)
    return [
        contact
        for contact in contacts
        if contact.kind in (ContactChange.Kind.PHONE, ContactChange.Kind.EMAIL) and contact.quarantined_until <= at
    ]


def able(abilities: OfficeAbilities, *, code_counts: bool) -> bool:
    """Tell whether HIGH can be reached by what the policy knows of: a chip counts once its evidence has a worth."""
    proofs = {kind for rule in current().together if rule.level is Level.HIGH for kind in rule.one_of}
    return bool(
        (abilities.second_clerk and "SECOND_CLERK" in proofs)
        or (abilities.chip and "CHIP" in proofs)
        or (code_counts and "VISIT_CODE" in proofs)
    )


def _circles(offices: list[Office], wish: Wish) -> Iterator[list[Office]]:
    """Give the offices in widening circles, none of them twice."""
    town = wish.office.town if wish.office else wish.town
    wished = [office for office in offices if office == wish.office]
    near = [office for office in offices if office not in wished and office.town.casefold() == town.casefold()]
    yield from (wished, near, [office for office in offices if office not in wished and office not in near])


def _first(office: Office, code_counts: bool, at: datetime) -> Place | None:
    """Find the first free place later than the age that a visit code must have.

    By then the code counts everywhere, the customer has had a day to find his papers, and a reminder makes sense.
    """
    earliest = at + current().visit_code_age + timedelta(minutes=1)
    calendar, length = office.calendar(), office.slot_minutes
    busy = _busy(office, earliest)
    for slot in slots(calendar, from_at=earliest, days=DAYS_AHEAD, length_minutes=length, tz=office.tz):
        abilities = abilities_at(calendar, slot, length_minutes=length, tz=office.tz)
        if able(abilities, code_counts=code_counts) and (desk := _free_desk(office, busy, slot)):
            return Place(office, slot, desk, abilities)
    return None


def _busy(office: Office, since: datetime) -> list[tuple[int, datetime, datetime]]:
    living = Visit.objects.filter(office=office, ends_at__gt=since).exclude(events__kind__in=CANCELLING)
    return list(living.values_list("desk", "starts_at", "ends_at"))


def _free_desk(office: Office, busy: list[tuple[int, datetime, datetime]], slot: datetime) -> int | None:
    ends = slot + timedelta(minutes=office.slot_minutes)
    taken = {desk for desk, starts_at, ends_at in busy if starts_at < ends and slot < ends_at}
    return next((desk for desk in range(1, office.desks + 1) if desk not in taken), None)


@dataclass(frozen=True)
class Errand:
    """What a visit is for: the action, the refusal it answers, and what he said of himself."""

    action: str
    refusal: Refusal | None
    language: str
    answers: Mapping[str, Any]


def receive(occasion: Occasion, errand: Errand, office: Office) -> Visit:
    """Make the visit of somebody who stands at the desk now, inside the gate. It takes no booked desk from anybody."""
    length, calendar = office.slot_minutes, office.calendar()
    abilities = abilities_at(calendar, occasion.at, length_minutes=length, tz=office.tz)
    return _made(occasion, errand, Place(office, occasion.at, NO_DESK, abilities), occasion.customer)


def _booked(occasion: Occasion, wanted: Escalation, place: Place) -> Visit:
    errand = Errand(wanted.action, wanted.refusal, wanted.language, wanted.answers)
    visit = _made(occasion, errand, place, wanted.grant.customer)
    VisitEvent.objects.create(visit=visit, kind=VisitEvent.Kind.BOOKED, at=occasion.at)
    return visit


def _made(occasion: Occasion, errand: Errand, place: Place, customer: Customer | None) -> Visit:
    here = Visit.objects.filter(office=place.office, starts_at=place.starts_at, desk=place.desk)
    before = here if place.desk == NO_DESK else here.filter(events__kind__in=CANCELLING)
    checklist = checklist_for(
        errand.action,
        person=PersonFacts(**errand.answers),
        office=place.abilities,
        on=place.starts_at.astimezone(place.office.tz).date(),
    )
    visit = Visit.objects.create(
        organisation_id=place.office.organisation_id,
        customer=customer,
        grant=occasion.grant,
        refusal=errand.refusal,
        action=errand.action,
        office=place.office,
        desk=place.desk,
        starts_at=place.starts_at,
        ends_at=place.ends_at,
        reuse=before.distinct().count(),
        language=errand.language,
        answers=errand.answers,
        rules_version=checklist.version,
        booked_at=occasion.at,
    )
    papers = [(group, item) for group in checklist.groups for item in group.items]
    ChecklistItem.objects.bulk_create(
        ChecklistItem(visit=visit, group=group.code, code=item.code, mandatory=group.mandatory, position=position)
        for position, (group, item) in enumerate(papers)
    )
    return visit
