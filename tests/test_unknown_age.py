"""Whose date of birth isn't known does nothing alone that a child may not, until his age is shown in this contact."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from notices.models import Notice
from tests.cast import NOW, Cast, Person, bring_in
from tests.cast import _row as row
from tests.reception import NEW_HOME, book, laid, open_office
from tests.reception import passport as zone_of
from tests.representatives import child, comes_in, proves, right, says, speaks_for
from verification import authority, masking, policy
from verification.evidence import CONFIRMATIONS
from verification.gate import Granted, Live, Refused, attempt
from verification.levels import Level
from verification.models import Customer, Evidence, Interaction
from verification.numbers import born_of, identity_code
from verification.reasons import Reason
from verification.scene import current_claim
from visits import desk, identity, keys
from visits.models import Visit, VisitCode

pytestmark = pytest.mark.django_db


@pytest.fixture
def undated(cast: Cast) -> Person:
    return comes_in(cast, "Ikä", "Tuntematon", birth_date=None)


def change(contact: Interaction, cast: Cast) -> Any:
    return attempt("change_address", origin=Live(contact.public_id, cast.agent_aino), parameters=NEW_HOME, at=NOW)


def strong(cast: Cast, person: Person, **detail: Any) -> Interaction:
    """Open a call in which he has logged in, with what the broker told of his age."""
    call = cast.call(at=NOW, claims=person)
    proves(call, **detail)
    return call


def test_without_a_date_he_does_not_decide_alone(cast: Cast, undated: Person) -> None:
    decided = change(strong(cast, undated), cast)
    assert isinstance(decided, Refused)
    assert decided.refusal.reason == Reason.AUTHORITY
    assert {"visit", "leave_question"} <= set(decided.refusal.ways)


@pytest.mark.parametrize(("shown", "may"), [(True, Granted), (False, Refused)])
def test_a_login_that_tells_his_age_counts_in_this_contact_alone(
    cast: Cast, undated: Person, shown: bool, may: type
) -> None:
    assert isinstance(change(strong(cast, undated, of_age=shown), cast), may)
    assert isinstance(change(strong(cast, undated), cast), Refused)


def test_what_was_shown_of_one_is_not_true_of_another(cast: Cast, undated: Person) -> None:
    other = comes_in(cast, "Ikä", "Toinen", birth_date=None)
    call = strong(cast, other, of_age=True)
    assert authority.acts_alone(other.customer, NOW, claim=current_claim(call))
    assert not authority.acts_alone(undated.customer, NOW, claim=current_claim(call))


def test_what_was_shown_before_a_late_transfer_counts_no_more(cast: Cast, undated: Person) -> None:
    call = strong(cast, undated, of_age=True)
    Interaction.objects.filter(pk=call.pk).update(evidence_from=NOW.replace(hour=11))
    claim = current_claim(Interaction.objects.get(pk=call.pk))
    assert not authority.acts_alone(undated.customer, NOW, claim=claim)


def test_he_represents_nobody_either(cast: Cast, undated: Person) -> None:
    young = child(cast, right(undated, "GUARDIAN"))
    assert isinstance(change(speaks_for(cast, young, undated, "GUARDIAN"), cast), Refused)
    call = cast.call(at=NOW)
    says(call, cast, young, who=undated)
    proves(call, of_age=True)
    assert isinstance(change(call, cast), Granted)


def test_who_guards_him_goes_on_guarding(cast: Cast) -> None:
    ward = child(cast, right(cast.helena, "GUARDIAN"), born=None)  # type: ignore[arg-type]  # nobody knows when
    assert isinstance(change(speaks_for(cast, ward, cast.helena, "GUARDIAN"), cast), Granted)


def test_a_company_has_no_age_and_its_signatory_acts_as_before(cast: Cast) -> None:
    shop = comes_in(cast, "Ajaton Oy", "", right(cast.sanna, "SIGNATORY"), kind="COMPANY", birth_date=None)
    assert isinstance(change(speaks_for(cast, shop, cast.sanna, "SIGNATORY"), cast), Granted)


def test_a_house_of_adults_alone_may_say_so(cast: Cast, undated: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    adults = replace(policy.current(), unknown_age="AS_ADULT")
    monkeypatch.setattr(authority, "current", lambda: adults)
    assert isinstance(change(strong(cast, undated), cast), Granted)


def test_an_import_takes_the_date_from_the_identity_code(cast: Cast) -> None:
    code = identity_code(date(1971, 2, 3), 912)
    bring_in(
        [row(1000077, "Koodi", "Kaisa", birth_date=None, identity_code=code)],
        prepared_by=cast.administrator, approved_by=cast.administrator2, at=NOW,
    )  # fmt: skip
    assert Customer.objects.get(given_names="Kaisa").birth_date == date(1971, 2, 3)


@pytest.mark.parametrize("born", [date(1899, 12, 31), date(1971, 2, 3), date(2012, 2, 29)])
def test_the_date_in_an_identity_code(born: date) -> None:
    assert born_of(identity_code(born, 912)) == born


@pytest.mark.parametrize("code", ["", "010171-9121", "not a code"])
def test_what_is_no_identity_code_has_no_date(code: str) -> None:
    assert born_of(code) is None


# --- at the desk ------------------------------------------------------------------------------------------------------
def at_desk(cast: Cast, person: Person) -> Visit:
    open_office(cast.organisation)
    visit = book(cast, person, at=NOW)
    desk.check_in(visit, by=cast.clerk_kalle, at=visit.starts_at)
    return visit


def shows(cast: Cast, visit: Visit, person: Person, born: str, **other: Any) -> str:
    document = laid(zone_of(person.customer, born=born, **other))
    return identity.compare(
        visit, document, confirmed=CONFIRMATIONS, by=cast.clerk_kalle, at=visit.starts_at
    ).outcome  # fmt: skip


def level(visit: Visit) -> Level:
    here = visit.desk_interaction
    assert here is not None
    return masking.standing(here, visit.starts_at)[1].level


def test_at_the_desk_his_name_is_compared_and_is_worth_little(cast: Cast, undated: Person) -> None:
    visit = at_desk(cast, undated)
    assert shows(cast, visit, undated, "610417", family="VAARA") == "NAME"
    assert shows(cast, visit, undated, "610417") == "MATCHED"
    seen = Evidence.objects.get(claim__speaker__interaction=visit.desk_interaction)
    assert (seen.kind, seen.detail["of_age"]) == ("IDENTITY_UNDATED", True)
    assert "1961" not in str(seen.detail)
    assert level(visit) is Level.LOW


def test_with_the_visit_code_it_is_enough_for_an_ordinary_matter(
    cast: Cast, undated: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = at_desk(cast, undated)
    shows(cast, visit, undated, "610417")
    contact = undated.customer.recorded_contacts(NOW)[0]
    VisitCode.objects.filter(visit=visit).delete()
    code = keys.issue_code(visit, contact, at=NOW.replace(day=NOW.day - 3))
    here = desk.at_desk(visit, by=cast.clerk_kalle)
    shown = keys.show_code(visit, code, interaction_id=here.public_id, by=cast.clerk_kalle, at=visit.starts_at)
    assert shown is keys.Shown.MATCHED
    assert level(visit) is Level.SUBSTANTIAL
    origin = Live(here.public_id, cast.clerk_kalle)
    assert isinstance(attempt("change_address", origin=origin, parameters=NEW_HOME, at=visit.starts_at), Granted)
    assert Notice.objects.filter(subject=str(undated.customer.pseudonym), about="identity_accepted").exists()


def test_a_childs_document_says_that_he_is_a_child(cast: Cast, undated: Person) -> None:
    visit = at_desk(cast, undated)
    assert shows(cast, visit, undated, "150417") == "MATCHED"
    claim = desk.claimed(desk.at_desk(visit, by=cast.clerk_kalle))
    assert not authority.acts_alone(undated.customer, visit.starts_at, claim=claim)
