"""What to bring: a list that a satisfying set of papers always passes, and no other set ever."""

from datetime import date, timedelta
from itertools import product

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from visits.checklist import (
    Checklist,
    Document,
    Objection,
    PersonFacts,
    allowed,
    checklist_for,
    citizenship_of,
)
from visits.documents import FACTS, load
from visits.hours import OfficeAbilities

DAY = date(2026, 12, 1)
RULES = load()
ALONE, PAIR = OfficeAbilities(), OfficeAbilities(second_clerk=True)
NAMED = sorted({action for actions in RULES.errands.values() for action in actions})
ACTIONS = [*NAMED, "refund_to_new_account", "an_action_nobody_listed"]
VALID = DAY + timedelta(days=400)


def checklist(action="change_address", office=PAIR, **person) -> Checklist:
    return checklist_for(action, person=PersonFacts(**person), office=office, on=DAY)


def codes(found: Checklist, *, mandatory=True) -> list[str]:
    return [group.code for group in found.groups if group.mandatory is mandatory]


def papers(found: Checklist, group: str) -> set[str]:
    return {item.code for one in found.groups if one.code == group for item in one.items}


def paper(kind: str, country: str = "FIN", **terms) -> Document:
    return Document(kind, country, **{"expires_on": VALID, "issued_on": DAY - timedelta(days=30)} | terms)


people = st.builds(
    PersonFacts,
    kind=st.sampled_from(FACTS["kind"]),
    representation=st.sampled_from(FACTS["representation"]),
    citizenship=st.sampled_from(FACTS["citizenship"]),
    minor=st.sampled_from([True, False, None]),
    name_changed=st.sampled_from([True, False, None]),
)
offices = st.builds(OfficeAbilities, second_clerk=st.booleans(), chip=st.booleans())
brought = st.lists(
    st.builds(
        Document,
        kind=st.sampled_from(sorted(RULES.papers)),
        issuer_country=st.sampled_from(["FIN", "SWE", "IRL", "USA", "UTO", "", "fin"]),
        expires_on=st.sampled_from([None, DAY - timedelta(days=1), DAY, VALID]),
        issued_on=st.sampled_from(
            [None, date(1990, 9, 30), DAY - timedelta(days=93), DAY - timedelta(days=30), DAY, DAY + timedelta(days=1)]
        ),
        traits=st.frozensets(st.sampled_from([*sorted(RULES.traits), "unheard_of"]), max_size=2),
    ),
    max_size=8,
)


def serves(document: Document, group) -> bool:
    """Say it again, from the rules as they are written and not from the code that compiles them."""
    for item in group.items:
        option, kind = item.option, RULES.papers[item.option.paper]
        country = document.issuer_country
        whose = option.issuers is None or (
            (country in RULES.countries[option.issuers] if option.issuers != "any" else country.isupper())
            and country not in {"UTO"}
            and country not in RULES.countries.get(option.except_issuers, ())
        )
        issued = document.issued_on
        new_enough = (
            option.max_age_days is None or (issued is not None and (DAY - issued).days <= option.max_age_days)
        ) and (option.issued_from is None or issued is None or issued >= option.issued_from)
        in_force = document.expires_on >= DAY if document.expires_on else not kind.expires
        if (
            document.kind == kind.kind
            and whose
            and new_enough
            and in_force
            and not (issued and issued > DAY)
            and document.traits <= set(option.despite)
        ):
            return True
    return False


def enough(item) -> Document:
    """Make a paper that satisfies this very item."""
    country = next(code for code in ("FIN", "SWE", "USA") if RULES.accepts_issuer(item.option, code))
    return paper(item.code, country)


@given(action=st.sampled_from(ACTIONS), person=people, office=offices, papers_brought=brought)
def test_a_set_of_papers_passes_exactly_when_each_mandatory_group_is_served(action, person, office, papers_brought):
    found = checklist_for(action, person=person, office=office, on=DAY)
    expected = [
        group.code
        for group in found.groups
        if group.mandatory and not any(serves(one, group) for one in papers_brought)
    ]
    assert [group.code for group in found.missing(papers_brought)] == expected
    assert found.satisfied(papers_brought) is (not expected)


