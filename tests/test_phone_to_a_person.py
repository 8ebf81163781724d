"""From every prompt a person is reached, unverified, and is told how the keypad went."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from ivr.models import Call
from tests.cast import Cast, wrong
from tests.phone_line import NOBODY, Line, now
from verification import interactions
from verification.claims import claim_number
from verification.models import Claim, CodeTry, Evidence, KeypadRoad
from verification.numbers import mark
from verification.scene import current_claim

Lines = Callable[[], Line]

PROMPTS_BEFORE_LOW = ("language", "number", "kind", "app_code", "list_code")
every_prompt = pytest.mark.parametrize("prompt", PROMPTS_BEFORE_LOW)


def reach(phone: Line, prompt: str, number: str) -> Line:
    """Go as far as one prompt."""
    road = {"number": "3", "kind": f"3 {number}", "app_code": f"3 {number} 1", "list_code": f"3 {number} 2"}
    phone.dial()
    for keys in road.get(prompt, "").split():
        phone.press(keys)
    return phone


def waits(phone: Line, keypad: str) -> None:
    """Assert that the caller is in the queue, unverified, and that the agent is told this outcome."""
    interaction = phone.interaction
    assert phone.queue == "unverified"
    assert interaction.waiting_since is not None
    assert interaction.keypad == keypad
    assert not Evidence.objects.exists()


@every_prompt
def test_zero_reaches_a_person(line: Lines, cast: Cast, prompt: str) -> None:
    phone = reach(line(), prompt, cast.antti.number)
    phone.press("0#")
    waits(phone, "SKIPPED")


@every_prompt
def test_silence_reaches_a_person(line: Lines, cast: Cast, prompt: str) -> None:
    phone = reach(line(), prompt, cast.antti.number)
    phone.silence().silence()
    waits(phone, "TIMED_OUT")


@every_prompt
def test_star_repeats_and_counts_for_nothing(line: Lines, cast: Cast, prompt: str) -> None:
    phone = reach(line(), prompt, cast.antti.number)
    said = phone.text
    for _ in range(4):
        phone.press("*#")
        assert phone.text in said
    assert phone.queue is None
    assert not CodeTry.objects.exists()


def test_who_has_no_codes_says_so_and_is_asked_nothing_more(line: Lines, cast: Cast) -> None:
    phone = line().to_kind(cast.antti3.number)
    phone.press("3").heard("That is quite all right")
    waits(phone, "NO_CODES")


def test_the_third_code_that_does_not_match_leads_to_a_person(line: Lines, cast: Cast) -> None:
    phone = line().to_number()
    for _ in range(3):
        assert phone.queue is None
        phone.press(cast.antti.number).press("1").press(wrong(cast.antti.app_code(now())))
    waits(phone, "WRONG")
    assert CodeTry.objects.count() == 3


def test_a_wrong_code_is_told_even_when_the_caller_then_skips(line: Lines, cast: Cast) -> None:
    phone = line().type_app_code(cast.antti.number, wrong(cast.antti.app_code(now())))
    phone.press("0#")
    waits(phone, "WRONG")


def test_a_keypad_that_backs_off_is_told_to_the_agent_and_not_to_the_caller(line: Lines, cast: Cast) -> None:
    KeypadRoad.objects.create(
        mark=mark(cast.antti.number), kind="TOTP", failures=5, backing_off_until=now() + timedelta(minutes=5)
    )
    phone = line().type_app_code(cast.antti.number, cast.antti.app_code(now()))
    phone.heard("could not confirm these details")
    phone.press("0#")
    waits(phone, "BACKING_OFF")


def test_backing_off_is_not_forgotten_for_a_number_that_is_no_number(line: Lines, cast: Cast) -> None:
    KeypadRoad.objects.create(
        mark=mark(cast.antti.number), kind="TOTP", failures=5, backing_off_until=now() + timedelta(minutes=5)
    )
    phone = line().type_app_code(cast.antti.number, cast.antti.app_code(now()))
    phone.press("12#").press("12#")
    waits(phone, "BACKING_OFF")


def test_a_matched_code_stays_with_the_caller_on_his_way_to_a_person(line: Lines, cast: Cast) -> None:
    phone = line().to_menu(cast.antti)
    phone.press("0")
    assert phone.queue == "verified"
    assert phone.interaction.keypad == "MATCHED"
    assert phone.interaction.waiting_since is not None


@pytest.mark.parametrize("key", ["1", "2", "3", "4"])
def test_the_menu_is_left_by_silence_for_a_person_still_verified(line: Lines, cast: Cast, key: str) -> None:
    phone = line().to_menu(cast.antti)
    phone.press(key).silence().silence()
    assert (phone.queue, phone.interaction.keypad) == ("verified", "MATCHED")


@pytest.mark.parametrize("known", [True, False])
def test_a_number_claimed_too_often_today_leads_to_a_person_whoever_it_is_of(
    line: Lines, cast: Cast, known: bool
) -> None:
    number = cast.antti.number if known else NOBODY
    for _ in range(30):
        opened = interactions.open_call(cast.organisation, line="", language="fi", at=now())
        claim_number(opened.public_id, number, capacity="SELF", source="KEYPAD", by=None, at=now())
    phone = line().to_kind(number)
    waits(phone, "BACKING_OFF")
    phone.heard("We will find a way together")
    assert current_claim(phone.interaction) is None


def test_a_code_never_counts_for_an_earlier_claim_once_claims_have_run_out(line: Lines, cast: Cast) -> None:
    phone = line().to_number()
    for person in (cast.helena, cast.sanna, cast.antti):
        claim_number(
            phone.interaction.public_id, person.number, capacity="SELF", source="STAFF", by=cast.agent_aino, at=now()
        )
    phone.press(NOBODY)
    waits(phone, "BACKING_OFF")
    assert Claim.objects.count() == 3


def test_those_who_wait_hear_their_place_and_then_the_agent_only(line: Lines, cast: Cast) -> None:
    phone = line().to_number()
    phone.press("0#").heard("Thank you for waiting")
    phone.wait_on(position=4).heard("queue is 4")
    interactions.take(phone.interaction.public_id, by=cast.agent_aino, at=now())
    assert phone.wait_on().text == ""
    assert not phone.ended


def test_who_waits_for_an_interaction_that_staff_have_ended_is_told_goodbye(line: Lines, cast: Cast) -> None:
    phone = line().to_number()
    phone.press("0#")
    interactions.end(phone.interaction.public_id, at=now(), by=cast.agent_aino)
    phone.wait_on().heard("Goodbye")
    assert phone.ended


def test_who_types_on_after_staff_have_ended_it_is_not_left_waiting_for_nobody(line: Lines, cast: Cast) -> None:
    phone = line().to_kind(cast.antti.number)
    interactions.end(phone.interaction.public_id, at=now(), by=cast.agent_aino)
    phone.press("1").press(cast.antti.app_code(now()))
    assert phone.ended
    assert not CodeTry.objects.exists()
    assert phone.interaction.waiting_since is None


def test_hanging_up_ends_the_interaction_and_its_evidence(line: Lines, cast: Cast) -> None:
    phone = line().to_menu(cast.antti)
    phone.press("0")
    phone.hang_up()
    assert phone.interaction.ended_at is not None
    assert phone.interaction.waiting_since is None
    assert Call.objects.get().ended_at is not None
