"""At the desk: what a clerk sees is evidence only when all of it is right; what was parked is asked for anew."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta

import pytest
from django.utils import translation

from audit.models import Entry
from notices.models import Notice
from tests.cast import NOW, Cast
from tests.reception import NEW_HOME, book, laid, open_office, passport, printed_on
from verification.evidence import CONFIRMATIONS, NotSeen, see_second_clerk
from verification.gate import Granted
from verification.levels import Level
from verification.masking import standing
from verification.models import ContactChange, Evidence, ParkedMatter
from visits import desk, identity, keys, papers, parked
from visits.admin import words
from visits.checklist import Document, Objection
from visits.identity import Laid
from visits.models import IdentityTry, Visit, VisitCode, VisitEvent

pytestmark = pytest.mark.django_db
NOTHING: frozenset[str] = frozenset()


@pytest.fixture
def visit(cast: Cast) -> Visit:
    """A visit of Antti's for a change of address, who has come and is checked in by Kalle."""
    open_office(cast.organisation)
    booked = book(cast, cast.antti, at=NOW)
    desk.check_in(booked, by=cast.clerk_kalle, at=booked.starts_at)
    return booked


def compared(
    visit: Visit,
    cast: Cast,
    zone: str,
    *,
    confirmed: frozenset[str] = CONFIRMATIONS,
    traits: frozenset[str] = NOTHING,
) -> str:
    """Compare a document as Kalle does, and return the outcome."""
    return identity.compare(
        visit, laid(zone, traits=traits), confirmed=confirmed, by=cast.clerk_kalle, at=visit.starts_at
    ).outcome


def level(visit: Visit, at: datetime | None = None) -> Level:
    here = visit.desk_interaction
    assert here is not None
    return standing(here, at or visit.starts_at)[1].level


def code_of(channel: str = "SMS") -> str:
    found = re.search(
        r"[0-9A-Z]{4}-[0-9A-Z]{5}-[0-9A-Z]{4}", Notice.objects.get(about="visit_booked", channel=channel).text
    )
    assert found
    return found[0]


def test_the_road_from_check_in_to_the_carried_out_matter(visit: Visit, cast: Cast) -> None:
    here = visit.desk_interaction
    assert here is not None
    assert level(visit) is Level.NONE
    assert parked.read_back(visit, here, by=cast.clerk_kalle, at=visit.starts_at) is None
    assert compared(visit, cast, passport(cast.antti.customer)) == "MATCHED"
    assert level(visit) is Level.SUBSTANTIAL
    assert [each.speaker.interaction_id for each in desk.waiting_for_second(cast.clerk_kerttu)] == [here.pk]
    assert desk.waiting_for_second(cast.clerk_kalle) == []
    see_second_clerk(here.public_id, by=cast.clerk_kerttu, at=visit.starts_at)
    assert level(visit) is Level.HIGH
    matter = parked.read_back(visit, here, by=cast.clerk_kalle, at=visit.starts_at)
    assert matter is not None
    assert matter.parameters == NEW_HOME
    decided = parked.carry_out(visit, confirmed=True, nonce="1", by=cast.clerk_kalle, at=visit.starts_at)
    assert isinstance(decided, Granted)
    assert ContactChange.objects.get(kind="ADDRESS").value == "Toinen linja 4, 00530 Helsinki"
    assert desk.finish(visit, by=cast.clerk_kalle, at=visit.starts_at) == Visit.State.DONE
    here.refresh_from_db()
    assert not here.live


def test_a_repeated_form_carries_out_once(visit: Visit, cast: Cast) -> None:
    compared(visit, cast, passport(cast.antti.customer))
    for _ in range(2):
        assert isinstance(
            parked.carry_out(visit, confirmed=True, nonce="same", by=cast.clerk_kalle, at=visit.starts_at), Granted
        )
    assert ContactChange.objects.filter(kind="ADDRESS").count() == 1


@pytest.mark.parametrize(
    ("zone", "outcome"),
    [
        ({"expires": "250501"}, "EXPIRED"),
        ({"family": "ASIAKKAINEN"}, "NAME"),
        ({"born": "610418"}, "BIRTH_DATE"),
        ({"issuer": "UTO"}, "NOT_ALLOWED"),
    ],
)
def test_a_document_that_does_not_agree_gives_nothing(
    visit: Visit, cast: Cast, zone: dict[str, str], outcome: str
) -> None:
    assert compared(visit, cast, passport(cast.antti.customer, **zone)) == outcome
    assert not Evidence.objects.filter(kind="IDENTITY_LIST").exists()
    assert level(visit) is Level.NONE
    assert IdentityTry.objects.get().outcome == outcome


