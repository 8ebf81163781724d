"""Whoever comes to the desk for another shows his own document; whose matter it is stays whose it was when booked."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cast import NOW, Cast, Person
from tests.reception import NEW_HOME, ask_for_visit, laid, open_office, passport, refuse
from tests.representatives import child, right, says
from verification.evidence import CONFIRMATIONS, see_second_clerk
from verification.gate import Granted, Live, attempt
from verification.models import Claim, ContactChange
from verification.numbers import mark
from visits import desk, escalations, identity
from visits.models import Visit
from visits.whose import speaker_mark_of


@pytest.fixture
def young(cast: Cast) -> Person:
    return child(cast, right(cast.helena, "GUARDIAN"))


@pytest.fixture
def visit(cast: Cast, young: Person) -> Visit:
    """A visit that the guardian booked by phone for the child's change of address; she is checked in by Kalle."""
    open_office(cast.organisation)
    call = cast.call(at=NOW)
    says(call, cast, young, capacity="GUARDIAN", who=cast.helena)
    refusal = refuse(call, cast, at=NOW)
    wanted = ask_for_visit(call, cast, at=NOW, refusal=str(refusal.public_id), representation="guardian")
    placed = escalations.place(wanted.pk, at=NOW)
    assert placed is not None
    desk.check_in(placed, by=cast.clerk_kalle, at=placed.starts_at)
    return placed


def compared(visit: Visit, cast: Cast, customer: Any) -> str:
    shown = laid(passport(customer))
    return identity.compare(
        visit, shown, confirmed=CONFIRMATIONS, by=cast.clerk_kalle, at=visit.starts_at
    ).outcome  # fmt: skip


def test_who_booked_for_a_child_comes_for_the_child(visit: Visit, cast: Cast, young: Person) -> None:
    claim = Claim.objects.latest("pk")
    assert (claim.source, claim.capacity) == ("VISIT", "GUARDIAN")
    assert (claim.customer, claim.person) == (young.customer, cast.helena.customer)
    assert speaker_mark_of(claim) == mark(cast.helena.number)


def test_the_guardians_document_proves_her_and_the_childs_matter_is_done(
    visit: Visit, cast: Cast, young: Person
) -> None:
    here = visit.desk_interaction
    assert here is not None
    assert compared(visit, cast, young.customer) in ("NAME", "BIRTH_DATE"), "the child's own passport is not hers"
    assert compared(visit, cast, cast.helena.customer) == "MATCHED"
    see_second_clerk(here.public_id, by=cast.clerk_kerttu, at=visit.starts_at)
    origin = Live(here.public_id, cast.clerk_kalle)
    decided = attempt("change_address", origin=origin, parameters=NEW_HOME, at=visit.starts_at)
    assert isinstance(decided, Granted), decided
    assert ContactChange.objects.filter(kind="ADDRESS").latest("pk").customer == young.customer
    assert desk.finish(visit, by=cast.clerk_kalle, at=visit.starts_at) == Visit.State.DONE


def test_failed_comparisons_are_counted_by_who_stands_there(visit: Visit, cast: Cast, young: Person) -> None:
    for _try in range(identity.MOST_TRIES):
        assert compared(visit, cast, cast.antti.customer) in ("NAME", "BIRTH_DATE")
    assert compared(visit, cast, cast.helena.customer) == "TOO_MANY"
