"""Documents at the desk: print against zone, dates against their issuer; none opens more than it is good for."""

from __future__ import annotations

import copy
import tomllib
from datetime import date
from typing import Any

import pytest

from audit.erasure import erase
from audit.models import Entry
from tests.cast import NOW, Cast
from tests.reception import book, laid, open_office, passport, printed_on
from tests.test_mrz import SPECIMENS
from verification.evidence import CONFIRMATIONS, see_second_clerk
from verification.levels import Level
from verification.masking import standing
from verification.models import Evidence
from visits import desk, documents_seen, identity, mrz
from visits.checklist import Document, PersonFacts, allowed, strength_of
from visits.documents import RULES_FILE, NotRules, load, parse
from visits.identity import Laid
from visits.models import IdentityTry, SeenDocument, Visit
from visits.mrz import check_digit
from visits.printed import Printed, impossible
from visits.soundness import problems

DAY = date(2026, 12, 1)
WRITTEN = tomllib.loads(RULES_FILE.read_text(encoding="utf-8"))
HIGH_ACTIONS = ("refund_to_new_account", "enrol_code_app", "close_account", "an_action_nobody_listed")


@pytest.fixture
def visit(cast: Cast) -> Visit:
    """A visit of Antti's for a change of address, checked in by Kalle."""
    open_office(cast.organisation)
    booked = book(cast, cast.antti, at=NOW)
    desk.check_in(booked, by=cast.clerk_kalle, at=booked.starts_at)
    return booked


def shown(visit: Visit, cast: Cast, document: Laid) -> identity.Compared:
    return identity.compare(visit, document, confirmed=CONFIRMATIONS, by=cast.clerk_kalle, at=visit.starts_at)


def level(visit: Visit) -> Level:
    here = visit.desk_interaction
    assert here is not None
    return standing(here, visit.starts_at)[1].level


def confirmed_by_second(visit: Visit, cast: Cast) -> None:
    here = visit.desk_interaction
    assert here is not None
    see_second_clerk(here.public_id, by=cast.clerk_kerttu, at=visit.starts_at)


@pytest.mark.parametrize(
    ("printed", "field"),
    [
        ({"number": "XP8271603"}, "printed_number"),
        ({"expires_on": date(2031, 5, 2)}, "printed_expires_on"),
        ({"expires_on": None}, "printed_expires_on"),
        ({"birth_date": date(1961, 4, 18)}, "printed_birth_date"),
        ({"birth_date": None}, "printed_birth_date"),
        ({"family_name": "Asiakkainen"}, "printed_name"),
        ({"given_names": "Antero"}, "printed_name"),
    ],
)
def test_a_zone_that_is_not_what_is_printed_gives_nothing_and_says_where(
    visit: Visit, cast: Cast, printed: dict[str, Any], field: str
) -> None:
    found = shown(visit, cast, laid(passport(cast.antti.customer), **printed))
    assert (found.outcome, found.field) == ("PRINTED", field)
    assert IdentityTry.objects.get().outcome == "PRINTED"
    assert not Evidence.objects.exists()
    assert Entry.objects.get(kind="visit.identity_compared").outcome == "printed"


def test_print_is_compared_as_it_is_meant_and_not_by_its_spaces(visit: Visit, cast: Cast) -> None:
    assert shown(visit, cast, laid(passport(cast.antti.customer), number="xp 827-1602")).matched


@pytest.mark.parametrize("name", sorted(SPECIMENS))
def test_every_specimen_of_icao_is_read_and_has_expired(name: str) -> None:
    assert mrz.read(SPECIMENS[name], on=DAY).expired(DAY)


def test_a_zone_with_an_open_birth_date_is_compared_as_far_as_it_goes() -> None:
    born = "<<<<<<" + check_digit("<<<<<<")
    fields = ["AB12345672"[:9], "300101"]
    first = fields[0] + check_digit(fields[0])
    last = fields[1] + check_digit(fields[1])
    body = first + born + last + "<" * 15
    zone = f"{'P<FINASIAKAS<<ANTTI'.ljust(44, '<')}\n{first}FIN{born}M{last}{'<' * 15}{check_digit(body)}"
    read = mrz.read(zone, on=DAY)
    printed = Printed("AB1234567", "Asiakas", "Antti", None, date(2030, 1, 1))
    assert printed.differs(read) == ""
    assert not read.born_on(date(1961, 4, 17)), "what is not known agrees with nobody's record"