def test_a_slip_of_the_finger_names_the_field_and_not_the_record(visit: Visit, cast: Cast) -> None:
    right = passport(cast.antti.customer)
    slip = Laid(printed_on(right), right.replace("6104", "6105", 1))
    found = identity.compare(visit, slip, confirmed=CONFIRMATIONS, by=cast.clerk_kalle, at=visit.starts_at)
    assert (found.outcome, found.field) == ("UNREADABLE", "birth_date")
    wrong = identity.compare(
        visit, laid(passport(cast.antti.customer, family="MUU")), confirmed=CONFIRMATIONS,
        by=cast.clerk_kalle, at=visit.starts_at,
    )  # fmt: skip
    assert "Asiakas" not in wrong.text


@pytest.mark.parametrize("left_out", sorted(CONFIRMATIONS))
def test_three_confirmations_are_none(visit: Visit, cast: Cast, left_out: str) -> None:
    assert compared(visit, cast, passport(cast.antti.customer), confirmed=CONFIRMATIONS - {left_out}) == "INCOMPLETE"
    assert level(visit) is Level.NONE


def test_a_copy_is_no_document(visit: Visit, cast: Cast) -> None:
    assert compared(visit, cast, passport(cast.antti.customer), traits=frozenset({"copy"})) == "NOT_ALLOWED"


def test_nobody_fishes_for_a_birth_date(visit: Visit, cast: Cast) -> None:
    for day in range(identity.MOST_TRIES):
        assert compared(visit, cast, passport(cast.antti.customer, born=f"6105{day + 10}")) == "BIRTH_DATE"
    assert compared(visit, cast, passport(cast.antti.customer)) == "TOO_MANY"
    assert level(visit) is Level.NONE


def test_the_first_clerk_is_no_second_clerk(visit: Visit, cast: Cast) -> None:
    here = visit.desk_interaction
    assert here is not None
    with pytest.raises(NotSeen, match="ORDER"):
        see_second_clerk(here.public_id, by=cast.clerk_kerttu, at=visit.starts_at)
    compared(visit, cast, passport(cast.antti.customer))
    with pytest.raises(NotSeen, match="SAME_PERSON"):
        see_second_clerk(here.public_id, by=cast.clerk_kalle, at=visit.starts_at)
    assert level(visit) is Level.SUBSTANTIAL


def test_a_visit_code_that_is_a_day_old_stands_in_for_a_colleague(visit: Visit, cast: Cast) -> None:
    here = visit.desk_interaction
    assert here is not None
    compared(visit, cast, passport(cast.antti.customer))

    def shown(typed: str, at: datetime) -> keys.Shown:
        return keys.show_code(visit, typed, interaction_id=here.public_id, by=cast.clerk_kalle, at=at)

    assert shown(code_of(), NOW + timedelta(hours=23, minutes=59)) is keys.Shown.TOO_YOUNG
    assert shown("0000-00000-0000", visit.starts_at) is keys.Shown.WRONG
    assert shown(code_of().lower().replace("-", " "), visit.starts_at) is keys.Shown.MATCHED
    assert level(visit) is Level.HIGH
    seen = Evidence.objects.get(kind="VISIT_CODE")
    assert seen.rests_on is not None
    assert seen.rests_on.kind == "PHONE"
    assert shown(code_of(), visit.starts_at) is keys.Shown.WRONG, "a code is used once"


def test_guessed_codes_close_the_road_of_codes(visit: Visit, cast: Cast) -> None:
    here = visit.desk_interaction
    assert here is not None
    for _ in range(keys.MOST_FAILURES):
        keys.show_code(visit, "guess", interaction_id=here.public_id, by=cast.clerk_kalle, at=visit.starts_at)
    late = keys.show_code(visit, code_of(), interaction_id=here.public_id, by=cast.clerk_kalle, at=visit.starts_at)
    assert late is keys.Shown.TOO_MANY


