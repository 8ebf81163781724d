"""What one clerk alone cannot do at the desk, whoever helps him from the other side of it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from notices.models import Notice
from tests.cast import NOW, Cast, number
from tests.reception import ask_for_visit, book, laid, open_office, passport, refuse
from tests.staff_browser import signed_in
from verification import claims, interactions, staff_changes
from verification.evidence import CONFIRMATIONS, NotSeen, see_second_clerk, see_visit_code
from verification.levels import Level
from verification.masking import standing
from verification.models import Evidence, Interaction
from visits import desk, escalations, identity, keys, parked
from visits.admin.words import SHOWN
from visits.models import Visit

pytestmark = pytest.mark.django_db
NOBODY = number(7777777)


@pytest.fixture
def visit(cast: Cast) -> Visit:
    """A visit of Antti's, who has come and is checked in by Kalle."""
    open_office(cast.organisation)
    booked = book(cast, cast.antti, at=NOW)
    desk.check_in(booked, by=cast.clerk_kalle, at=booked.starts_at)
    return booked


def here(visit: Visit) -> Interaction:
    found = visit.desk_interaction
    assert found is not None
    return found


def names(visit: Visit, of: str, cast: Cast) -> None:
    claims.claim_number(
        here(visit).public_id, of, capacity="SELF", source="STAFF", by=cast.clerk_kalle, at=visit.starts_at
    )


def compared(visit: Visit, zone: str, cast: Cast, at: datetime | None = None) -> str:
    return identity.compare(
        visit, laid(zone), confirmed=CONFIRMATIONS, by=cast.clerk_kalle, at=at or visit.starts_at
    ).outcome


def code_sent() -> str:
    text = Notice.objects.get(about="visit_booked", channel="SMS").text
    found = re.search(r"[0-9A-Z]{4}-[0-9A-Z]{5}-[0-9A-Z]{4}", text)
    assert found
    return found[0]


@pytest.mark.parametrize("who", ["helena", "nobody"])
def test_a_visit_serves_only_the_customer_whose_visit_it_is(visit: Visit, cast: Cast, who: str) -> None:
    names(visit, NOBODY if who == "nobody" else cast.helena.number, cast)
    with pytest.raises(desk.NotHere, match="OTHER_CUSTOMER"):
        compared(visit, passport(cast.helena.customer), cast)
    with pytest.raises(desk.NotHere, match="OTHER_CUSTOMER"):
        parked.carry_out(visit, confirmed=True, nonce="1", by=cast.clerk_kalle, at=visit.starts_at)
    names(visit, cast.antti.number, cast)
    assert compared(visit, passport(cast.antti.customer), cast) == "MATCHED"


def test_a_visit_of_nobody_refuses_others_as_that_of_a_customer_does(cast: Cast) -> None:
    open_office(cast.organisation)
    booked = _booked_for(NOBODY, cast)
    desk.check_in(booked, by=cast.clerk_kalle, at=booked.starts_at)
    for other in (cast.helena.number, number(7777778)):
        names(booked, other, cast)
        with pytest.raises(desk.NotHere, match="OTHER_CUSTOMER"):
            compared(booked, passport(cast.helena.customer), cast)


def test_an_accomplices_visit_code_is_no_evidence_for_another(visit: Visit, cast: Cast) -> None:
    names(visit, cast.helena.number, cast)
    with pytest.raises(NotSeen, match="OTHER_CUSTOMER"):
        keys.show_code(
            visit, code_sent(), interaction_id=here(visit).public_id, by=cast.clerk_kalle, at=visit.starts_at
        )
    his = cast.antti.customer.contacts.all()[0]
    with pytest.raises(NotSeen, match="OTHER_CUSTOMER"):
        see_visit_code(here(visit).public_id, by=cast.clerk_kalle, at=visit.starts_at, rests_on=his)
    assert not Evidence.objects.filter(kind="VISIT_CODE").exists()


