"""The demo world is really lived in: it came in by the import, and its week was played through the gate."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.password_validation import validate_password
from django.utils import timezone

from audit.models import Entry
from cases.models import Case, Refund, Voucher
from contactcentre import demo
from contactcentre.demo import codes, e_id
from contactcentre.demo.description import describe
from contactcentre.demo.people import BY_KEY, NEW_PHONE, PEOPLE, STAFF
from contactcentre.demo.playing import working_day
from notices.models import Notice
from tests.databases import Template, pointed_at
from verification.claims import claim_number
from verification.interactions import open_call
from verification.keypad import Typed, challenge, check
from verification.models import Batch, Customer, Grant, Hold, Interaction, Organisation, Refusal, Staff
from verification.numbers import good_identity_code, identity_mark, well_formed
from visits.models import Visit

pytestmark = pytest.mark.django_db  # what one test does in the world is rolled back after it


@pytest.fixture(scope="module")
def world(template_database: Template, django_db_blocker: Any) -> Iterator[datetime]:
    """Build the demo world once in a database of its own, and give the moment after it."""
    clone = template_database.clone()
    with django_db_blocker.unblock(), pointed_at(clone):
        demo.build(progress=[].append)
        yield timezone.now()


def test_the_people_that_the_demo_promises_are_there(world: datetime) -> None:
    assert Customer.objects.filter(family_name="Asiakas", given_names="Antti").count() == 3
    assert Customer.objects.filter(authenticators__isnull=True).exists()
    assert Customer.objects.filter(needs_guardian=True).exists()
    assert Customer.objects.filter(kind="COMPANY").count() == 1
    assert Hold.objects.in_force(world).filter(kind=Hold.Kind.LASTING).count() == 1
    assert Staff.objects.filter(role="CLERK").count() >= 2
    assert set(Staff.objects.values_list("role", flat=True)) == set(Staff.Role.values)


def test_a_number_changed_yesterday_is_still_in_quarantine(world: datetime) -> None:
    timo = Customer.objects.get(number=BY_KEY["timo_salo"].number)
    phone = timo.contact("PHONE", world)
    assert phone is not None
    assert phone.value == NEW_PHONE
    assert phone.quarantined_until > world


def test_the_broker_knows_those_who_have_a_strong_e_id_as_the_record_does(world: datetime) -> None:
    customers = describe()["customers"]
    known = e_id.people(customers)
    assert known.keys() == {each["number"] for each in customers if each["has_e_id"]}
    assert {who["acr"][-4:] for who in known.values()} == {"loa2", "loa3"}
    assert BY_KEY["antti_asiakas"].number in known
    assert BY_KEY["hakala_oy"].number not in known
    assert len({who["person"] for who in known.values()}) == len(known)
    for number, who in known.items():
        assert good_identity_code(who["person"])
        assert who["person"][7] == "9", "of those that are never given to anybody"
        assert Customer.objects.get(number=number).identity_mark == identity_mark(who["person"])


def test_customers_came_in_by_two_people(world: datetime) -> None:
    assert Customer.objects.count() == len(PEOPLE)
    for batch in Batch.objects.all():
        assert batch.approved_by is not None
        assert batch.approved_by != batch.prepared_by
    assert Grant.objects.filter(action="import_customers").count() == Batch.objects.count()


def test_its_week_left_cases_refusals_money_and_notices(world: datetime) -> None:
    states = {case.state for case in Case.objects.all()}
    assert states == {"OPEN", "ANSWERED", "CLOSED"}
    assert Refusal.objects.count() >= 5
    assert Refund.objects.exists()
    assert Voucher.objects.exists()
    assert Notice.objects.exists()


def test_the_visits_of_its_week_are_over_and_one_customer_stayed_away(world: datetime) -> None:
    today = timezone.localtime(world).date()
    past = [visit for visit in Visit.objects.order_by("starts_at") if visit.on < today]
    ended = {Visit.State.DONE, Visit.State.INCOMPLETE}
    assert {visit.state for visit in past} == {Visit.State.BOOKED, *ended}
    stayed_away = [visit for visit in past if visit.state == Visit.State.BOOKED]
    assert [visit.customer.number for visit in stayed_away if visit.customer] == [BY_KEY["antti_asiakas3"].number]
    for visit in past:
        assert visit.events.filter(kind="ARRIVED").exists() == (visit.state in ended)
        assert not visit.events.filter(at__gt=world).exists()
    done = [visit for visit in past if visit.state == Visit.State.DONE]
    assert any(Grant.objects.filter(interaction=visit.desk_interaction, action=visit.action) for visit in done)


def test_who_lacked_a_paper_came_again(world: datetime) -> None:
    lacked = next(visit for visit in Visit.objects.all() if visit.state == Visit.State.INCOMPLETE)
    after = Visit.objects.get(refusal=lacked.refusal, starts_at__gt=lacked.starts_at)
    assert after.customer == lacked.customer


def test_somebody_can_be_received_on_the_demos_first_day(world: datetime) -> None:
    today = timezone.localtime(world).date()
    waiting = [visit for visit in Visit.objects.all() if visit.on == today and visit.state == Visit.State.BOOKED]
    assert BY_KEY["antti_asiakas"].number in {visit.customer.number for visit in waiting if visit.customer}


def test_every_decision_of_the_week_has_its_entry(world: datetime) -> None:
    decided = {*Grant.objects.values_list("entry", flat=True), *Refusal.objects.values_list("entry", flat=True)}
    logged = Entry.objects.filter(kind__in=["gate.granted", "gate.refused"])
    assert {entry.uid for entry in logged} == decided


def test_nothing_in_it_is_left_open_or_lies_in_the_future(world: datetime) -> None:
    week = Interaction.objects.filter(started_at__lt=world - timedelta(hours=1))
    assert week.count() >= 10
    assert not week.filter(ended_at__isnull=True).exists()
    assert not week.filter(ended_at__gt=world).exists()


@pytest.mark.parametrize("key", ["antti_asiakas", "johan_berg", "timo_salo"])
def test_what_demo_code_prints_is_accepted_on_the_keypad(world: datetime, key: str) -> None:
    person = BY_KEY[key]
    call = open_call(Organisation.objects.get(), line="", language="fi", at=world)
    claim_number(call.public_id, person.number, capacity="SELF", source="KEYPAD", by=None, at=world)
    printed = codes.current(person.number, world)
    index = 0 if person.app_key else challenge(person.number, at=world)
    kind = "TOTP" if person.app_key else "CODE_LIST"
    assert check(call.public_id, kind=kind, code=printed[-6:], index=index, at=world, key=f"{key}:a") is Typed.MATCHED


def test_a_code_that_was_used_is_not_printed_again(world: datetime) -> None:
    number = BY_KEY["kari_lahti"].number
    first = codes.current(number, world)
    call = open_call(Organisation.objects.get(), line="", language="fi", at=world)
    claim_number(call.public_id, number, capacity="SELF", source="KEYPAD", by=None, at=world)
    assert check(call.public_id, kind="TOTP", code=first, at=world, key="kari:a") is Typed.MATCHED
    second = codes.current(number, world)
    assert second != first
    assert check(call.public_id, kind="TOTP", code=second, at=world, key="kari:b") is Typed.MATCHED


def test_staff_can_log_in_with_what_is_printed(world: datetime) -> None:
    for username in STAFF:
        member = Staff.objects.get(username=username)
        assert member.check_password(demo.password(username))
        validate_password(demo.password(username), member)
        assert member.totpdevice_set.get().verify_token(codes.current(username, world))
        assert not member.is_superuser
        assert member.seasoned(world)


def test_numbers_and_accounts_are_well_formed() -> None:
    for person in PEOPLE:
        assert well_formed(person.number)
        account = person.row(timezone.now())["account"]
        assert int(account[4:] + "1518" + account[2:4]) % 97 == 1
    assert len({person.number for person in PEOPLE}) == len(PEOPLE)


def test_working_days_skip_weekends_and_holidays() -> None:
    monday = datetime(2026, 4, 7).date()  # the Tuesday after Easter Monday
    assert working_day(monday, -1) == datetime(2026, 4, 2).date()
    assert working_day(datetime(2026, 4, 2).date(), 1) == monday
    assert working_day(monday, 1) == monday + timedelta(days=1)
