"""A caller is led through the keypad, or past it, and a person is always one key away."""

from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django import Settings

from ivr.asks import Check
from tests.ivr_house import APP_CODE, LIST_CODE, house, stand_behind
from tests.twiml_walker import Phone

pytestmark = pytest.mark.django_db
NUMBER = "12345674"


@pytest.fixture(autouse=True)
def telephone(settings: Settings) -> None:
    stand_behind(settings)


@pytest.fixture
def phone(client: Client) -> Phone:
    return Phone(client)


def to_language(phone: Phone) -> Phone:
    return phone.dial()


def to_number(phone: Phone) -> Phone:
    return to_language(phone).press("3")


def to_kind(phone: Phone) -> Phone:
    return to_number(phone).press(NUMBER)


def to_app_code(phone: Phone) -> Phone:
    return to_kind(phone).press("1")


def to_list_code(phone: Phone) -> Phone:
    return to_kind(phone).press("2")


def to_protect(phone: Phone) -> Phone:
    return to_kind(phone).press("5")


def to_menu(phone: Phone) -> Phone:
    return to_app_code(phone).press(APP_CODE)


BEFORE_LOW = [to_language, to_number, to_kind, to_app_code, to_list_code, to_protect]
every_prompt = pytest.mark.parametrize("reach", [*BEFORE_LOW, to_menu], ids=lambda reach: reach.__name__)
before_low = pytest.mark.parametrize("reach", BEFORE_LOW, ids=lambda reach: reach.__name__)
Reach = Callable[[Phone], Phone]


@pytest.mark.parametrize(("key", "locale", "words"), [("1", "fi-FI", "asiakasnumeronne"), ("2", "sv-SE", "kundnummer")])
def test_the_chosen_language_is_kept(phone: Phone, key: str, locale: str, words: str) -> None:
    assert phone.dial().languages == {"fi-FI", "sv-SE", "en-GB"}
    phone.press(key).heard(words)
    assert house.asked[-1] == ("speak", locale[:2])
    for keys in (NUMBER, "1", APP_CODE, "1"):
        assert phone.press(keys).languages == {locale}
    phone.press("0")
    assert phone.languages == {locale}


def test_an_app_code_opens_the_menu(phone: Phone) -> None:
    to_menu(phone).heard("Your code has been confirmed")
    phone.heard("To hear how your case is getting on, press 1")
    assert [row for row in house.asked if row[0] in {"claim", "check"}] == [("claim", NUMBER), ("check", APP_CODE)]


def test_a_listed_code_is_asked_for_by_its_position(phone: Phone) -> None:
    to_list_code(phone).heard("beside this number: 1, 7")
    phone.press(LIST_CODE).heard("Your code has been confirmed")
    assert ("check", LIST_CODE, 17) in house.asked


@pytest.mark.parametrize(
    ("key", "choice", "words"),
    [
        ("1", "state", "we are working on it"),
        ("2", "visit", "book a visit for you"),
        ("3", "callback", "call you back"),
        ("4", "hold", "ends by itself in 48 hours"),
    ],
)
def test_each_choice_is_done_once_and_the_menu_comes_back(phone: Phone, key: str, choice: str, words: str) -> None:
    to_menu(phone).press(key).heard(words)
    phone.heard("To book a visit")
    assert [row for row in house.asked if row[0] == "perform"] == [("perform", choice)]


@pytest.mark.parametrize(
    ("key", "choice", "words"),
    [
        ("1", "not_me", "Thank you for telling us"),
        ("2", "stop", "did not count yet"),
        ("3", "hold", "ends by itself in 48 hours"),
    ],
)
@pytest.mark.parametrize("reach", [to_kind, to_menu])
def test_who_did_not_do_it_is_protected_with_and_without_a_code(
    phone: Phone, reach: Reach, key: str, choice: str, words: str
) -> None:
    reach(phone).press("5").heard("To tell us that it was not you, press 1")
    phone.press(key).heard(words)
    phone.heard("To tell us that it was not you, press 1")
    assert [row for row in house.asked if row[0] == "perform"] == [("perform", choice)]
    before = "To hear how your case is getting on" if reach is to_menu else "If you use a code app"
    phone.press("9").heard(before)