def test_the_desks_page_says_what_to_do_about_another_customer(
    visit: Visit, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    clerk = signed_in(cast.clerk_kalle)
    monkeypatch.setattr(timezone, "now", lambda: visit.starts_at)
    names(visit, cast.helena.number, cast)
    address = reverse("admin:visits_step", args=[visit.public_id, "code"])
    told = clerk.post(address, {"code": code_sent()}, follow=True).content.decode()
    assert "receive him there or book him a visit" in told
    assert standing(here(visit), visit.starts_at)[1].level is Level.NONE
    clerk.post(reverse("admin:visits_step", args=[visit.public_id, "finish"]))
    assert not here(visit).live, "the contact can still be ended"


def test_an_account_of_today_is_no_second_clerk(visit: Visit, cast: Cast) -> None:
    compared(visit, passport(cast.antti.customer), cast)
    just_now = visit.starts_at - timedelta(minutes=5)
    puppet, proposed = staff_changes.open_account(
        username="puppet", first_name="", last_name="", email="", role="CLERK", by=cast.administrator, at=just_now
    )
    assert proposed is not None
    staff_changes.approve(proposed, by=cast.administrator2, at=just_now)
    puppet.refresh_from_db()
    with pytest.raises(NotSeen, match="TOO_NEW"):
        see_second_clerk(here(visit).public_id, by=puppet, at=visit.starts_at)
    assert standing(here(visit), visit.starts_at)[1].level is Level.SUBSTANTIAL


def test_failed_comparisons_are_counted_across_check_ins_of_a_visit(visit: Visit, cast: Cast) -> None:
    for day in range(identity.MOST_TRIES):
        if day == 3:
            interactions.end(here(visit).public_id, at=visit.starts_at, by=cast.clerk_kalle)
            desk.check_in(visit, by=cast.clerk_kalle, at=visit.starts_at)
        assert compared(visit, passport(cast.antti.customer, born=f"6105{day + 10}"), cast) == "BIRTH_DATE"
    interactions.end(here(visit).public_id, at=visit.starts_at, by=cast.clerk_kalle)
    desk.check_in(visit, by=cast.clerk_kalle, at=visit.starts_at)
    assert compared(visit, passport(cast.antti.customer), cast) == "TOO_MANY"


@pytest.mark.parametrize("whose", ["antti", "nobody"])
def test_failed_comparisons_are_counted_across_visits_of_a_customer(cast: Cast, whose: str) -> None:
    open_office(cast.organisation, desks=3)
    number_of = NOBODY if whose == "nobody" else cast.antti.number
    visits = [_booked_for(number_of, cast) for _ in range(3)]
    at, outcomes = visits[0].starts_at, []
    for turn, booked in enumerate(visits):
        desk.check_in(booked, by=cast.clerk_kalle, at=at)
        outcomes += [
            compared(booked, passport(cast.antti.customer, family="MUU", born=f"61{turn + 1:02d}{day + 10}"), cast, at)
            for day in range(identity.MOST_TRIES)
        ]
    most = identity.MOST_TRIES_OF_CUSTOMER
    assert outcomes == ["NAME"] * most + ["TOO_MANY"] * (15 - most)


def test_failed_comparisons_of_one_clerk_are_counted(visit: Visit, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "MOST_TRIES_OF_STAFF", 2)
    other = _booked_for(cast.helena.number, cast)
    desk.check_in(other, by=cast.clerk_kalle, at=visit.starts_at)
    wrong = passport(cast.antti.customer, family="MUU")
    tried = [compared(each, wrong, cast, visit.starts_at) for each in (visit, other, visit)]
    assert tried == ["NAME", "NAME", "TOO_MANY"]
    tomorrow = visit.starts_at + timedelta(days=1, minutes=1)
    assert compared(visit, wrong, cast, tomorrow) == "NAME"


def test_the_desk_tells_a_wrong_number_from_a_right_one_nowhere(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    open_office(cast.organisation, desks=2)
    visits, seen = [_booked_for(whose, cast) for whose in (NOBODY, cast.antti.number)], []
    at = visits[0].starts_at
    monkeypatch.setattr(timezone, "now", lambda: at)
    clerk = signed_in(cast.clerk_kalle)
    for booked in visits:
        desk.check_in(booked, by=cast.clerk_kalle, at=at)
        page = clerk.get(reverse("admin:visits_desk", args=[booked.public_id])).content.decode()
        with pytest.raises(desk.NotHere, match="STATE"):
            desk.name_customer(booked, cast.helena.number, by=cast.clerk_kalle, at=at)
        outcome = compared(booked, passport(cast.helena.customer), cast, at)
        seen.append(("Note the number" in page, outcome))
    assert seen == [(False, "NAME"), (False, "NAME")]


def test_the_answer_to_a_wrong_document_tells_nothing_of_the_record(cast: Cast) -> None:
    open_office(cast.organisation, desks=4)
    his, wrong = cast.antti.customer, {"family": "MUU"}
    tried = [
        (cast.antti.number, passport(his, **wrong)),
        (cast.antti.number, passport(his, born="610519")),
        (cast.company.number, passport(his)),
        (NOBODY, passport(his)),
    ]
    visits = [_booked_for(whose, cast) for whose, _ in tried]
    at, answers = visits[0].starts_at, []
    for booked, (_, zone) in zip(visits, tried, strict=True):
        desk.check_in(booked, by=cast.clerk_kalle, at=at)
        answers.append(identity.compare(booked, laid(zone), confirmed=CONFIRMATIONS, by=cast.clerk_kalle, at=at))
    assert [answer.outcome for answer in answers] == ["NAME", "BIRTH_DATE", "NOT_COMPARABLE", "NAME"]
    assert len({answer.text for answer in answers}) == 1


@pytest.mark.parametrize("whose", ["antti", "nobody"])
def test_wrong_visit_codes_are_answered_alike_however_many_whether_or_not_any_was_sent(
    cast: Cast, whose: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_office(cast.organisation)
    booked = _booked_for(NOBODY if whose == "nobody" else cast.antti.number, cast)
    desk.check_in(booked, by=cast.clerk_kalle, at=booked.starts_at)
    held: list[str] = []
    same = keys._same
    monkeypatch.setattr(keys, "_same", lambda hashed, plain: held.append(plain) or same(hashed, plain))
    answers = {str(SHOWN[_shown(booked, "0000-00000-0000", cast)]) for _ in range(keys.MOST_FAILURES + 2)}
    assert len(answers) == 1
    assert len(held) == 2 * (keys.MOST_FAILURES + 2), "the work is the same, so that the time is too"


def _shown(booked: Visit, typed: str, cast: Cast) -> keys.Shown:
    return keys.show_code(
        booked, typed, interaction_id=here(booked).public_id, by=cast.clerk_kalle, at=booked.starts_at
    )


def test_a_code_that_does_not_count_is_answered_as_a_wrong_one() -> None:
    said = {str(words) for shown, words in SHOWN.items() if shown is not keys.Shown.MATCHED}
    assert len(said) == 1


@pytest.mark.parametrize("whose", ["antti", "nobody"])
def test_a_second_clerk_learns_nothing_of_a_number_before_the_first_has_looked(cast: Cast, whose: str) -> None:
    open_office(cast.organisation)
    booked = _booked_for(NOBODY if whose == "nobody" else cast.antti.number, cast)
    desk.check_in(booked, by=cast.clerk_kalle, at=booked.starts_at)
    with pytest.raises(NotSeen, match="ORDER"):
        see_second_clerk(here(booked).public_id, by=cast.clerk_kerttu, at=booked.starts_at)


def _booked_for(whose: str, cast: Cast) -> Visit:
    """Book a visit in a call in which this number was named, and refused."""
    call = cast.call(at=NOW)
    claims.claim_number(call.public_id, whose, capacity="SELF", source="STAFF", by=cast.agent_aino, at=NOW)
    refusal = refuse(call, cast, at=NOW)
    placed = escalations.place(ask_for_visit(call, cast, at=NOW, refusal=str(refusal.public_id)).pk, at=NOW)
    assert placed is not None
    return placed


@pytest.mark.parametrize("first", [None, "antti"])
def test_words_parked_by_another_are_read_to_nobody(cast: Cast, first: str | None) -> None:
    open_office(cast.organisation)
    call = cast.call(at=NOW, claims=cast.people[first] if first else None)
    refusal = refuse(call, cast, at=NOW)
    claims.claim_number(call.public_id, cast.helena.number, capacity="SELF", source="STAFF", by=cast.agent_aino, at=NOW)
    placed = escalations.place(ask_for_visit(call, cast, at=NOW, refusal=str(refusal.public_id)).pk, at=NOW)
    assert placed is not None
    assert placed.action == "change_address"
    assert placed.refusal is None or placed.refusal.claim is None
    _shows_passport_and_hears_nothing(placed, cast)


def test_words_parked_before_anybody_was_named_are_read_to_nobody(cast: Cast) -> None:
    open_office(cast.organisation)
    booked = book(cast, None, at=NOW)
    assert booked.refusal is not None
    _shows_passport_and_hears_nothing(booked, cast)


def _shows_passport_and_hears_nothing(booked: Visit, cast: Cast) -> None:
    at = booked.starts_at
    desk.check_in(booked, by=cast.clerk_kalle, at=at)
    if booked.customer is None:
        desk.name_customer(booked, cast.helena.number, by=cast.clerk_kalle, at=at)
    assert compared(booked, passport(cast.helena.customer), cast) == "MATCHED"
    assert parked.read_back(booked, here(booked), by=cast.clerk_kalle, at=at) is None
    with pytest.raises(parked.NotOpen, match="NONE"):
        parked.carry_out(booked, confirmed=True, nonce="1", by=cast.clerk_kalle, at=at)


@pytest.mark.parametrize(("minutes", "reached"), [(44, Level.HIGH), (46, Level.NONE)])
def test_a_second_clerks_word_lasts_no_longer_than_what_it_confirms(cast: Cast, minutes: int, reached: Level) -> None:
    here = cast.desk(at=NOW, claims=cast.antti, level="SUBSTANTIAL")
    at = NOW + timedelta(minutes=minutes)
    see_second_clerk(here.public_id, by=cast.clerk_kerttu, at=at)
    assert standing(Interaction.objects.get(pk=here.pk), at)[1].level is reached
    over = NOW + timedelta(minutes=45)
    assert standing(Interaction.objects.get(pk=here.pk), over)[1].level is Level.NONE
