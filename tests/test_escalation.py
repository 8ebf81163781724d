"""A visit that was asked for is placed exactly once, whatever happens to workers, tasks and broker."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from unittest import mock

import pytest

from notices.models import Notice
from tests.cast import NOW, Cast
from tests.reception import ask_for_visit, book, open_office, refuse
from verification.gate import Following, Granted, Live, Malformed, Refused, Unavailable, attempt
from visits import escalations, placing, tasks
from visits.hours import Ability, OfficeAbilities
from visits.models import AbilityHours, ChecklistItem, Escalation, Visit, VisitEvent

pytestmark = pytest.mark.django_db


def test_a_refusal_becomes_a_visit_with_list_letter_and_reminder(cast: Cast) -> None:
    office = open_office(cast.organisation)
    visit = book(cast, cast.antti, at=NOW)
    assert visit.office == office
    assert visit.action == "change_address"
    assert visit.state == Visit.State.BOOKED
    assert {item.group for item in visit.items.all()} == {"identity", "visit_code_if_at_hand"}
    assert visit.reminder.due_at < visit.starts_at
    letters = Notice.objects.filter(about="visit_booked")
    assert {letter.channel for letter in letters} == {"SMS", "EMAIL"}
    assert {letter.address for letter in letters} == {"+358401000001", "customer1000001@example.org"}
    text = letters[0].text
    assert office.street in text
    assert "Passi" in text
    assert "/v/" in text
    assert "+358401234567" not in "".join(letter.address for letter in letters)  # the number that called


def test_the_letter_is_in_the_language_of_the_call(cast: Cast) -> None:
    open_office(cast.organisation)
    call = cast.call(at=NOW, claims=cast.antti)
    call.language = "sv"
    call.save(update_fields=["language"])
    escalations.place(ask_for_visit(call, cast, at=NOW).pk, at=NOW)
    letter = Notice.objects.get(about="visit_booked", channel="SMS")
    assert letter.language == "sv"
    assert "Pass" in letter.text
    assert "Ta med" in letter.text


def test_the_first_free_slot_is_taken_and_the_next_visit_gets_the_next(cast: Cast) -> None:
    open_office(cast.organisation, desks=1)
    first = book(cast, cast.antti, at=NOW)
    second = book(cast, cast.antti2, at=NOW)
    assert first.starts_at.astimezone(first.office.tz).isoformat() == "2026-03-12T12:30:00+02:00"
    assert second.starts_at == first.ends_at


def test_two_desks_receive_two_at_once(cast: Cast) -> None:
    open_office(cast.organisation, desks=2)
    first, second = book(cast, cast.antti, at=NOW), book(cast, cast.antti2, at=NOW)
    assert first.starts_at == second.starts_at
    assert {first.desk, second.desk} == {1, 2}


def test_before_low_nobody_is_sent_where_only_a_code_would_help(cast: Cast) -> None:
    open_office(cast.organisation, town="Turku", second_clerk=False)
    equipped = open_office(cast.organisation, town="Helsinki")
    assert book(cast, cast.antti, at=NOW, town="Turku").office == equipped


def test_at_low_a_code_that_can_be_sent_opens_the_small_office(cast: Cast) -> None:
    small = open_office(cast.organisation, town="Turku", second_clerk=False)
    open_office(cast.organisation, town="Helsinki")
    visit = book(cast, cast.antti, at=NOW, level="LOW", town="turku")
    assert visit.office == small
    assert visit.starts_at - NOW > timedelta(hours=24)
    assert visit.items.filter(group="visit_code", mandatory=True).exists()


def test_a_chip_sends_somebody_only_where_a_reader_is_configured(cast: Cast) -> None:
    promised = open_office(cast.organisation, town="Turku", second_clerk=False)
    reading = open_office(cast.organisation, town="Oulu", second_clerk=False, chip_reader="https://reader.example")
    for office in (promised, reading):
        for weekday in range(5):
            AbilityHours.objects.create(
                office=office, weekday=weekday, opens=time(9), closes=time(16), ability=Ability.CHIP
            )
    assert placing.able(OfficeAbilities(chip=True), code_counts=False)
    assert not placing.able(OfficeAbilities(), code_counts=False)
    assert book(cast, cast.antti, at=NOW, town="Turku").office == reading


def test_nothing_of_the_record_shows_in_the_list_before_low(cast: Cast) -> None:
    open_office(cast.organisation, desks=9)
    ward, plain = book(cast, cast.ward, at=NOW), book(cast, cast.antti, at=NOW)
    nobody = book(cast, None, at=NOW)
    lists = [[(item.group, item.code) for item in visit.items.all()] for visit in (ward, plain, nobody)]
    assert lists[0] == lists[1] == lists[2]
    assert ward.starts_at == plain.starts_at == nobody.starts_at


def test_what_the_caller_says_of_himself_makes_his_list(cast: Cast) -> None:
    open_office(cast.organisation)
    visit = book(cast, cast.antti, at=NOW, representation="guardian", minor="yes")
    assert {"guardianship", "joint_guardians"} <= {item.group for item in visit.items.all()}


def test_a_quarantined_contact_is_sent_nothing(cast: Cast) -> None:
    open_office(cast.organisation)
    book(cast, cast.moved, at=NOW)
    assert {letter.address for letter in Notice.objects.filter(about="visit_booked")} == {"customer1000009@example.org"}


def test_an_unknown_caller_gets_a_visit_and_no_message(cast: Cast) -> None:
    open_office(cast.organisation)
    visit = book(cast, None, at=NOW)
    assert visit.customer is None
    assert not Notice.objects.filter(about="visit_booked").exists()


def test_placing_twice_places_once(cast: Cast) -> None:
    open_office(cast.organisation)
    wanted = ask_for_visit(cast.call(at=NOW, claims=cast.antti), cast, at=NOW)
    assert escalations.place(wanted.pk, at=NOW) is not None
    assert escalations.place(wanted.pk, at=NOW) is None
    again = attempt(
        "place_visit", origin=Following(wanted.grant.public_id, "test"), parameters={}, at=NOW + timedelta(minutes=5)
    )
    assert isinstance(again, Refused)
    assert Visit.objects.count() == 1


def test_a_worker_killed_after_the_claim_is_made_up_for_by_the_sweep(cast: Cast) -> None:
    open_office(cast.organisation)
    wanted = ask_for_visit(cast.call(at=NOW, claims=cast.antti), cast, at=NOW)
    with (
        mock.patch("visits.escalations.attempt", side_effect=KeyboardInterrupt),
        pytest.raises(KeyboardInterrupt),
    ):
        escalations.place(wanted.pk, at=NOW)
    assert escalations.due(NOW) == []
    later = NOW + escalations.LEASE
    assert escalations.due(later) == [wanted.pk]
    assert escalations.place(wanted.pk, at=later) is not None
    assert Visit.objects.count() == 1


def test_a_worker_killed_after_the_commit_leaves_nothing_to_do(cast: Cast) -> None:
    open_office(cast.organisation)
    wanted = ask_for_visit(cast.call(at=NOW, claims=cast.antti), cast, at=NOW)
    escalations.place(wanted.pk, at=NOW)
    wanted.refresh_from_db()
    assert wanted.state == Escalation.State.DONE
    Escalation.objects.filter(pk=wanted.pk).update(state=Escalation.State.PENDING)  # as if the row had been lost
    assert escalations.place(wanted.pk, at=NOW + timedelta(minutes=2)) == Visit.objects.get()
    wanted.refresh_from_db()
    assert wanted.state == Escalation.State.DONE


def test_without_a_slot_the_wish_stays_due_and_is_placed_when_there_is_one(cast: Cast) -> None:
    wanted = ask_for_visit(cast.call(at=NOW, claims=cast.antti), cast, at=NOW)
    assert escalations.place(wanted.pk, at=NOW) is None
    wanted.refresh_from_db()
    assert (wanted.state, wanted.last_error) == (Escalation.State.PENDING, "NOT_PLACED")
    open_office(cast.organisation)
    assert escalations.place(wanted.pk, at=wanted.due_at) is not None


def test_a_gate_that_is_away_puts_the_work_off(cast: Cast) -> None:
    open_office(cast.organisation)
    wanted = ask_for_visit(cast.call(at=NOW, claims=cast.antti), cast, at=NOW)
    with mock.patch("visits.escalations.attempt", side_effect=Unavailable):
        assert escalations.place(wanted.pk, at=NOW) is None
    wanted.refresh_from_db()
    assert wanted.last_error == "UNAVAILABLE"
    assert wanted.due_at > NOW


def test_a_cancelled_visit_gives_its_hour_back_and_the_database_knows(cast: Cast) -> None:
    open_office(cast.organisation, desks=1)
    first = book(cast, cast.antti, at=NOW)
    cancelled = attempt("cancel_visit", origin=Following(first.grant.public_id, "test"), parameters={}, at=NOW)
    assert isinstance(cancelled, Granted)
    second = book(cast, cast.antti2, at=NOW)
    assert (second.starts_at, second.desk, second.reuse) == (first.starts_at, first.desk, 1)
    assert first.state == Visit.State.CANCELLED


def test_a_visit_cannot_be_asked_for_an_undeclared_errand(cast: Cast) -> None:
    call = cast.call(at=NOW)
    from verification.gate import Live

    decided = attempt(
        "book_visit", origin=Live(call.public_id, cast.agent_aino), parameters={"action": "print_money"}, at=NOW
    )
    assert isinstance(decided, Malformed)


def test_another_contacts_refusal_cannot_be_answered(cast: Cast) -> None:
    from verification.gate import Live

    open_office(cast.organisation)
    theirs = refuse(cast.call(at=NOW, claims=cast.antti), cast, at=NOW)
    call = cast.call(at=NOW, claims=cast.antti2)
    decided = attempt(
        "book_visit",
        origin=Live(call.public_id, cast.agent_aino),
        parameters={"refusal": str(theirs.public_id)},
        at=NOW,
    )
    assert isinstance(decided, Refused)
    assert not Escalation.objects.exists()


def test_visits_come_in_by_the_gate_alone(cast: Cast) -> None:
    open_office(cast.organisation)
    visit = book(cast, cast.antti, at=NOW)
    from django.db import DatabaseError, transaction

    with pytest.raises(DatabaseError), transaction.atomic():
        Visit.objects.filter(pk=visit.pk).update(desk=7)
    visit.pk, visit.desk = None, 7
    with pytest.raises(DatabaseError), transaction.atomic():
        visit.save(force_insert=True)
    for rows in (VisitEvent.objects.all(), ChecklistItem.objects.all()):
        with pytest.raises(DatabaseError), transaction.atomic():
            rows.delete()


def test_the_sweep_places_what_no_task_did(cast: Cast) -> None:
    open_office(cast.organisation)
    now = datetime.now(UTC)
    ask_for_visit(cast.call(at=now, claims=cast.antti), cast, at=now)
    tasks.sweep()
    assert Visit.objects.count() == 1


def test_a_visit_asked_for_twice_for_one_refusal_is_booked_once(cast: Cast) -> None:
    open_office(cast.organisation)
    call = cast.call(at=NOW, claims=cast.antti)
    asked = {"refusal": str(refuse(call, cast, at=NOW).public_id)}
    origin = Live(call.public_id, cast.staff["agent_aino"])
    first = attempt("book_visit", origin=origin, parameters=asked, at=NOW)
    again = attempt("book_visit", origin=origin, parameters=asked, at=NOW)
    assert isinstance(first, Granted)
    assert isinstance(again, Granted)
    assert again.result == first.result
    assert escalations.place(Escalation.objects.get().pk, at=NOW) is not None
    later = attempt("book_visit", origin=origin, parameters=asked, at=NOW)
    assert isinstance(later, Granted)
    assert later.result == first.result
    assert Escalation.objects.count() == Visit.objects.count() == 1