def test_the_last_day_counts_and_the_day_after_does_not(visit: Visit, cast: Cast) -> None:
    on = f"{visit.on:%y%m%d}"
    yesterday = f"{date.fromordinal(visit.on.toordinal() - 1):%y%m%d}"
    assert shown(visit, cast, laid(passport(cast.antti.customer, expires=yesterday))).outcome == "EXPIRED"
    assert shown(visit, cast, laid(passport(cast.antti.customer, expires=on))).matched


def test_of_the_document_its_type_number_and_issuer_are_kept_and_the_number_is_sealed(visit: Visit, cast: Cast) -> None:
    shown(visit, cast, laid(passport(cast.antti.customer)))
    row = SeenDocument.objects.get()
    assert (row.kind, row.issuer, row.expires_on) == ("passport", "FIN", date(2031, 5, 1))
    assert b"XP8271602" not in bytes(row.sealed_number)
    kept = documents_seen.of(row.evidence)
    assert kept is not None
    assert kept.number == "XP8271602"
    assert "XP8271602" not in repr(kept)
    assert "XP8271602" not in str(row.evidence.detail)
    erase(subject=str(cast.antti.customer.pseudonym), actor="system:test", purpose="A test", at=NOW)
    assert documents_seen.of(row.evidence) is None


@pytest.mark.parametrize(
    ("terms", "wrong"),
    [
        (("id_card", "FIN", None, date(2031, 12, 1)), False),
        (("id_card", "FIN", None, date(2031, 12, 2)), True),
        (("id_card", "FIN", date(2025, 3, 1), date(2030, 3, 1)), False),
        (("id_card", "FIN", date(2025, 3, 1), date(2030, 3, 2)), True),
        (("id_card", "ESP", None, date(2060, 1, 1)), False),
        (("passport", "USA", date(2024, 2, 29), date(2034, 3, 1)), False),
        (("passport", "USA", date(2024, 2, 29), date(2034, 3, 2)), True),
        (("passport", "FIN", date(2026, 12, 2), date(2031, 1, 1)), True),
        (("passport", "FIN", date(2026, 1, 2), date(2026, 1, 1)), True),
    ],
)
def test_no_document_is_valid_for_longer_than_its_issuer_lets_it(terms: tuple[Any, ...], wrong: bool) -> None:
    kind, issuer, issued_on, expires_on = terms
    found = impossible(kind, issuer, issued_on=issued_on, expires_on=expires_on, on=DAY, rules=load())
    assert found is wrong


@pytest.mark.parametrize("action", HIGH_ACTIONS)
@pytest.mark.parametrize(
    ("kind", "issuer", "citizenship", "good"),
    [
        ("passport", "FIN", "fi", True),
        ("id_card", "FIN", "fi", True),
        ("passport", "CHE", "eea", True),
        ("id_card", "CHE", "eea", True),
        ("passport", "SMR", "eea", True),
        *(("passport", issuer, "ie_no_dk", True) for issuer in ("IRL", "NOR", "DNK")),
        *(("id_card", issuer, "ie_no_dk", False) for issuer in ("IRL", "NOR", "DNK")),
        ("passport", "USA", "other", False),
        ("driving_licence", "FIN", "fi", False),
    ],
)  # fmt: skip
def test_what_leads_to_high_is_a_short_list(action: str, kind: str, issuer: str, citizenship: Any, good: bool) -> None:
    document = Document(kind, issuer, expires_on=date(2029, 1, 1))
    found = allowed(document, action, DAY, person=PersonFacts(citizenship=citizenship))
    assert ("identity" in found.groups) is good
    assert (strength_of(document, DAY, person=PersonFacts(citizenship=citizenship)) == "full") is good


def test_a_passport_that_serves_an_ordinary_matter_never_leads_to_high(visit: Visit, cast: Cast) -> None:
    found = shown(visit, cast, laid(passport(cast.antti.customer, issuer="USA")))
    assert found.matched
    assert Evidence.objects.get().kind == "IDENTITY_ORDINARY"
    confirmed_by_second(visit, cast)
    assert level(visit) is Level.SUBSTANTIAL