def test_his_own_hold_is_told_after_a_code_and_not_before(phone: Phone) -> None:
    house.held = True
    assert "hold on your account" not in to_app_code(phone).text
    phone.press(APP_CODE).heard("There is a hold on your account")


@before_low
@pytest.mark.parametrize("keys", ["0", "0#"])
def test_zero_reaches_a_person_unverified(phone: Phone, reach: Reach, keys: str) -> None:
    reach(phone).press(keys)
    assert phone.queue == "unverified"
    assert house.asked[-1] == ("to_human", "SKIPPED")


@before_low
def test_silence_is_asked_once_more_and_then_reaches_a_person(phone: Phone, reach: Reach) -> None:
    reach(phone).silence()
    assert phone.queue is None
    phone.silence()
    assert phone.queue == "unverified"
    assert house.asked[-1] == ("to_human", "TIMED_OUT")


def test_a_verified_caller_reaches_a_person_as_verified(phone: Phone) -> None:
    to_menu(phone).press("0")
    assert phone.queue == "verified"
    assert house.asked[-1] == ("to_human", "MATCHED")


def test_who_has_no_codes_reaches_a_person_and_says_so(phone: Phone) -> None:
    to_kind(phone).press("3").heard("That is quite all right")
    assert house.asked[-1] == ("to_human", "NO_CODES")


@every_prompt
def test_star_says_it_again_and_counts_as_nothing(phone: Phone, reach: Reach) -> None:
    said = reach(phone).text
    for _ in range(4):
        assert phone.press("*#").text in said
    assert phone.queue is None


@every_prompt
def test_keys_that_mean_nothing_lead_to_a_person_at_the_third(phone: Phone, reach: Reach) -> None:
    reach(phone)
    for _ in range(2):
        phone.press("8#")
        assert phone.queue is None
        while reach in {to_kind, to_app_code, to_list_code} and "customer number" in phone.text:
            phone.press(NUMBER)
            if reach is not to_kind:
                phone.press("1")
    phone.press("8#")
    assert phone.queue is not None


@pytest.mark.parametrize("fared", [Check.WRONG, Check.BACKING_OFF])
def test_three_tries_then_a_person_in_the_same_words_whatever_was_wrong(phone: Phone, fared: Check) -> None:
    house.check = fared
    said = [to_app_code(phone).press("111111").text]
    for _ in range(2):
        phone.press(NUMBER).press("1").press("111111")
        said.append(phone.text)
    assert phone.queue == "unverified"
    assert said[0] == said[1]
    assert said[0].startswith("We could not confirm these details")
    assert "We will find a way together" in said[2]
    assert house.asked[-1] == ("to_human", fared.value)


def test_what_cannot_be_a_code_costs_no_try_of_the_authenticator(phone: Phone) -> None:
    to_app_code(phone).press("12*45#").heard("could not confirm")
    assert house.count("check") == 0


def test_a_wrong_code_is_told_to_the_agent_even_when_the_caller_then_skips(phone: Phone) -> None:
    to_app_code(phone).press("111111").press("0#")
    assert house.asked[-1] == ("to_human", "WRONG")


def test_an_endless_caller_is_put_through(phone: Phone) -> None:
    to_menu(phone)
    for _ in range(70):
        if phone.queue:
            break
        phone.press("*")
    assert phone.queue == "verified"


def test_those_who_wait_are_kept_company(phone: Phone) -> None:
    to_number(phone).press("0#").heard("Your place in the queue is 1")
    phone.wait_on(position=4).heard("Your place in the queue is 4")


@pytest.mark.parametrize("result", ["bridged", "hangup", "leave"])
def test_the_call_ends_when_the_agent_has_finished(phone: Phone, result: str) -> None:
    to_number(phone).press("0#").leave_queue(result)
    assert phone.ended
    assert phone.text == ""


@pytest.mark.parametrize("result", ["error", "queue-full", "system-error"])
def test_an_apology_is_made_when_nobody_can_be_reached(phone: Phone, result: str) -> None:
    to_number(phone).press("0#").leave_queue(result).heard("welcome to call again")
    assert phone.ended