@given(action=st.sampled_from(ACTIONS), person=people, office=offices, data=st.data())
def test_any_choice_from_each_group_passes_and_nothing_less_does(action, person, office, data):
    found = checklist_for(action, person=person, office=office, on=DAY)
    chosen = [enough(data.draw(st.sampled_from(group.items))) for group in found.groups if group.mandatory]
    assert found.satisfied(chosen)
    assert not found.satisfied([])
    lost = data.draw(st.sampled_from([group for group in found.groups if group.mandatory]))
    left = [one for one in chosen if not lost.satisfied_by(one, DAY)]
    assert lost.code in [group.code for group in found.missing(left)]


def test_every_plan_there_is_asks_for_identity_and_can_be_satisfied():
    facts = (FACTS["kind"], FACTS["representation"], FACTS["citizenship"], (True, False, None), (True, False, None))
    everything = list(product(ACTIONS, (ALONE, PAIR), *facts))
    for action, office, kind, representation, citizenship, minor, name_changed in everything:
        person = PersonFacts(kind, representation, citizenship, minor, name_changed)
        found = checklist_for(action, person=person, office=office, on=DAY)
        assert "identity" in codes(found)
        assert all(group.items for group in found.groups), (action, person)


def test_a_change_of_address_needs_an_identity_document_only():
    assert codes(checklist("change_address", citizenship="fi")) == ["identity"]
    assert codes(checklist("disclose_personal_data")) == codes(checklist("refund_to_account")) == ["identity"]


def test_a_refund_to_a_new_account_needs_a_statement_in_ones_own_name():
    assert codes(checklist("refund_to_new_account")) == ["identity", "new_account"]


def test_the_code_is_needed_only_where_nothing_else_can_stand_in_for_it():
    assert "visit_code" in codes(checklist(office=ALONE))
    for office in (PAIR, OfficeAbilities(chip=True)):
        assert "visit_code" not in codes(checklist(office=office))
        assert codes(checklist(office=office), mandatory=False) == ["visit_code_if_at_hand"]


def test_the_code_alone_is_never_enough():
    assert [group.code for group in checklist(office=ALONE).missing([Document("visit_code")])] == ["identity"]


def test_citizens_of_ireland_norway_and_denmark_need_a_passport():
    found = checklist("close_account", citizenship="ie_no_dk")
    assert papers(found, "identity") == {"passport", "police_identification"}
    assert found.satisfied([paper("passport", "NOR")])
    assert not found.satisfied([paper("id_card", "NOR")])
    assert not allowed(paper("id_card", "NOR"), "close_account", DAY)


def test_a_driving_licence_serves_lesser_errands_only():
    assert allowed(paper("driving_licence"), "tell_case_state", DAY).groups == ("identity",)
    for action in ("disclose_personal_data", "change_address", "close_account", "an_action_nobody_listed"):
        assert allowed(paper("driving_licence"), action, DAY).objection is Objection.OTHER_PAPER


@pytest.mark.parametrize("trait", ["mobile", "temporary", "exchanged", "paper", "damaged", "copy", "unheard_of"])
def test_a_licence_with_anything_against_it_serves_nothing(trait):
    verdict = allowed(paper("driving_licence", traits=frozenset({trait})), "tell_case_state", DAY)
    assert not verdict
    assert verdict.objection is Objection.TRAIT
    with translation.override("en"):
        assert str(verdict.reason) == RULES.traits.get(trait, str(Objection.TRAIT.text))


def test_another_countrys_licence_serves_nothing():
    assert allowed(paper("driving_licence", "SWE"), "tell_case_state", DAY).objection is Objection.ISSUER


def test_a_passport_from_elsewhere_serves_all_but_the_gravest_errands():
    assert allowed(paper("passport", "USA"), "disclose_personal_data", DAY)
    assert allowed(paper("passport", "USA"), "close_account", DAY).objection is Objection.ISSUER
    assert allowed(paper("passport", "UTO"), "tell_case_state", DAY).objection is Objection.ISSUER