@pytest.mark.parametrize("nationality", ["XXA", "XXB", "XXC", "XXX"])
def test_an_aliens_passport_says_so_itself(visit: Visit, cast: Cast, nationality: str) -> None:
    zone = passport(cast.antti.customer)
    first, second = zone.split("\n")
    found = shown(visit, cast, laid(f"{first}\n{second[:10]}{nationality}{second[13:]}"))
    assert found.outcome == "NOT_ALLOWED"
    assert found.why


def test_a_licence_has_no_zone_and_is_good_for_small_matters_only(cast: Cast) -> None:
    person = cast.antti.customer
    names = (person.family_name, person.given_names)
    dates = (person.birth_date, date(2031, 1, 1), date(2016, 2, 1))
    licence = Laid(Printed("123456-789", *names, *dates, "FIN"), kind="driving_licence")
    found = []
    for action, wanted in (("change_address", {}), ("tell_case_state", {})):
        visit = _of_errand(cast, action, wanted)
        found.append((shown(visit, cast, licence), level(visit), visit))
    assert [(one.outcome, held) for one, held, _ in found] == [("NOT_ALLOWED", Level.NONE), ("MATCHED", Level.LOW)]
    assert "passi" in found[0][0].why.lower() or "passport" in found[0][0].why.lower(), "it says what to bring instead"
    confirmed_by_second(found[1][2], cast)
    assert level(found[1][2]) is Level.LOW


def _of_errand(cast: Cast, action: str, wanted: dict[str, Any]) -> Visit:
    from tests.reception import ask_for_visit
    from visits import escalations

    if not cast.organisation.offices.exists():
        open_office(cast.organisation, desks=5)
    call = cast.call(at=NOW, claims=cast.antti)
    visit = escalations.place(ask_for_visit(call, cast, at=NOW, action=action, **wanted).pk, at=NOW)
    assert visit is not None
    desk.check_in(visit, by=cast.clerk_kalle, at=visit.starts_at)
    return visit


@pytest.mark.parametrize(("days", "outcome"), [(10, "MATCHED"), (31, "NOT_ALLOWED"), (None, "NOT_ALLOWED")])
def test_who_has_no_document_comes_with_the_polices_identification(
    visit: Visit, cast: Cast, days: int | None, outcome: str
) -> None:
    person = cast.antti.customer
    issued = date.fromordinal(visit.on.toordinal() - days) if days else None
    printed = Printed("5500/R/1/26", person.family_name, person.given_names, person.birth_date, None, issued, "FIN")
    assert shown(visit, cast, Laid(printed, kind="police_identification")).outcome == outcome
    if outcome == "MATCHED":
        confirmed_by_second(visit, cast)
        assert level(visit) is Level.HIGH


@pytest.mark.parametrize(
    "changed", [{"family_name": "Muu"}, {"given_names": "Olli"}, {"birth_date": date(1961, 4, 18)}]
)
def test_print_alone_is_held_against_the_record(visit: Visit, cast: Cast, changed: dict[str, Any]) -> None:
    person = cast.antti.customer
    told = {"family_name": person.family_name, "given_names": person.given_names, "birth_date": person.birth_date}
    printed = Printed(number="1", issued_on=visit.on, issuer="FIN", **told | changed)
    found = shown(visit, cast, Laid(printed, kind="police_identification"))
    assert found.outcome in ("NAME", "BIRTH_DATE")
    assert not Evidence.objects.exists()


@pytest.mark.parametrize("kind", ["passport", "id_card", "mandate", "nonsense"])
def test_what_has_a_zone_is_not_taken_without_it(visit: Visit, cast: Cast, kind: str) -> None:
    document = Laid(printed_on(passport(cast.antti.customer), issuer="FIN"), kind=kind)
    assert shown(visit, cast, document).outcome == "NOT_ALLOWED"


def rules(change: Any) -> list[str]:
    data = copy.deepcopy(WRITTEN)
    change(data)
    return problems(parse(data))


def test_nonsense_in_marks_and_validities_stops_the_start() -> None:
    assert rules(lambda data: data["shown"]["nationality"].update(XXA="ghost"))
    assert rules(lambda data: data["longest"].update(visit_code={"any": 1}))
    assert rules(lambda data: data["longest"]["passport"].update(Finland=5))
    assert rules(lambda data: data["shown"].update(because=" "))
    for change in (
        lambda data: data["longest"]["passport"].update(any=0),
        lambda data: data["longest"].update(because=""),
        lambda data: data["shown"].update(colour="red"),
        lambda data: data.pop("shown"),
    ):
        with pytest.raises(NotRules):
            rules(change)