def test_a_code_sent_to_a_contact_in_quarantine_does_not_count(visit: Visit, cast: Cast) -> None:
    here, fresh = visit.desk_interaction, cast.moved.customer.contacts.get(value="+358449999999")
    assert here is not None
    VisitCode.objects.update(contact=fresh)
    shown = keys.show_code(visit, code_of(), interaction_id=here.public_id, by=cast.clerk_kalle, at=visit.starts_at)
    assert shown is keys.Shown.CONTACT
    assert not Evidence.objects.filter(kind="VISIT_CODE").exists()


def test_codes_and_links_are_kept_by_their_hash_alone(visit: Visit) -> None:
    code = code_of().replace("-", "")
    assert len(code) == 13
    kept = " ".join(VisitCode.objects.values_list("hashed", flat=True))
    assert code not in kept
    assert kept.startswith("$argon2id$")


def test_who_comes_early_on_the_day_is_received_and_it_is_recorded(cast: Cast) -> None:
    open_office(cast.organisation)
    booked = book(cast, cast.antti, at=NOW)
    morning = booked.starts_at - timedelta(hours=3)
    desk.check_in(booked, by=cast.clerk_kalle, at=morning)
    event = booked.events.get(kind=VisitEvent.Kind.EARLY)
    assert event.detail["minutes_early"] == 180
    assert Entry.objects.filter(kind="visit.early").exists()
    again = desk.check_in(booked, by=cast.clerk_kalle, at=morning + timedelta(hours=1))
    assert again == event.interaction, "checking in twice opens one contact"


def test_who_comes_on_an_earlier_day_is_received_and_it_is_recorded(cast: Cast) -> None:
    open_office(cast.organisation)
    booked = book(cast, cast.antti, at=NOW)
    assert desk.check_in(booked, by=cast.clerk_kalle, at=booked.starts_at - timedelta(days=1)).live
    assert booked.events.get(kind=VisitEvent.Kind.EARLY).detail["minutes_early"] == 24 * 60


def test_a_visit_whose_day_has_passed_is_not_received(cast: Cast) -> None:
    open_office(cast.organisation)
    booked = book(cast, cast.antti, at=NOW)
    with pytest.raises(desk.NotHere, match="DAY") as stopped:
        desk.check_in(booked, by=cast.clerk_kalle, at=booked.starts_at + timedelta(days=1))
    with translation.override("fi"):
        told = words.why_not(stopped.value)
    assert told == f"Tämä käynti on toisena päivänä: {booked.on.day}.{booked.on.month}.{booked.on.year}."
    assert booked.state == Visit.State.BOOKED
    assert booked.desk_interaction is None


def test_the_day_is_the_offices_and_not_greenwichs(cast: Cast) -> None:
    open_office(cast.organisation)
    booked = book(cast, cast.antti, at=NOW)
    midnight = datetime.combine(booked.on + timedelta(days=1), time(), booked.office.tz)
    with pytest.raises(desk.NotHere, match="DAY"):
        desk.check_in(booked, by=cast.clerk_kalle, at=midnight)
    assert desk.check_in(booked, by=cast.clerk_kalle, at=midnight - timedelta(minutes=1)).live


def test_a_visit_at_which_nothing_was_looked_at_is_booked_as_before(visit: Visit, cast: Cast) -> None:
    here = visit.desk_interaction
    assert here is not None
    assert desk.finish(visit, by=cast.clerk_kalle, at=visit.starts_at) == Visit.State.BOOKED
    here.refresh_from_db()
    assert not here.live
    assert Entry.objects.filter(kind="visit.returned").count() == 1
    again = desk.check_in(visit, by=cast.clerk_kerttu, at=visit.starts_at + timedelta(minutes=5))
    assert again.live
    assert again != here


def test_a_visit_at_which_a_document_was_tried_in_vain_lacks_papers(visit: Visit, cast: Cast) -> None:
    compared(visit, cast, passport(cast.antti.customer, expires="250501"))
    assert desk.finish(visit, by=cast.clerk_kalle, at=visit.starts_at) == Visit.State.INCOMPLETE


@pytest.mark.parametrize("username", ["agent_aino", "auditor", "administrator"])
def test_only_those_behind_the_desk_receive(cast: Cast, username: str) -> None:
    open_office(cast.organisation)
    booked = book(cast, cast.antti, at=NOW)
    with pytest.raises(desk.NotHere, match="ROLE"):
        desk.check_in(booked, by=cast.staff[username], at=booked.starts_at)


