"""The gate: one door, closed unless everything is in order, and one entry in the log for every knock."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, transaction

from audit.log import read
from audit.models import Entry
from cases.models import Refund
from notices.models import Notice
from tests.actions_asked import VALID, WANTS_A_ROW, approved_by_customer, tell_what_is_due
from tests.cast import NOW, Cast
from verification import declarations, interactions, records
from verification.claims import TooMany, claim_number, claim_of_visit
from verification.declarations import all_declared
from verification.gate import Granted, Live, Malformed, OfProposal, Proposed, Refused, Unavailable, attempt
from verification.levels import Level
from verification.models import (
    ContactChange,
    DecisionKey,
    Evidence,
    Grant,
    Hold,
    Opening,
    Organisation,
    Refusal,
    Spent,
    Staff,
)
from verification.policy import current
from verification.reasons import Reason

LIVE = [action.name for action in all_declared() if action.origin == "live"]
LEVELS = [Level.NONE, Level.LOW, Level.SUBSTANTIAL, Level.HIGH]


def ask(name: str, call: Any, by: Any, parameters: dict[str, Any] | None = None, **more: Any) -> Any:
    wanted = VALID.get(name, {}) if parameters is None else parameters
    origin = Live(call.public_id if hasattr(call, "public_id") else call, by)
    return attempt(name, origin=origin, parameters=wanted, at=more.pop("at", NOW), **more)


def standing_at(cast: Cast, level: Level) -> tuple[Any, Any]:
    """Return an interaction about Antti at exactly this level, and who serves it."""
    if level <= Level.LOW:
        return cast.call(at=NOW, claims=cast.antti, level=level.name), cast.agent_aino
    return cast.desk(at=NOW, claims=cast.antti, level=level.name), cast.clerk_kalle


def decisions() -> list[Entry]:
    return list(Entry.objects.filter(kind__startswith="gate.").order_by("id"))


def test_every_live_action_is_known_to_these_tests() -> None:
    assert set(LIVE) <= set(VALID), "say in tests/actions_asked.py how the new action is asked for"


@pytest.mark.parametrize("level", LEVELS, ids=lambda level: level.name)
@pytest.mark.parametrize("name", sorted(set(LIVE) - WANTS_A_ROW))
def test_each_action_is_granted_at_its_level_and_never_below(cast: Cast, name: str, level: Level) -> None:
    call, clerk = standing_at(cast, level)
    declared = declarations.declared(name)
    assert declared is not None
    if declared.linked:
        approved_by_customer(call, name, at=NOW)
    before = len(decisions())
    decided = ask(name, call, clerk if declared.roles else None)
    if level >= declared.required and isinstance(decided, Proposed):
        assert declared.second_person
        assert not Grant.objects.filter(action=name).exists()
    elif level >= declared.required:
        assert isinstance(decided, Granted), decided
        assert Spent.objects.filter(grant=decided.grant).exists()
    else:
        assert isinstance(decided, Refused)
        assert decided.refusal.reason == Reason.LEVEL
        assert decided.refusal.held == level
        assert decided.refusal.required == declared.required
    assert len(decisions()) == before + 1, "exactly one decision entry an attempt"
    assert not Opening.objects.exists()


@pytest.mark.parametrize("name", sorted(set(LIVE) - WANTS_A_ROW))
def test_no_action_that_needs_proof_is_granted_without_a_claim(cast: Cast, name: str) -> None:
    call = cast.call(at=NOW)
    decided = ask(name, call, cast.agent_aino if declarations.declared(name).roles else None)
    if declarations.declared(name).needs_claim:
        assert isinstance(decided, Refused)
        assert decided.refusal.reason == Reason.NO_CLAIM
    else:
        assert isinstance(decided, Granted)


@pytest.mark.parametrize(
    "name", ["", "delete_everything", "DISCLOSE_PERSONAL_DATA", "disclose_personal_data ", "x" * 500]
)
def test_what_is_not_declared_is_refused_even_at_high(cast: Cast, name: str) -> None:
    call, by = standing_at(cast, Level.HIGH)
    decided = ask(name, call, by, {})
    assert isinstance(decided, Refused)
    assert decided.refusal.reason == Reason.UNDECLARED
    assert decisions()[-1].outcome == "refused"


@pytest.mark.parametrize("origin", ["follow", "batch"])
def test_actions_of_other_origins_cannot_be_asked_for_in_a_call(cast: Cast, origin: str) -> None:
    call, by = standing_at(cast, Level.HIGH)
    for action in all_declared():
        if action.origin == origin:
            decided = ask(action.name, call, by, {})
            assert isinstance(decided, Refused)
            assert decided.refusal.reason == Reason.UNDECLARED


def test_an_unknown_interaction_is_refused_and_written_down(cast: Cast) -> None:
    decided = ask("open_case", uuid4(), cast.agent_aino)
    assert isinstance(decided, Refused)
    assert decided.refusal.reason == Reason.NOT_LIVE


@pytest.mark.parametrize("name", LIVE)
def test_nothing_is_granted_once_the_call_has_ended(cast: Cast, name: str) -> None:
    call, by = standing_at(cast, Level.HIGH)
    interactions.end(call.public_id, at=NOW)
    decided = ask(name, call, by)
    assert isinstance(decided, Refused)
    assert decided.refusal.reason == Reason.NOT_LIVE
    assert not Grant.objects.filter(interaction=call).exists()


@pytest.mark.parametrize("role", ["auditor", "administrator"])
@pytest.mark.parametrize("name", LIVE)
def test_auditors_and_administrators_hold_no_customer_role(cast: Cast, name: str, role: str) -> None:
    call, _ = standing_at(cast, Level.HIGH)
    decided = ask(name, call, cast.staff[role])
    assert isinstance(decided, Refused)
    assert decided.refusal.reason in (Reason.ROLE, "NOT_SERVING")


@pytest.mark.parametrize("name", LIVE)
def test_a_caller_alone_gets_only_what_is_declared_for_callers(cast: Cast, name: str) -> None:
    call, _ = standing_at(cast, Level.LOW)
    decided = ask(name, call, None)
    if not declarations.declared(name).by_caller:
        assert isinstance(decided, Refused)
        assert decided.refusal.reason == Reason.ROLE


def test_a_dismissed_agent_is_refused(cast: Cast) -> None:
    call = cast.call(at=NOW, claims=cast.antti, level="LOW")
    cast.agent_aino.is_active = False
    assert ask("tell_case_state", call, cast.agent_aino).refusal.reason == Reason.ROLE


def test_that_somebody_is_family_shows_only_after_the_level(cast: Cast) -> None:
    cast.agent_aino.kin.add(cast.antti.customer)
    stranger = cast.call(at=NOW, claims=cast.antti)
    assert ask("tell_case_state", stranger, cast.agent_aino).refusal.reason == Reason.LEVEL


def test_nobody_serves_his_own_family(cast: Cast) -> None:
    desk = cast.desk(at=NOW, claims=cast.antti, level="HIGH")
    cast.clerk_kalle.kin.add(cast.antti.customer)
    assert ask("disclose_personal_data", desk, cast.clerk_kalle).refusal.reason == Reason.OWN_MATTER


@pytest.mark.parametrize("capacity", ["MANDATE", "GUARDIAN", "SIGNATORY"])
def test_whoever_says_that_he_acts_for_another_is_refused_for_authority(cast: Cast, capacity: str) -> None:
    call = cast.call(at=NOW)
    claim_number(call.public_id, cast.antti.number, capacity=capacity, source="KEYPAD", by=None, at=NOW)
    assert cast.type_code(call, cast.antti, at=NOW).value == "WRONG", "not his own code"
    decided = ask("tell_case_state", call, cast.agent_aino)
    assert decided.refusal.reason == Reason.AUTHORITY
    assert ask("temporary_hold", call, cast.agent_aino).grant.action == "temporary_hold", "protection asks no authority"


@pytest.mark.parametrize("who", ["ward", "company"])
def test_a_ward_and_a_company_do_not_act_alone_and_it_shows_only_after_the_level(cast: Cast, who: str) -> None:
    person = cast.people[who]
    stranger = cast.call(at=NOW, claims=person)
    assert ask("tell_case_state", stranger, cast.agent_aino).refusal.reason == Reason.LEVEL
    proven = cast.call(at=NOW, claims=person, level="LOW")
    assert ask("tell_case_state", proven, cast.agent_aino).refusal.reason == Reason.AUTHORITY


def test_a_new_claim_voids_the_evidence_of_the_old_one(cast: Cast) -> None:
    call = cast.call(at=NOW, claims=cast.antti, level="LOW")
    claim_number(call.public_id, cast.antti2.number, capacity="SELF", source="STAFF", by=cast.agent_aino, at=NOW)
    assert ask("tell_case_state", call, cast.agent_aino).refusal.reason == Reason.LEVEL
    claim_number(call.public_id, cast.antti.number, capacity="SELF", source="STAFF", by=cast.agent_aino, at=NOW)
    assert ask("tell_case_state", call, cast.agent_aino).refusal.reason == Reason.LEVEL, "coming back proves nothing"


def test_evidence_runs_out_while_the_call_goes_on(cast: Cast) -> None:
    call = cast.call(at=NOW, claims=cast.antti, level="LOW")
    assert isinstance(ask("tell_case_state", call, cast.agent_aino, at=NOW + timedelta(minutes=59)), Granted)
    assert ask("tell_case_state", call, cast.agent_aino, at=NOW + timedelta(minutes=60)).refusal.reason == Reason.LEVEL


def test_a_frozen_account_is_refused_after_proof_and_looks_like_any_other_before(cast: Cast) -> None:
    stranger = cast.call(at=NOW, claims=cast.frozen)
    ordinary = cast.call(at=NOW, claims=cast.antti)
    before, like = (ask("tell_case_state", one, cast.agent_aino).refusal for one in (stranger, ordinary))
    assert (before.reason, before.said, before.ways) == (like.reason, like.said, like.ways)
    proven = cast.call(at=NOW, claims=cast.frozen, level="LOW")
    assert ask("tell_case_state", proven, cast.agent_aino).refusal.reason == Reason.HOLD
    assert isinstance(ask("book_visit", proven, cast.agent_aino), Granted), "a freeze never blocks a visit"


def test_no_such_customer_is_refused_in_the_same_words(cast: Cast) -> None:
    known = cast.call(at=NOW, claims=cast.antti)
    unknown = cast.call(at=NOW)
    claim_number(unknown.public_id, "99999999", capacity="SELF", source="KEYPAD", by=None, at=NOW)
    for name in ("tell_case_state", "disclose_personal_data", "refund_to_account"):
        one, other = (ask(name, call, cast.agent_aino).refusal for call in (known, unknown))
        assert (one.reason, one.said, one.ways, one.held) == (other.reason, other.said, other.ways, other.held)
    assert isinstance(ask("temporary_hold", unknown, cast.agent_aino), Granted)
    assert not Hold.objects.filter(customer__number="99999999").exists()


@pytest.mark.parametrize("name", LIVE)
@pytest.mark.parametrize(
    "bad",
    [{"nonsense": "1"}, {"amount": [1]}, {"amount": {"a": 1}}, {"amount": -1}, {"amount": 1.5}, {"questions": 7},
     {"street": "a\x00b", "postal_code": "00100", "town": "x"}, {"questions": ["", " "]}],
    ids=str,
)  # fmt: skip
def test_parameters_of_the_wrong_shape_are_malformed_and_judge_nothing(
    cast: Cast, name: str, bad: dict[str, Any]
) -> None:
    call, by = standing_at(cast, Level.NONE)
    if declarations.declared(name).at_desk:
        call, by = cast.desk(at=NOW, claims=cast.antti, level="NONE"), cast.clerk_kalle
    refusals = Refusal.objects.count()
    decided = ask(name, call, by if declarations.declared(name).roles else None, bad)
    assert isinstance(decided, Malformed), decided
    assert Refusal.objects.count() == refusals
    assert decisions()[-1].kind == "gate.malformed"


def test_a_refusal_says_what_was_held_and_needed_and_names_open_ways_easiest_first(cast: Cast) -> None:
    call = cast.call(at=NOW, claims=cast.antti)
    refusal = ask("refund_to_account", call, cast.agent_aino).refusal
    assert (refusal.held, refusal.required) == (Level.NONE, Level.SUBSTANTIAL)
    assert "visit" in refusal.ways
    assert refusal.ways == sorted(
        refusal.ways, key=["keypad_code", "call_back", "visit", "leave_question", "protect"].index
    )
    assert set(refusal.said) == {"fi", "sv", "en"}
    assert all(refusal.said.values())
    assert len(set(refusal.said.values())) == 3, "each language has words of its own"


def test_the_keypad_is_offered_only_where_a_code_is_enough(cast: Cast) -> None:
    call = cast.call(at=NOW, claims=cast.antti)
    assert "keypad_code" in ask("tell_case_state", call, cast.agent_aino).refusal.ways
    assert "keypad_code" not in ask("refund_to_account", call, cast.agent_aino).refusal.ways


def test_what_was_refused_is_parked_sealed_and_never_done_by_itself(cast: Cast) -> None:
    call = cast.call(at=NOW, claims=cast.antti)
    refusal = ask("change_address", call, cast.agent_aino).refusal
    assert refusal.parked.void_at == NOW + timedelta(days=30)
    assert b"Uusikatu" not in bytes(refusal.parked.sealed_parameters)
    assert not ContactChange.objects.filter(kind="ADDRESS").exists()


def test_the_same_key_decides_once(cast: Cast) -> None:
    call = cast.call(at=NOW, claims=cast.antti)
    first = ask("small_voucher", call, cast.agent_aino, key="form:1")
    again = ask("small_voucher", call, cast.agent_aino, key="form:1")
    assert again.grant == first.grant
    assert again.repeated
    assert again.result == first.result
    assert Grant.objects.filter(action="small_voucher").count() == 1
    assert b"voucher" not in bytes(DecisionKey.objects.get().sealed_result), "results are kept sealed"


def test_the_same_key_repeats_a_refusal(cast: Cast) -> None:
    call = cast.call(at=NOW, claims=cast.antti)
    first = ask("refund_to_account", call, cast.agent_aino, key="form:2")
    again = ask("refund_to_account", call, cast.agent_aino, key="form:2")
    assert again.refusal == first.refusal
    assert Refusal.objects.count() == 1


def test_caps_are_counted_across_calls(cast: Cast) -> None:
    for _ in range(2):
        assert isinstance(ask("temporary_hold", cast.call(at=NOW, claims=cast.antti), cast.agent_aino), Granted)
    third = ask("temporary_hold", cast.call(at=NOW, claims=cast.antti), cast.agent_aino)
    assert third.refusal.reason == Reason.CAP
    assert isinstance(ask("temporary_hold", cast.call(at=NOW, claims=cast.antti2), cast.agent_aino), Granted)
    later = NOW + timedelta(days=31)
    assert isinstance(ask("temporary_hold", cast.call(at=later, claims=cast.antti), cast.agent_aino, at=later), Granted)


def voucher(cast: Cast, by: str, place: int) -> Granted | Refused:
    parameters = {**VALID["small_voucher"], "receipt": f"R-2026-{place + 17}"}
    return ask("small_voucher", cast.call(at=NOW, by=by), cast.staff[by], parameters)


def test_one_contact_opens_so_many_cases_and_no_more(cast: Cast) -> None:
    call = cast.call(at=NOW)
    for _ in range(5):
        assert isinstance(ask("open_case", call, cast.agent_aino), Granted)
    assert ask("open_case", call, cast.agent_aino).refusal.reason == Reason.CAP
    assert isinstance(ask("open_case", cast.call(at=NOW), cast.agent_aino), Granted)


def test_one_person_hands_out_so_many_vouchers_a_day_and_no_more(cast: Cast) -> None:
    most = next(cap.times for cap in current().caps_of("small_voucher") if cap.scope == "staff")
    given = [voucher(cast, "agent_aino", place) for place in range(most + 1)]
    assert [type(decided) for decided in given] == [Granted] * most + [Refused]
    assert given[-1].refusal.reason == Reason.CAP
    assert isinstance(voucher(cast, "agent_arvo", most + 1), Granted)


def test_every_grant_is_spent_before_it_commits(cast: Cast) -> None:
    granted = ask("open_case", cast.call(at=NOW), cast.agent_aino)
    assert Spent.objects.get(grant=granted.grant).spent_at == NOW
    assert not Opening.objects.exists()


def test_a_cap_tells_nothing_of_who_is_a_customer(cast: Cast) -> None:
    """Three holds on a number: the third is refused alike, whether the number is somebody's or nobody's."""
    said = []
    for number in (cast.antti.number, "99999999"):
        for _ in range(3):
            call = cast.call(at=NOW)
            claim_number(call.public_id, number, capacity="SELF", source="KEYPAD", by=None, at=NOW)
            decided = ask("temporary_hold", call, None)
        said.append((decided.refusal.reason, decided.refusal.said))
    assert said[0] == said[1]
    assert said[0][0] == Reason.CAP


def test_guesses_at_a_number_do_not_turn_its_owner_away_at_the_desk(cast: Cast) -> None:
    for _ in range(current().claims.per_customer_per_day):
        cast.call(at=NOW, claims=cast.antti)
    with pytest.raises(TooMany):
        cast.call(at=NOW, claims=cast.antti)
    desk = interactions.open_by_staff(cast.clerk_kalle, channel="DESK", language="fi", at=NOW)
    with transaction.atomic():
        noted = claim_of_visit(desk, cast.antti.customer, by=cast.clerk_kalle, at=NOW)
    assert noted.customer == cast.antti.customer


def test_a_large_refund_waits_for_a_second_person(cast: Cast) -> None:
    desk = cast.desk(at=NOW, claims=cast.antti)
    over = {"amount": 20_001, "reason": "paid twice in May"}
    at_most = {"amount": 20_000, "reason": "paid twice in May"}
    assert isinstance(ask("refund_to_account", desk, cast.clerk_kalle, at_most), Granted)
    waiting = ask("refund_to_account", desk, cast.clerk_kalle, over)
    assert isinstance(waiting, Proposed)
    assert Refund.objects.count() == 1

    def decide(by: Staff, at: datetime = NOW) -> Any:
        return attempt("refund_to_account", origin=OfProposal(waiting.proposal.public_id, by), parameters={}, at=at)

    assert decide(cast.clerk_kerttu).refusal.reason == Reason.ROLE
    interactions.end(desk.public_id, at=NOW)
    supervisor = cast.staff["supervisor"]
    assert decide(supervisor, NOW + timedelta(hours=24)).refusal.reason == Reason.NOT_LIVE, "it has run out"
    assert isinstance(decide(supervisor), Granted), "it was judged while the customer was there"
    assert decide(supervisor).refusal.reason == Reason.NOT_LIVE, "it is decided once"
    assert [refund.amount for refund in Refund.objects.order_by("pk")] == [20_000, 20_001]


def test_a_changed_address_waits_and_the_old_contacts_are_told(cast: Cast) -> None:
    desk = cast.desk(at=NOW, claims=cast.antti)
    Notice.objects.all().delete()
    assert isinstance(ask("change_address", desk, cast.clerk_kalle), Granted)
    customer = cast.antti.customer
    assert customer.contact("ADDRESS", NOW + timedelta(hours=71)) is None
    assert customer.contact("ADDRESS", NOW + timedelta(hours=72)).value == "Uusikatu 1, 00100 Helsinki"
    assert not Notice.objects.exists(), "who there is to tell is looked up after the commit"
    tell_what_is_due(NOW)
    assert {notice.channel for notice in Notice.objects.filter(about="change_address")} == {"SMS", "EMAIL"}


def test_a_veto_stops_a_change_before_it_takes_effect(cast: Cast) -> None:
    ask("change_address", cast.desk(at=NOW, claims=cast.antti), cast.clerk_kalle)
    later = NOW + timedelta(hours=10)
    worried = cast.call(at=later, claims=cast.antti)
    assert isinstance(ask("veto_change", worried, cast.agent_aino, at=later), Granted)
    assert cast.antti.customer.contact("ADDRESS", NOW + timedelta(days=30)) is None


def test_an_effect_that_fails_leaves_nothing_but_its_refusal(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(occasion: Any) -> dict[str, Any]:
        Hold.objects.create(customer=occasion.customer, kind="TEMPORARY", held_at=NOW, until=NOW + timedelta(hours=1))
        raise ZeroDivisionError

    declared = declarations.declared("temporary_hold")
    monkeypatch.setitem(declarations._DECLARED, "temporary_hold", replace(declared, effect=breaks))
    call = cast.call(at=NOW, claims=cast.antti)
    decided = ask("temporary_hold", call, cast.agent_aino)
    assert decided.refusal.reason == Reason.FAILED
    assert not Hold.objects.filter(customer=cast.antti.customer).exists()
    assert not Grant.objects.filter(action="temporary_hold").exists()
    assert [entry.outcome for entry in decisions()][-1] == "refused"


def test_when_the_log_cannot_be_written_there_is_no_effect_and_no_answer(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**entry: Any) -> None:
        raise DatabaseError("disk full")

    call = cast.call(at=NOW, claims=cast.antti)
    monkeypatch.setattr(records, "record", full)
    with pytest.raises(Unavailable):
        ask("temporary_hold", call, cast.agent_aino)
    assert not Hold.objects.filter(customer=cast.antti.customer).exists()


def test_the_entry_holds_what_was_judged_and_hides_what_is_personal(cast: Cast) -> None:
    call = cast.call(at=NOW, claims=cast.antti, level="LOW")
    ask("change_address", call, cast.agent_aino)
    entry = decisions()[-1]
    envelope, personal = read(entry)
    assert envelope["facts"]["held"] == "LOW"
    assert envelope["facts"]["reason"] == "LEVEL"
    assert [seen["kind"] for seen in envelope["facts"]["evidence"]] == ["KEYPAD_TOTP"]
    assert personal["parameters"]["street"] == "Uusikatu 1"
    for secret in ("Uusikatu", "Antti", "Asiakas", cast.antti.number):
        assert secret.encode() not in bytes(entry.body)


def test_evidence_is_what_the_interaction_saw_and_no_more(cast: Cast) -> None:
    first = cast.call(at=NOW, claims=cast.antti, level="LOW")
    second = cast.call(at=NOW, claims=cast.antti)
    assert Evidence.objects.filter(claim__speaker__interaction=first).count() == 1
    assert ask("tell_case_state", second, cast.agent_aino).refusal.reason == Reason.LEVEL, "evidence dies with its call"


def test_a_key_of_another_attempt_is_refused_and_discloses_nothing(cast: Cast) -> None:
    desk = cast.desk(at=NOW, claims=cast.antti)
    first = ask("disclose_personal_data", desk, cast.clerk_kalle, key="form:3")
    assert first.result["record"]["name"] == "Antti Asiakas"
    other = cast.call(at=NOW, claims=cast.antti)
    stolen = ask("disclose_personal_data", other, cast.agent_aino, key="form:3")
    assert isinstance(stolen, Refused)
    assert stolen.refusal.reason == Reason.FAILED
    changed = ask("temporary_hold", desk, cast.clerk_kalle, key="form:3")
    assert isinstance(changed, Refused)


def test_a_key_tells_nothing_of_who_is_claimed_next(cast: Cast) -> None:
    reasons = []
    for number in (cast.antti.number, "99999999"):
        call = cast.call(at=NOW)
        assert isinstance(ask("book_visit", call, cast.agent_aino, key=f"form:{number}"), Granted)
        claim_number(call.public_id, number, capacity="SELF", source="STAFF", by=cast.agent_aino, at=NOW)
        again = ask("book_visit", call, cast.agent_aino, key=f"form:{number}")
        reasons.append(getattr(getattr(again, "refusal", None), "reason", "granted"))
    assert reasons == [Reason.FAILED, Reason.FAILED]


def test_a_key_stands_for_its_parameters_too(cast: Cast) -> None:
    call = cast.call(at=NOW)
    first = ask("open_case", call, cast.agent_aino, {"questions": "Where is it?"}, key="form:5")
    assert isinstance(first, Granted)
    assert isinstance(ask("open_case", call, cast.agent_aino, {"questions": "Where is it?"}, key="form:5"), Granted)
    changed = ask("open_case", call, cast.agent_aino, {"questions": "Who has it?"}, key="form:5")
    assert changed.refusal.reason == Reason.FAILED
    assert Grant.objects.filter(action="open_case").count() == 1


def test_a_repeat_discloses_nothing_once_the_contact_is_over_or_the_answer_old(cast: Cast) -> None:
    desk = cast.desk(at=NOW, claims=cast.antti)
    ask("disclose_personal_data", desk, cast.clerk_kalle, key="form:4")
    assert ask("disclose_personal_data", desk, cast.clerk_kalle, key="form:4").result["record"]
    later = NOW + timedelta(minutes=11)
    assert ask("disclose_personal_data", desk, cast.clerk_kalle, key="form:4", at=later).result == {}
    interactions.end(desk.public_id, at=NOW)
    assert ask("disclose_personal_data", desk, cast.clerk_kalle, key="form:4").result == {}


def test_a_case_of_another_contact_is_not_there(cast: Cast) -> None:
    opened = ask("open_case", cast.call(at=NOW), cast.agent_aino)
    elsewhere = cast.call(at=NOW)
    decided = ask("close_case", elsewhere, cast.agent_aino, {"case": opened.result["case"]})
    assert decided.refusal.reason == Reason.FAILED


def test_a_mere_claim_opens_no_case_of_an_earlier_contact(cast: Cast) -> None:
    opened = ask("open_case", cast.call(at=NOW, claims=cast.antti), cast.agent_aino).result
    told = {"question": opened["questions"][0], "text": "It is on its way.", "declined": False}
    unproven = cast.call(at=NOW, claims=cast.antti)
    assert ask("answer_question", unproven, cast.agent_aino, told).refusal.reason == Reason.FAILED
    proven = cast.call(at=NOW, claims=cast.antti, level="LOW")
    assert isinstance(ask("answer_question", proven, cast.agent_aino, told), Granted)


def test_a_case_closes_only_when_each_question_is_answered_or_declined(cast: Cast) -> None:
    call = cast.call(at=NOW, claims=cast.antti)
    opened = ask("open_case", call, cast.agent_aino, {"questions": "Where is my refund?\nWhen are you open?"}).result
    close = {"case": opened["case"]}
    assert isinstance(ask("close_case", call, cast.agent_aino, close), Refused)
    for number, question in enumerate(opened["questions"]):
        told = {"question": question, "text": "That we do not know yet.", "declined": bool(number)}
        assert isinstance(ask("answer_question", call, cast.agent_aino, told), Granted)
    assert ask("close_case", call, cast.agent_aino, close).result["state"] == "CLOSED"


def test_an_address_wants_proof_of_the_last_ten_minutes(cast: Cast) -> None:
    desk = cast.desk(at=NOW, claims=cast.antti)
    late = NOW + timedelta(minutes=11)
    assert ask("change_address", desk, cast.clerk_kalle, at=late).refusal.reason == Reason.STALE
    assert isinstance(ask("change_address", desk, cast.clerk_kalle, at=NOW + timedelta(minutes=10)), Granted)


def test_only_who_serves_the_contact_acts_in_it(cast: Cast) -> None:
    call = cast.call(at=NOW, claims=cast.antti, level="LOW", by="agent_aino")
    decided = ask("tell_case_state", call, cast.agent_arvo)
    assert decided.refusal.reason == Reason.NOT_SERVING
    assert isinstance(ask("tell_case_state", call, cast.agent_aino), Granted)


def test_another_organisations_contact_is_not_there(cast: Cast) -> None:
    call = cast.call(at=NOW)
    elsewhere = Organisation.objects.create(name="Toinen Oy")
    cast.agent_aino.organisation = elsewhere
    assert ask("open_case", call, cast.agent_aino).refusal.reason == Reason.NOT_LIVE


def test_under_a_hold_the_proven_customer_is_offered_to_lift_it_and_not_a_second_one(cast: Cast) -> None:
    desk = cast.desk(at=NOW, claims=cast.antti)
    assert isinstance(ask("temporary_hold", desk, cast.clerk_kalle), Granted)
    refusal = ask("change_address", desk, cast.clerk_kalle).refusal
    assert refusal.reason == Reason.HOLD
    assert "lift_hold" in refusal.ways
    assert not {"protect", "next_visit"} & set(refusal.ways)
    assert isinstance(ask("lift_hold", desk, cast.clerk_kalle), Granted)
    assert isinstance(ask("change_address", desk, cast.clerk_kalle), Granted)


def test_nothing_is_told_of_a_veto_when_nothing_was_pending(cast: Cast) -> None:
    ask("veto_change", cast.call(at=NOW, claims=cast.antti), cast.agent_aino)
    tell_what_is_due(NOW)
    assert not Notice.objects.filter(about="veto_change").exists()
    ask("change_address", cast.desk(at=NOW, claims=cast.antti), cast.clerk_kalle)
    later = NOW + timedelta(minutes=1)
    ask("veto_change", cast.call(at=later, claims=cast.antti), cast.agent_aino, at=later)
    tell_what_is_due(later)
    assert Notice.objects.filter(about="veto_change").count() == 2


def test_a_call_back_is_offered_only_where_a_code_would_be_enough(cast: Cast) -> None:
    call = cast.call(at=NOW, claims=cast.antti)
    assert "call_back" in ask("tell_case_state", call, cast.agent_aino).refusal.ways
    assert "call_back" not in ask("refund_to_account", call, cast.agent_aino).refusal.ways
