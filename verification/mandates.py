"""Mandates and offices: who may act for whom is recorded, and ended at once. Written inside the gate's effects only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from unicodedata import normalize
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from django.conf import settings

from verification.authority import may_be_of_age
from verification.models import Customer, Mandate, MandateEnd


class NotFit(LookupError):
    """Refuse a representative who is nobody, the customer himself, one who doesn't decide his own matters, or one of
    another name than was said.
    """


class NotThen(ValueError):
    """Refuse a right that would have run out before it begins."""


@dataclass(frozen=True)
class Terms:
    """How far a right reaches: in matter, in minor units a time, and from one day to the end of another."""

    actions: Sequence[str] = ()
    most: int | None = None
    begins_on: date | None = None
    ends_on: date | None = None


def representative(number: str, principal: Customer, at: datetime, *, name: str | None = None) -> Customer:
    """Return the customer of this number, and of this name when one was said, who is to act. Raises NotFit."""
    found = Customer.objects.filter(number=number, organisation_id=principal.organisation_id).first()
    if found is None or found.pk == principal.pk or not may_be_of_age(found, at):
        raise NotFit
    if name is not None and not _is_called(found, name):
        raise NotFit
    return found


def _is_called(person: Customer, name: str) -> bool:
    """Tell whether a name as it was said is this person's: the whole family name, and at least one given name."""
    said = _words(name)
    return _words(person.family_name) <= said and bool(_words(person.given_names) & said)


def _words(name: str) -> set[str]:
    return set(re.findall(r"\w+", normalize("NFKC", name).casefold()))


def give(
    kind: str,
    *,
    principal: Customer,
    to: Customer,
    terms: Terms,
    evidence: str,
    at: datetime,
    after: timedelta = timedelta(),
    group: UUID | None = None,
    needed: int = 1,
) -> Mandate:
    """Record that `to` may act for the principal. Raises NotThen.

    It begins when `after` has passed, or on a later day at the house.
    """
    begins_at = max(at + after, start_of(terms.begins_on)) if terms.begins_on else at + after
    ends_at = start_of(terms.ends_on + timedelta(days=1)) if terms.ends_on else None
    if ends_at is not None and ends_at <= begins_at:
        raise NotThen
    return Mandate.objects.create(
        principal=principal,
        representative=to,
        kind=kind,
        actions=sorted(terms.actions),
        most=terms.most,
        group=group or uuid4(),
        needed=needed,
        begins_at=begins_at,
        ends_at=ends_at,
        evidence=evidence[:200],
        recorded_at=at,
    )


def start_of(day: date) -> datetime:
    """Return the moment when a day begins where the house is."""
    return datetime.combine(day, time(), ZoneInfo(settings.TIME_ZONE))


def in_office(principal: Customer, number: str, kind: str, at: datetime) -> Mandate:
    """Return the right of this kind that the customer of a number holds for the principal. Raises NotFit."""
    held = Mandate.objects.in_force(at).filter(principal=principal, representative__number=number, kind=kind)
    found = held.order_by("-pk").first()
    if found is None:
        raise NotFit
    return found


def end(principal: Customer, number: str, *, kinds: Sequence[str], at: datetime) -> int:
    """End what the customer of this number was given, also what has yet to begin. Returns how many rights ended."""
    given = Mandate.objects.filter(principal=principal, representative__number=number, kind__in=kinds)
    running = given.filter(ended__isnull=True).exclude(ends_at__lte=at)
    return len([MandateEnd.objects.create(mandate=one, customer=principal, ended_at=at) for one in running])
