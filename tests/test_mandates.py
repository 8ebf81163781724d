"""Giving, recording and ending the right to act for another: nobody gets it by his own word, and it ends at once."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.utils import translation

from audit.models import Entry
from notices.models import Notice
from tests.actions_asked import VALID, approved_by_customer, tell_what_is_due
from tests.cast import NOW, Cast, Person, number
from tests.representatives import at_desk, child, comes_in, company, joins, proves, right, speaks_for
from tests.test_authority import ASKED, MINUTE, ask, in_own_matter, refused
from verification.canonical import plain
from verification.forms import clean
from verification.gate import Granted, Malformed, OfBatch, OfProposal, Proposed, Refused, attempt
from verification.imports import prepare
from verification.mandate_actions import MandateForm, matters
from verification.models import Interaction, Mandate, MandateEnd
from verification.policy import current
from verification.reasons import Reason
from verification.shown_parameters import lines
from verification.telling import day

OFFICE = VALID["register_office"]


def wanted_by(cast: Cast, **terms: Any) -> dict[str, Any]:
    named = {"representative": cast.helena.number, "name": "Huoltaja Helena"}
    return named | {"actions": [ASKED], "ends_on": "2026-04-30"} | terms


def gives(cast: Cast, giver: Person, **terms: Any) -> Any:
    wanted, desk = wanted_by(cast, **terms), cast.desk(at=NOW, claims=giver)
    if not clean(MandateForm, wanted)[1]:
        approved_by_customer(desk, "register_mandate", at=NOW, parameters=wanted)
    return ask(cast, desk, "register_mandate", **wanted)


def gives_by_phone(cast: Cast, **terms: Any) -> Any:
    """Let Antti give one on the telephone, with a login at the highest level in which he approved it."""
    wanted, call = wanted_by(cast, **terms), cast.call(at=NOW, claims=cast.antti)
    proves(call, kind="E_ID_HIGH")
    approved_by_customer(call, "register_mandate", at=NOW, parameters=wanted)
    return ask(cast, call, "register_mandate", **wanted)


def uses(cast: Cast, at: Any) -> Any:
    return ask(cast, speaks_for(cast, cast.antti, cast.helena, "MANDATE", at=at), at=at)


def decide(cast: Cast, proposed: Any, by: str = "clerk_kerttu", at: Any = NOW + MINUTE) -> Any:
    assert isinstance(proposed, Proposed), proposed
    origin = OfProposal(proposed.proposal.public_id, cast.staff[by])
    return attempt(proposed.proposal.action, origin=origin, parameters={}, at=at)


# --- a mandate is given by the principal ----------------------------------------------------------------------------


def test_a_mandate_is_given_at_the_highest_level_used_by_the_other_and_told_to_every_recorded_contact(
    cast: Cast,
) -> None:
    assert isinstance(gives(cast, cast.antti), Granted)
    tell_what_is_due(NOW)
    queued = [json.loads(bytes(one.body)) for one in Entry.objects.filter(kind="notice.queued")]
    assert sum(one["facts"].get("about") == "register_mandate" for one in queued) == 2, "by phone and by e-mail"
    assert isinstance(ask(cast, speaks_for(cast, cast.antti, cast.helena, "MANDATE")), Granted)
    refused(ask(cast, speaks_for(cast, cast.antti, cast.helena, "MANDATE"), "change_address"))


@pytest.mark.parametrize("capacity", ["MANDATE", "GUARDIAN", "SIGNATORY", "ESTATE"])
def test_a_representative_never_registers_his_own(cast: Cast, capacity: str) -> None:
    young = child(cast, right(cast.helena, "GUARDIAN"))
    whom = young if capacity == "GUARDIAN" else cast.antti
    desk = at_desk(cast, whom, cast.helena, capacity)
    refused(ask(cast, desk, "register_mandate"))
    assert not Mandate.objects.filter(kind="MANDATE").exists()


@pytest.mark.parametrize("who", ["ward", "company", "child"])
def test_who_does_not_act_alone_gives_none(cast: Cast, who: str) -> None:
    giver = child(cast) if who == "child" else cast.people[who]
    refused(gives(cast, giver))


@pytest.mark.parametrize("whom", ["antti", "ward", "company", "nobody"])
def test_one_who_cannot_represent_gets_none(cast: Cast, whom: str) -> None:
    named = number(7654321) if whom == "nobody" else cast.people[whom].number
    who = cast.helena if whom == "nobody" else cast.people[whom]
    called = f"{who.customer.family_name} {who.customer.given_names}"
    refused(gives(cast, cast.antti, representative=named, name=called), Reason.FAILED)
    assert not Mandate.objects.exists()


@pytest.mark.parametrize(
    "terms",
    [{"actions": []}, {"actions": ["register_mandate"]}, {"actions": ["temporary_hold"]}, {"ends_on": ""},
     {"actions": ["everything"]}, {"representative": "12345678"}, {"most": 0}, {"most": -5}],
    ids=str,
)  # fmt: skip
def test_there_is_no_general_mandate_and_none_without_an_end(cast: Cast, terms: dict[str, Any]) -> None:
    assert isinstance(gives(cast, cast.antti, **terms), Malformed)


def test_the_matters_of_a_mandate_are_the_declared_sensitive_ones_in_ones_own_matter() -> None:
    names = {name for name, _label in matters()}
    assert {"change_address", ASKED, "refund_to_account", "tell_case_state"} <= names
    assert not names & {"register_mandate", "register_office", "end_mandate", "temporary_hold", "open_case"}


def test_one_whose_days_are_over_before_they_begin_is_not_recorded(cast: Cast) -> None:
    refused(gives(cast, cast.antti, ends_on="2026-03-10"), Reason.FAILED)


def test_one_that_begins_later_gives_nothing_before(cast: Cast) -> None:
    assert isinstance(gives(cast, cast.antti, begins_on="2026-03-12"), Granted)
    refused(ask(cast, speaks_for(cast, cast.antti, cast.helena, "MANDATE")))
    tomorrow = NOW + timedelta(days=1)
    call = speaks_for(cast, cast.antti, cast.helena, "MANDATE", at=tomorrow)
    assert isinstance(ask(cast, call, at=tomorrow), Granted)


# --- and approved by himself, who reads whom he gives it to ---------------------------------------------------------


@pytest.mark.parametrize("kind", ["E_ID_HIGH", "CIBA_HIGH"])
def test_a_login_that_approved_nothing_gives_none(cast: Cast, kind: str) -> None:
    call = cast.call(at=NOW, claims=cast.antti)
    proves(call, kind=kind)
    refused(ask(cast, call, "register_mandate", **wanted_by(cast)), Reason.NOT_APPROVED)
    assert not Mandate.objects.exists()


@pytest.mark.parametrize(
    "other",
    [{"representative": "sanna"}, {"name": "Sanna Huoltaja"}, {"actions": [ASKED, "refund_to_account"]},
     {"most": 9_900_000}, {"ends_on": "2035-12-31"}],
    ids=str,
)  # fmt: skip
def test_what_he_approved_is_this_one_and_no_other(cast: Cast, other: dict[str, Any]) -> None:
    call = cast.call(at=NOW, claims=cast.antti)
    proves(call, kind="E_ID_HIGH")
    approved_by_customer(call, "register_mandate", at=NOW, parameters=wanted_by(cast))
    if "representative" in other:
        other = {"representative": cast.sanna.number}
    refused(ask(cast, call, "register_mandate", **wanted_by(cast) | other), Reason.NOT_APPROVED)


@pytest.mark.parametrize("said", ["Helena", "Sanna Sihteeri", "Huoltajatar Helena", "Huoltaja H.", "xxx"])
def test_a_number_under_anothers_name_is_not_the_one_he_means(cast: Cast, said: str) -> None:
    refused(gives(cast, cast.antti, name=said), Reason.FAILED)
    assert not Mandate.objects.exists()


@pytest.mark.parametrize("said", ["HELENA  huoltaja", "Huoltaja, Helena Maria"])
def test_the_name_may_be_said_as_people_say_names(cast: Cast, said: str) -> None:
    assert isinstance(gives(cast, cast.antti, name=said), Granted)


@pytest.mark.parametrize(
    ("language", "words"),
    [("fi", ["Huoltaja Helena", "Postiosoitteen muutos", "50,00\u00a0€", "30.4.2026"]),
     ("sv", ["Huoltaja Helena", "Ändring av postadressen", "50,00\u00a0€", "30.4.2026"]),
     ("en", ["Huoltaja Helena", "Change of postal address", "€", "30.4.2026"])],
)  # fmt: skip
def test_he_reads_it_in_plain_words_before_he_approves_it(cast: Cast, language: str, words: list[str]) -> None:
    cleaned, errors = clean(MandateForm, wanted_by(cast, actions=["change_address"], most=5000))
    assert not errors
    with translation.override(language):
        shown = dict(lines("register_mandate", plain(cleaned)))
    assert cast.helena.number in shown.values()
    assert language == "en" or not {"Name of the one who acts", "At most each time"} & set(shown)
    assert all(any(word in value for value in shown.values()) for word in words), shown


# --- and, unless he stood before us, it can be stopped before it begins ---------------------------------------------
LATER = NOW + current().veto_delay


def test_by_phone_it_begins_when_his_contacts_had_their_days_and_they_are_told_which_day(cast: Cast) -> None:
    given = gives_by_phone(cast)
    assert given.result["effective_at"] == LATER.isoformat()
    refused(uses(cast, LATER - MINUTE))
    assert isinstance(uses(cast, LATER), Granted)
    tell_what_is_due(NOW)
    texts = [one.opened().text for one in Notice.objects.filter(about="register_mandate")]
    assert len(texts) == 2
    assert all(day(LATER, "fi") in text for text in texts), texts


def test_before_that_whoever_says_that_it_was_not_him_stops_it_with_no_code(cast: Cast) -> None:
    gives_by_phone(cast)
    soon = NOW + timedelta(hours=1)
    assert isinstance(ask(cast, cast.call(at=soon, claims=cast.antti), "stop_mandate", at=soon), Granted)
    refused(uses(cast, LATER))
    tell_what_is_due(soon)
    assert Notice.objects.filter(about="stop_mandate").count() == 2


def test_the_stop_ends_none_that_has_begun_and_no_office(cast: Cast) -> None:
    assert isinstance(gives(cast, cast.antti), Granted)
    ask(cast, cast.call(at=NOW, claims=cast.antti), "stop_mandate")
    assert isinstance(uses(cast, NOW), Granted)
    tell_what_is_due(NOW)
    assert not Notice.objects.filter(about="stop_mandate").exists()


def test_a_day_that_he_named_is_kept_when_it_is_later(cast: Cast) -> None:
    given = gives_by_phone(cast, begins_on="2026-03-20")
    assert given.result["effective_at"] > LATER.isoformat()
    refused(uses(cast, LATER))


@pytest.mark.parametrize("left", ["IDENTITY_LIST", "SECOND_CLERK"])
def test_half_of_what_is_seen_at_a_desk_beside_a_login_is_not_to_stand_before_us(cast: Cast, left: str) -> None:
    desk = cast.desk(at=NOW, claims=cast.antti, level="NONE")
    proves(desk, kind="E_ID_HIGH")
    proves(desk, kind=left)
    approved_by_customer(desk, "register_mandate", at=NOW, parameters=wanted_by(cast))
    given = ask(cast, desk, "register_mandate", **wanted_by(cast))
    assert given.result["effective_at"] == LATER.isoformat()


# --- and ended at once ----------------------------------------------------------------------------------------------


def test_it_is_taken_back_at_once_in_the_middle_of_the_representatives_call(cast: Cast) -> None:
    assert isinstance(gives(cast, cast.antti), Granted)
    call = speaks_for(cast, cast.antti, cast.helena, "MANDATE")
    assert isinstance(ask(cast, call), Granted)
    ended = ask(cast, in_own_matter(cast, cast.antti), "end_mandate", representative=cast.helena.number)
    assert ended.result == {"ended": 1}
    refused(ask(cast, call))
    tell_what_is_due(NOW)
    assert Notice.objects.filter(about="end_mandate", subject=str(cast.antti.customer.pseudonym)).exists()


def test_one_that_has_yet_to_begin_is_taken_back_too(cast: Cast) -> None:
    gives(cast, cast.antti, begins_on="2026-03-20")
    ended = ask(cast, in_own_matter(cast, cast.antti), "end_mandate", representative=cast.helena.number)
    assert ended.result == {"ended": 1}


def test_who_holds_it_lays_it_down_himself(cast: Cast) -> None:
    gives(cast, cast.antti)
    call = speaks_for(cast, cast.antti, cast.helena, "MANDATE")
    assert ask(cast, call, "end_mandate", representative=cast.helena.number).result == {"ended": 1}
    refused(ask(cast, call))


def test_it_is_taken_back_under_a_hold_too(cast: Cast) -> None:
    gives(cast, cast.antti)
    ask(cast, cast.call(at=NOW, claims=cast.antti), "temporary_hold")
    ended = ask(cast, in_own_matter(cast, cast.antti), "end_mandate", representative=cast.helena.number)
    assert ended.result == {"ended": 1}


def test_a_stranger_ends_nobodys_and_a_ward_not_his_guardians(cast: Cast) -> None:
    gives(cast, cast.antti)
    stranger = speaks_for(cast, cast.antti, cast.sanna, "MANDATE")
    refused(ask(cast, stranger, "end_mandate", representative=cast.helena.number))
    refused(ask(cast, stranger, "end_mandate", representative=cast.sanna.number))
    young = child(cast, right(cast.helena, "GUARDIAN"))
    refused(ask(cast, in_own_matter(cast, young), "end_mandate", representative=cast.helena.number))
    assert not MandateEnd.objects.exists()


def test_a_guardian_ends_the_mandates_of_his_ward_and_not_the_other_guardians_office(cast: Cast) -> None:
    ward = comes_in(
        cast, "Huollettava", "Aikuinen", right(cast.helena, "GUARDIAN"), right(cast.sanna, "GUARDIAN"),
        right(cast.olli, "MANDATE"), needs_guardian=True,
    )  # fmt: skip
    call = speaks_for(cast, ward, cast.helena, "GUARDIAN")
    assert ask(cast, call, "end_mandate", representative=cast.olli.number).result == {"ended": 1}
    assert ask(cast, call, "end_mandate", representative=cast.sanna.number).result == {"ended": 0}


# --- an office, from papers -----------------------------------------------------------------------------------------


def test_an_office_is_recorded_by_two_who_saw_the_paper_and_told_to_the_one_it_is_about(cast: Cast) -> None:
    young = child(cast)
    proposed = ask(cast, at_desk(cast, young, cast.helena, "GUARDIAN"), "register_office", **OFFICE)
    refused(ask(cast, speaks_for(cast, young, cast.helena, "GUARDIAN")))
    assert isinstance(decide(cast, proposed), Granted)
    recorded = Mandate.objects.get()
    assert (recorded.kind, recorded.evidence) == ("GUARDIAN", "REGISTER: 1234567-8, 2.3.2026")
    later = NOW + 2 * MINUTE
    assert isinstance(ask(cast, speaks_for(cast, young, cast.helena, "GUARDIAN", at=later), at=later), Granted)
    tell_what_is_due(later)
    assert Notice.objects.filter(about="register_office", subject=str(young.customer.pseudonym)).exists()


def test_nobody_decides_his_own_proposal_of_an_office(cast: Cast) -> None:
    proposed = ask(cast, at_desk(cast, child(cast), cast.helena, "GUARDIAN"), "register_office", **OFFICE)
    assert isinstance(decide(cast, proposed, by="clerk_kalle"), Refused)
    assert not Mandate.objects.exists()


@pytest.mark.parametrize("how", ["by phone", "too low", "as himself", "by mandate", "not named", "for himself"])
def test_an_office_is_recorded_only_from_a_paper_before_us_by_one_who_is_proven(cast: Cast, how: str) -> None:
    young = child(cast)
    wanted = {
        "by phone": lambda: speaks_for(cast, young, cast.helena, "GUARDIAN", kind="E_ID_HIGH"),
        "too low": lambda: at_desk(cast, young, cast.helena, "GUARDIAN", high=False),
        "as himself": lambda: cast.desk(at=NOW, claims=cast.helena),
        "by mandate": lambda: at_desk(cast, young, cast.helena, "MANDATE"),
        "not named": lambda: cast.desk(at=NOW, claims=young, level="NONE"),
        "for himself": lambda: at_desk(cast, cast.helena, cast.helena, "GUARDIAN"),
    }[how]()
    decided = ask(cast, wanted, "register_office", **OFFICE)
    refused(decided, Reason.LEVEL if how == "too low" else Reason.AUTHORITY)


@pytest.mark.parametrize(
    ("whom", "capacity", "paper", "recorded"),
    [
        ("child", "GUARDIAN", "REGISTER", True), ("antti", "GUARDIAN", "REGISTER", False),
        ("antti", "GUARDIAN", "COURT", True), ("ward", "GUARDIAN", "REGISTER", True),
        ("company", "GUARDIAN", "COURT", False), ("company", "SIGNATORY", "REGISTER", True),
        ("antti", "SIGNATORY", "REGISTER", False), ("antti", "ESTATE", "DEED", True),
        ("company", "ESTATE", "DEED", False),
    ],
)  # fmt: skip
def test_an_office_fits_whom_it_is_for(cast: Cast, whom: str, capacity: str, paper: str, recorded: bool) -> None:
    principal = child(cast) if whom == "child" else cast.people[whom]
    desk = at_desk(cast, principal, cast.helena, capacity)
    decided = ask(cast, desk, "register_office", **OFFICE | {"paper": paper})
    if not recorded:
        refused(decided)
        return
    assert isinstance(decide(cast, decided), Granted)
    later = NOW + 2 * MINUTE
    assert isinstance(ask(cast, speaks_for(cast, principal, cast.helena, capacity, at=later), at=later), Granted)


def test_the_heir_who_is_dead_himself_represents_nobody_any_more(cast: Cast) -> None:
    young = child(cast, right(cast.helena, "GUARDIAN"))
    call = speaks_for(cast, young, cast.helena, "GUARDIAN")
    assert isinstance(ask(cast, call), Granted)
    proposed = ask(cast, at_desk(cast, cast.helena, cast.sanna, "ESTATE"), "register_office", **OFFICE)
    assert isinstance(decide(cast, proposed), Granted)
    refused(ask(cast, call, at=NOW + 2 * MINUTE))


def test_two_signatories_are_recorded_to_act_together_and_then_they_do(cast: Cast) -> None:
    both = OFFICE | {"needed": 2}
    first = ask(cast, at_desk(cast, cast.company, cast.sanna, "SIGNATORY"), "register_office", **both)
    assert isinstance(decide(cast, first), Granted)
    joined = both | {"together_with": cast.sanna.number}
    second = ask(cast, at_desk(cast, cast.company, cast.olli, "SIGNATORY"), "register_office", **joined)
    assert isinstance(decide(cast, second), Granted)
    later = NOW + 2 * MINUTE
    call = speaks_for(cast, cast.company, cast.sanna, "SIGNATORY", at=later)
    refused(ask(cast, call, at=later))
    joins(call, cast, cast.company, cast.olli, "SIGNATORY", at=later)
    assert isinstance(ask(cast, call, at=later), Granted)


def test_an_office_ends_by_a_paper_and_two_people(cast: Cast) -> None:
    shop = company(cast, right(cast.sanna, "SIGNATORY"), right(cast.olli, "SIGNATORY"))
    wanted = {"representative": cast.olli.number, "paper": "REGISTER", "reference": "extract of 11.3.2026"}
    proposed = ask(cast, at_desk(cast, shop, cast.sanna, "SIGNATORY"), "end_office", **wanted)
    call = speaks_for(cast, shop, cast.olli, "SIGNATORY")
    assert isinstance(ask(cast, call), Granted)
    assert decide(cast, proposed).result == {"ended": 1}
    refused(ask(cast, call, at=NOW + 2 * MINUTE))


# --- the tables refuse too ------------------------------------------------------------------------------------------


def test_no_right_is_written_changed_or_ended_outside_the_gate(cast: Cast) -> None:
    mandate = Mandate(
        principal=cast.antti.customer, representative=cast.helena.customer, kind="MANDATE", actions=[ASKED],
        begins_at=NOW, recorded_at=NOW, evidence="by hand",
    )  # fmt: skip
    with pytest.raises(DatabaseError), transaction.atomic():
        mandate.save()
    gives(cast, cast.antti)
    given = Mandate.objects.get()
    for work in (
        lambda: Mandate.objects.update(ends_at=None),
        lambda: Mandate.objects.filter(pk=given.pk)._raw_delete("default"),
        lambda: MandateEnd.objects.create(mandate=given, customer=cast.antti.customer, ended_at=NOW),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            work()


# --- an import ------------------------------------------------------------------------------------------------------


def test_an_import_gives_nobody_a_voice_in_a_record_that_was_there(cast: Cast) -> None:
    rights = [right(cast.helena, "MANDATE") | {"principal": cast.antti.number}]
    file = json.dumps({"customers": [], "mandates": rights}).encode()
    batch = prepare(file, by=cast.administrator, at=NOW)
    origin = OfBatch(batch.public_id, cast.administrator2)
    assert attempt("import_customers", origin=origin, parameters={}, at=NOW).result["mandates"] == 0
    assert not Mandate.objects.exists()


def test_whoever_acts_is_named_in_the_log_by_who_he_is(cast: Cast) -> None:
    gives(cast, cast.antti)
    call = speaks_for(cast, cast.antti, cast.helena, "MANDATE")
    ask(cast, call)
    seen = Entry.objects.filter(kind="evidence.observed").latest("id")
    assert seen.subject_ref == str(cast.helena.customer.pseudonym)
    decided = Entry.objects.filter(kind="gate.granted").latest("id")
    assert decided.subject_ref == str(cast.antti.customer.pseudonym)
    assert Interaction.objects.get(pk=call.pk).live
    proves(call)