def test_an_errand_nobody_listed_needs_the_best_document():
    assert RULES.strength("an_action_nobody_listed") == "full"
    assert RULES.strength("") == "full"


def test_papers_must_be_valid_on_the_day_of_the_visit():
    found = checklist()
    last_day = paper("passport", expires_on=DAY)
    assert found.satisfied([last_day])
    assert not found.satisfied([last_day], on=DAY + timedelta(days=1))
    assert (
        allowed(paper("passport", expires_on=DAY - timedelta(days=1)), "disclose_personal_data", DAY).objection
        is Objection.EXPIRED
    )
    assert allowed(paper("passport", expires_on=None), "disclose_personal_data", DAY).objection is Objection.NO_DATES


def test_a_passport_that_is_issued_tomorrow_is_none_today():
    assert not allowed(paper("passport", issued_on=DAY + timedelta(days=1)), "disclose_personal_data", DAY)


def test_an_extract_grows_too_old():
    person = PersonFacts(kind="company", representation="signatory")
    old = paper("trade_register_extract", issued_on=DAY - timedelta(days=93))
    assert allowed(old, "refund_to_account", DAY, person=person).objection is Objection.TOO_OLD
    undated = paper("trade_register_extract", issued_on=None)
    assert allowed(undated, "refund_to_account", DAY, person=person).objection is Objection.NO_DATES


def test_a_guardian_brings_the_register_and_all_who_decide_with_him():
    found = checklist(representation="guardian", minor=False)
    assert codes(found) == ["identity", "guardianship", "joint_guardians"]
    assert papers(found, "guardianship") == {"guardianship_extract"}
    assert papers(checklist(representation="guardian", minor=True), "guardianship") == {"custody_extract"}


def test_a_mandate_is_brought_in_the_original_and_names_the_matter():
    found = checklist(representation="mandate")
    identity = paper("passport")
    assert found.satisfied([identity, paper("mandate")])
    for trait in ("copy", "general"):
        assert not found.satisfied([identity, paper("mandate", traits=frozenset({trait}))])
    assert not found.satisfied([identity, paper("mandate", expires_on=None)])


@pytest.mark.parametrize("kind", ["person", "company"])
def test_a_signatory_always_shows_the_company(kind):
    assert codes(checklist(kind=kind, representation="signatory")) == ["identity", "company", "signatories"]


def test_a_company_that_sends_a_representative_shows_both_rights():
    assert codes(checklist(kind="company", representation="mandate")) == ["identity", "mandate", "company"]


def test_a_new_name_needs_a_paper_but_a_document_in_it_serves_both():
    found = checklist(name_changed=True)
    former = paper("passport", traits=frozenset({"former_name"}))
    assert [group.code for group in found.missing([former])] == ["name_change"]
    assert found.satisfied([former, paper("name_certificate")])
    assert found.satisfied([paper("passport")])


@pytest.mark.parametrize(
    ("nationality", "group"),
    [("FIN", "fi"), ("SWE", "eea"), ("DEU", "eea"), ("NOR", "ie_no_dk"), ("USA", "other"), ("UTO", "other")],
)
def test_a_nationality_falls_in_one_group(nationality, group):
    assert citizenship_of(nationality) == group


def test_a_person_of_whom_nonsense_is_told_is_refused():
    with pytest.raises(ValueError, match="citizenship is never"):
        PersonFacts(citizenship="finnish")


@translation.override("en")
def test_the_list_is_written_in_a_line_a_group_and_kept_with_its_version():
    found = checklist("refund_to_new_account", citizenship="ie_no_dk")
    assert [line.split(": ")[0] for line in found.lines()] == [
        "Proof of who you are",
        "Proof that the account is yours",
    ]
    assert found.lines()[0].endswith("Passport or Identification made by the police")
    kept = found.snapshot()
    assert (kept["version"], kept["on"]) == (RULES.version, "2026-12-01")
    assert kept["groups"][0] == {
        "code": "identity",
        "mandatory": True,
        "items": ["passport", "police_identification"],
    }
