"""What went wrong elsewhere, each as a test: a help desk, a calm voice, bribed agents, a gate that fails open."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from audit.models import Entry
from notices.models import Notice
from tests.actions_asked import tell_what_is_due
from tests.cast import NOW, Cast, Person, wrong
from verification import masking
from verification.claims import TooMany, claim_name, claim_number
from verification.declarations import all_declared
from verification.evidence import CONFIRMATIONS, NotSeen, see_identity_list, see_second_clerk
from verification.gate import Granted, Live, Refused, attempt
from verification.interactions import end, open_call
from verification.keypad import Typed
from verification.levels import Level
from verification.models import Evidence, Grant, Interaction, KeypadRoad
from verification.numbers import mark
from verification.policy import current
from verification.signals import note

HOME = {"street": "Toinen linja 4", "postal_code": "00530", "town": "Helsinki"}
REFUND = {"amount": "4500", "reason": "paid twice in March"}


def ask(cast: Cast, contact: Interaction, action: str, *, by: str = "agent_aino", at: Any = NOW, **asked: str) -> Any:
    return attempt(action, origin=Live(contact.public_id, cast.staff[by]), parameters=asked, at=at)


def code(cast: Cast, contact: Interaction, person: Person, typed: str) -> Typed:
    return cast.type_code(contact, person, at=NOW, code=typed)


# --- a help desk handed out a password unasked, and reset a second factor twice in a day ------------------------------
SECRETS = {"verification.Authenticator", "verification.ListCode", "verification.Passkey"}


def test_no_action_gives_a_secret_below_high_or_at_once_by_one_person() -> None:
    giving = [action for action in all_declared() if action.origin != "batch" and SECRETS & set(action.writes)]
    assert {action.name for action in giving} == {"enrol_code_app", "replace_code_list", "enrol_passkey"}
    for action in giving:
        assert action.required is Level.HIGH, action.name
        assert action.delay is not None, f"{action.name} takes effect before its owner can say no"
        assert action.alone_up_to is not None or action.by_caller, f"{action.name} is done by one person alone"


def test_the_system_tells_the_recorded_contacts_and_no_agent_can_forget_it(cast: Cast) -> None:
    desk = cast.desk(at=NOW, claims=cast.antti)
    assert isinstance(ask(cast, desk, "change_address", by="clerk_kalle", **HOME), Granted)
    Notice.objects.all().delete()  # that a document was accepted
    tell_what_is_due(NOW)
    told = Notice.objects.filter(subject=str(cast.antti.customer.pseudonym), about="change_address")
    assert {notice.channel for notice in told} == {"SMS", "EMAIL"}


def test_what_is_sensitive_tells_somebody_or_tells_nothing_away() -> None:
    for action in all_declared():
        if action.origin == "live" and action.required >= Level.SUBSTANTIAL:
            assert action.told, f"{action.name} is done without a word to the recorded contacts"


def test_repeats_are_counted_across_agents(cast: Cast) -> None:
    for by in ("agent_aino", "agent_arvo"):
        call = cast.call(at=NOW, claims=cast.antti, by=by)
        assert isinstance(ask(cast, call, "temporary_hold", by=by), Granted)
    third = cast.call(at=NOW, claims=cast.antti)
    assert ask(cast, third, "temporary_hold").refusal.reason == "CAP"


# --- a calm voice with facts from social media ------------------------------------------------------------------------
def test_knowing_everything_about_him_lifts_no_level(cast: Cast) -> None:
    call = cast.call(at=NOW, claims=cast.antti)
    claim_name(
        call.public_id, family_name="Huoltaja", given_names="Helena", capacity="SELF", by=cast.agent_aino, at=NOW
    )
    claim_number(call.public_id, cast.antti.number, capacity="SELF", source="STAFF", by=cast.agent_aino, at=NOW)
    assert masking.standing(call, NOW)[1].level is Level.NONE
    assert not {"KNOWLEDGE", "NAME", "BIRTH_DATE", "CALLER_ID", "VOICE"} & {*Evidence.Kind.values, *current().worth}


def test_a_changed_contact_vouches_for_nobody_while_it_is_new(cast: Cast) -> None:
    phone = cast.moved.customer.contact("PHONE", NOW)
    assert phone is not None
    assert phone.quarantined_until > NOW + timedelta(days=1)


# --- bribed agents copied records for months --------------------------------------------------------------------------
def test_a_record_opens_only_with_a_live_contact_of_ones_own(cast: Cast) -> None:
    call = cast.call(at=NOW, claims=cast.antti, level="LOW")
    assert masking.open_record(call.public_id, by=cast.agent_arvo, at=NOW) == {}
    assert masking.open_record(call.public_id, by=cast.agent_aino, at=NOW)
    end(call.public_id, at=NOW)
    assert masking.open_record(call.public_id, by=cast.agent_aino, at=NOW) == {}


def test_what_is_shown_is_masked_by_the_callers_level_whoever_reads(cast: Cast) -> None:
    nobody = cast.call(at=NOW, claims=cast.antti, by="supervisor")
    assert masking.open_record(nobody.public_id, by=cast.supervisor, at=NOW) == {}
    low = cast.call(at=NOW, claims=cast.antti, level="LOW")
    shown = masking.open_record(low.public_id, by=cast.agent_aino, at=NOW)
    assert all(value == "" or value.endswith("•••••") for value in shown.values())


def test_every_reading_is_an_entry_and_customers_are_not_tried_in_a_row(cast: Cast) -> None:
    call = cast.call(at=NOW, claims=cast.antti, level="LOW")
    for _time in range(2):
        masking.open_record(call.public_id, by=cast.agent_aino, at=NOW)
    assert Entry.objects.filter(kind="record.read", actor=cast.agent_aino.actor).count() == 2
    said: dict[str, Any] = {"capacity": "SELF", "source": "STAFF", "by": cast.agent_aino, "at": NOW}
    for person in (cast.helena, cast.sanna):
        claim_number(call.public_id, person.number, **said)
    with pytest.raises(TooMany):
        claim_number(call.public_id, cast.olli.number, **said)


# --- caller ID or voice taken for identity; the code sent to the number that called -----------------------------------
def test_calling_from_the_recorded_number_proves_nothing(cast: Cast) -> None:
    number = cast.antti.customer.contact("PHONE", NOW)
    assert number is not None
    call = open_call(cast.organisation, line=number.value, language="fi", at=NOW)
    claim_number(call.public_id, cast.antti.number, capacity="SELF", source="KEYPAD", by=None, at=NOW)
    assert masking.standing(call, NOW)[1].level is Level.NONE


def test_nothing_is_ever_sent_to_the_number_that_called(cast: Cast) -> None:
    desk, line = cast.desk(at=NOW, claims=cast.antti), "+358401234567"
    call = cast.call(at=NOW, claims=cast.antti)  # it comes from that line
    ask(cast, call, "temporary_hold")
    ask(cast, desk, "change_address", by="clerk_kalle", **HOME)
    assert Notice.objects.exists()
    assert line not in {notice.address for notice in Notice.objects.all()}


# --- a gate that fails open -------------------------------------------------------------------------------------------
def test_an_unknown_action_is_refused(cast: Cast) -> None:
    desk = cast.desk(at=NOW, claims=cast.antti)
    assert ask(cast, desk, "whatever_you_like", by="clerk_kalle").refusal.reason == "UNDECLARED"


def test_there_is_no_method_called_manual(cast: Cast) -> None:
    assert not {kind for kind in current().worth if "MANUAL" in kind}
    desk = cast.desk(at=NOW, claims=cast.antti, level="NONE")
    with pytest.raises(NotSeen, match="INCOMPLETE"):
        see_identity_list(
            desk.public_id, by=cast.clerk_kalle, confirmed=CONFIRMATIONS - {"person"}, document={}, at=NOW
        )
    assert ask(cast, desk, "refund_to_account", by="clerk_kalle", **REFUND).refusal.reason == "LEVEL"


def test_not_any_six_digits_pass(cast: Cast) -> None:
    for person in (cast.antti, cast.antti2):
        right = person.app_code(NOW) if person.app_key else person.list_code()
        call = cast.call(at=NOW, claims=person)
        assert code(cast, call, person, wrong(right)) is Typed.WRONG
    assert not Evidence.objects.exists()


def test_failures_are_not_forgotten_when_he_hangs_up(cast: Cast) -> None:
    for _call in range(5):
        call = cast.call(at=NOW, claims=cast.antti)
        code(cast, call, cast.antti, wrong(cast.antti.app_code(NOW)))
        end(call.public_id, at=NOW)
    assert KeypadRoad.objects.get(mark=mark(cast.antti.number)).failures == 5
    sixth = cast.call(at=NOW, claims=cast.antti)
    assert code(cast, sixth, cast.antti, cast.antti.app_code(NOW)) is Typed.BACKING_OFF


@pytest.mark.parametrize("blank", ["", " ", "      ", "\x00", "#", "*", "-1"])
def test_a_blank_answer_is_a_wrong_answer(cast: Cast, blank: str) -> None:
    for person in (cast.antti, cast.antti2, cast.antti3):
        call = cast.call(at=NOW, claims=person)
        assert code(cast, call, person, blank) is Typed.WRONG
    assert not Evidence.objects.exists()


def test_nobody_without_an_authenticator_is_matched_by_anything(cast: Cast) -> None:
    call = cast.call(at=NOW, claims=cast.antti3)
    for typed in ("", "000000", "123456"):
        assert code(cast, call, cast.antti3, typed) is Typed.WRONG


# --- a gate that is cruel ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["change_address", "refund_to_account", "disclose_personal_data", "tell_case_state"])
@pytest.mark.parametrize("who", ["antti", "antti3", "ward", "company", "frozen", "moved"])
def test_no_refusal_is_without_an_open_way(cast: Cast, name: str, who: str) -> None:
    asked = {"change_address": HOME, "refund_to_account": REFUND}.get(name, {})
    call = cast.call(at=NOW, claims=cast.people[who])
    refused = ask(cast, call, name, **asked)
    assert isinstance(refused, Refused)
    assert refused.refusal.ways
    assert all(refused.refusal.said[language] for language in ("fi", "sv", "en"))


def test_nobody_is_sent_to_the_office_for_what_can_be_done_by_telephone(cast: Cast) -> None:
    call = cast.call(at=NOW, claims=cast.antti)
    refused = ask(cast, call, "tell_case_state").refusal
    assert refused.ways[0] == "keypad_code"
    assert refused.ways.index("keypad_code") < refused.ways.index("visit")


def test_protection_is_open_to_who_has_nothing_in_his_hands(cast: Cast) -> None:
    call = cast.call(at=NOW, claims=cast.antti3)
    assert isinstance(ask(cast, call, "temporary_hold"), Granted)
    assert Grant.objects.filter(action="temporary_hold", held=Level.NONE).exists()


# --- whoever knew the system noted what only somebody behind the desk can have seen -----------------------------------
@pytest.mark.parametrize("who", ["agent_aino", "auditor", "administrator", "gone"])
def test_only_who_stands_behind_the_desk_notes_what_was_seen_there(cast: Cast, who: str) -> None:
    desk = cast.desk(at=NOW, claims=cast.antti, level="SUBSTANTIAL")
    by = cast.staff["clerk_kerttu" if who == "gone" else who]
    by.is_active = who != "gone"
    passport = {"type": "PASSPORT", "issuer": "FIN", "expires_on": "2031-05-01"}
    with pytest.raises(NotSeen, match="ROLE"):
        see_identity_list(desk.public_id, by=by, confirmed=CONFIRMATIONS, document=passport, at=NOW)
    with pytest.raises(NotSeen, match="ROLE"):
        see_second_clerk(desk.public_id, by=by, at=NOW)
    assert Evidence.objects.count() == 1


def test_a_clerk_hired_this_week_is_no_second_pair_of_eyes(cast: Cast) -> None:
    desk = cast.desk(at=NOW, claims=cast.antti, level="SUBSTANTIAL")
    cast.clerk_kerttu.date_joined = NOW - timedelta(days=6)
    with pytest.raises(NotSeen, match="TOO_NEW"):
        see_second_clerk(desk.public_id, by=cast.clerk_kerttu, at=NOW)
    assert Evidence.objects.count() == 1


def test_what_takes_protection_away_is_raised_by_what_makes_us_careful(cast: Cast) -> None:
    desk = cast.desk(at=NOW, claims=cast.antti, level="SUBSTANTIAL")
    with transaction.atomic():
        note(cast.antti.customer, "PROMPT_DECLINED", interaction=None, at=NOW)
    decided = ask(cast, desk, "lift_hold", by="clerk_kalle")
    assert (decided.refusal.reason, decided.refusal.required) == ("LEVEL", Level.HIGH)
    assert decided.refusal.ways