def test_nobody_receives_his_own_family(cast: Cast) -> None:
    open_office(cast.organisation)
    with pytest.raises(desk.NotHere, match="OWN_MATTER"):
        desk.check_in(book(cast, cast.frozen, at=NOW), by=cast.clerk_kalle, at=NOW)


def test_a_half_complete_visit_keeps_its_papers_and_names_what_is_missing(cast: Cast) -> None:
    open_office(cast.organisation)
    booked = book(cast, cast.antti, at=NOW, representation="guardian", minor="no")
    at = booked.starts_at
    desk.check_in(booked, by=cast.clerk_kalle, at=at)
    extract = booked.items.get(code="guardianship_extract")
    with pytest.raises(desk.Objected) as old:
        desk.accept(
            booked, extract, Document("guardianship_extract", issued_on=booked.on - timedelta(days=200)),
            by=cast.clerk_kalle, at=at,
        )  # fmt: skip
    assert old.value.objection is Objection.TOO_OLD
    fresh = Document("guardianship_extract", issued_on=booked.on - timedelta(days=10))
    accepted = desk.accept(booked, extract, fresh, by=cast.clerk_kalle, at=at)
    assert accepted.valid_until == booked.on + timedelta(days=82)
    assert desk.incomplete(booked, by=cast.clerk_kalle, at=at) == ["identity", "joint_guardians"]
    assert not Evidence.objects.exists(), "a paper is no evidence of who somebody is"
    after = _next(cast, booked, at)
    kept = {group.code for group in papers.groups_of(after) if group.accepted}
    assert kept == {"guardianship"}
    assert "guardianship" in {group.code for group in papers.missing(after, on=booked.on + timedelta(days=83))}


def _next(cast: Cast, booked: Visit, at: datetime) -> Visit:
    from tests.reception import Escalation, attempt
    from verification.gate import Live
    from visits import escalations

    here = booked.desk_interaction
    assert here is not None
    assert booked.refusal is not None
    wanted = {"refusal": str(booked.refusal.public_id), "representation": "guardian", "minor": "no"}
    decided = attempt("book_visit", origin=Live(here.public_id, cast.clerk_kalle), parameters=wanted, at=at)
    assert isinstance(decided, Granted)
    placed = escalations.place(Escalation.objects.get(grant=decided.grant).pk, at=at)
    assert placed is not None
    return placed


def test_identity_is_shown_anew_at_every_visit(visit: Visit, cast: Cast) -> None:
    compared(visit, cast, passport(cast.antti.customer))
    assert papers.missing(visit, on=visit.on) == []
    later = visit.starts_at + timedelta(minutes=5)
    after = _next(cast, visit, later)
    assert "identity" in {group.code for group in papers.missing(after, on=after.on)}


def test_what_was_parked_too_long_is_void(visit: Visit, cast: Cast) -> None:
    compared(visit, cast, passport(cast.antti.customer))
    ParkedMatter.objects.update(void_at=NOW)
    here = visit.desk_interaction
    assert here is not None
    assert parked.read_back(visit, here, by=cast.clerk_kalle, at=visit.starts_at) is None
    with pytest.raises(parked.NotOpen, match="NONE"):
        parked.carry_out(visit, confirmed=True, nonce="1", by=cast.clerk_kalle, at=visit.starts_at)


def test_nothing_is_carried_out_that_the_customer_has_not_confirmed(visit: Visit, cast: Cast) -> None:
    with pytest.raises(parked.NotOpen, match="PAPERS"):
        parked.carry_out(visit, confirmed=True, nonce="1", by=cast.clerk_kalle, at=visit.starts_at)
    compared(visit, cast, passport(cast.antti.customer))
    with pytest.raises(parked.NotOpen, match="NOT_CONFIRMED"):
        parked.carry_out(visit, confirmed=False, nonce="1", by=cast.clerk_kalle, at=visit.starts_at)
    assert not ContactChange.objects.filter(kind="ADDRESS").exists()


def test_a_visit_without_a_customer_gets_one_by_number(cast: Cast) -> None:
    open_office(cast.organisation)
    booked = book(cast, None, at=NOW)
    desk.check_in(booked, by=cast.clerk_kalle, at=booked.starts_at)
    with pytest.raises(NotSeen, match="CLAIM"):
        compared(booked, cast, passport(cast.antti.customer))
    desk.name_customer(booked, cast.antti.number, by=cast.clerk_kalle, at=booked.starts_at)
    assert compared(booked, cast, passport(cast.antti.customer)) == "MATCHED"
