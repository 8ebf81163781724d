"""Whatever arrives at the telephone's address, it ends in an answer and never in a fault."""

import logging

import pytest
from django.test import Client, RequestFactory
from pytest_django import Settings

from ivr.adapters import UNREADABLE, Event, Kind, NoCallNamedError
from ivr.models import Call
from ivr.twilio import Twilio
from tests import ivr_house
from tests.ivr_house import house, stand_behind
from tests.twiml_walker import FORM, Phone

VOICE = "/ivr/twilio/voice/"
SPELT_ON_THE_KEYPAD = ("+266696687", "+86282452253", "+7378742833", "+2562533", "+8656696")


@pytest.fixture(autouse=True)
def telephone(settings: Settings) -> None:
    stand_behind(settings)


def parsed(otherwise: Kind = Kind.NO_INPUT, **form: str | list[str]) -> Event:
    return Twilio().parse(RequestFactory().post("/", {"CallSid": "CA1", **form}), otherwise)


@pytest.mark.parametrize(
    "typed", ["1" * 10_000, "12\x00", "abc", "1 2", "١٢٣", "1\n", "-1", "1.5", "'; DROP TABLE", "１", ["1", "2"]]
)
def test_keys_that_no_keypad_makes_are_wrong_input(typed: str | list[str]) -> None:
    event = parsed(Digits=typed)
    assert (event.kind, event.digits) == (Kind.DIGITS, UNREADABLE)


@pytest.mark.parametrize("form", [{}, {"Digits": ""}, {"Digits": ["", ""]}])
def test_blank_and_missing_digits_are_both_silence(form: dict[str, str]) -> None:
    assert parsed(**form).kind is Kind.NO_INPUT


@pytest.mark.parametrize(
    "number",
    ["", "anonymous", "unknown", "client:x", "sip:a@b.example", "+358\x00", "+" + "1" * 40, *SPELT_ON_THE_KEYPAD],
)
def test_a_withheld_or_strange_number_is_none(number: str) -> None:
    assert parsed(From=number).from_number is None


@pytest.mark.parametrize("number", ["+358401234567", "0401234567"])
def test_a_number_that_was_shown_is_kept(number: str) -> None:
    assert parsed(From=number).from_number == number


@pytest.mark.parametrize("call", ["", "CA\x00", "a b", "x" * 65, "../x", ["CA1", "CA2"]])
def test_a_message_that_names_no_call_is_refused(call: str | list[str]) -> None:
    with pytest.raises(NoCallNamedError):
        Twilio().parse(RequestFactory().post("/", {"CallSid": call}), Kind.START)


def test_an_event_shows_neither_digits_nor_number_when_it_is_printed() -> None:
    event = parsed(Digits="135790", From="+358401234567")
    assert "135790" not in repr(event)
    assert "358401234567" not in repr(event)


def test_what_is_sent_in_the_fields_for_words_is_dropped_unless_it_is_one() -> None:
    event = parsed(StirVerstat="<script>", CallStatus="in\x00progress")
    assert (event.attestation, event.status) == ("", "")


def test_a_body_of_ten_megabytes_is_refused_unread(db: None, client: Client) -> None:
    assert client.post(VOICE, b"a" * 10_000_000, content_type=FORM).status_code == 413


@pytest.mark.parametrize("media_type", ["application/json", "text/plain", "multipart/form-data; boundary=x", ""])
def test_what_is_no_form_is_refused(db: None, client: Client, media_type: str) -> None:
    assert client.post(VOICE, b"{}", content_type=media_type).status_code == 415


def test_get_is_refused(client: Client) -> None:
    assert client.get(VOICE, {"CallSid": "CA1", "Digits": "1"}).status_code == 405


def test_an_unknown_provider_is_not_found(client: Client) -> None:
    assert client.post("/ivr/nobody/voice/", "", content_type=FORM).status_code == 404


def test_thousands_of_fields_are_refused(db: None, client: Client) -> None:
    body = "&".join(f"a{n}=1" for n in range(5000))
    assert client.post(VOICE, body, content_type=FORM, headers={"X-Twilio-Signature": "x"}).status_code == 403


@pytest.mark.parametrize("typed", ["1" * 10_000, "12\x00", "abc"])
def test_a_caller_with_strange_keys_is_asked_again(client: Client, db: None, typed: str) -> None:
    phone = Phone(client).dial().press("3")
    phone._answer(typed)
    phone.heard("could not confirm these details")
    assert house.count("claim") == 0


def test_a_fresh_call_cannot_enter_in_the_middle(client: Client, db: None) -> None:
    owner = Phone(client).dial().press("3").press("12345674").press("1").press(ivr_house.APP_CODE)
    inner = owner.sent[-1].path
    stranger = Phone(client)
    stranger._go(inner, {"Digits": "1"})
    assert stranger.ended
    stranger.heard("Goodbye")
    assert house.count("perform") == 0


def test_an_unknown_call_is_told_goodbye(client: Client, db: None) -> None:
    phone = Phone(client)
    phone._go("/ivr/twilio/turn/AAAAAAAAAAAAAAAAAAAAAA/1/", {"Digits": "1"})
    assert phone.ended
    assert not Call.objects.exists()


def test_a_fault_sends_the_caller_to_a_person_and_repeats_no_digits(
    client: Client, db: None, caplog: pytest.LogCaptureFixture
) -> None:
    phone = Phone(client).dial().press("3").press("12345674").press("1")
    house.broken = {"check"}
    with caplog.at_level(logging.DEBUG):
        phone.press("975310")
    assert phone.queue == "unverified"
    phone.heard("fault in our system")
    assert "RuntimeError" in caplog.text
    assert "975310" not in caplog.text


def test_when_nothing_works_the_caller_hears_an_apology_in_every_language(client: Client, db: None) -> None:
    house.broken = {"open"}
    phone = Phone(client).dial()
    assert phone.ended
    assert phone.languages == {"fi-FI", "sv-SE", "en-GB"}


def test_no_digit_that_was_typed_is_stored(client: Client, db: None) -> None:
    phone = Phone(client).dial().press("3").press("12345674").press("2").press("975310#")
    phone.press("12345674").press("1").press(ivr_house.APP_CODE).press("1")
    rows = str(list(Call.objects.values())) + str(list(Call.objects.get().replies.values()))
    assert not [typed for typed in ("12345674", "975310", ivr_house.APP_CODE) if typed in rows]


def test_no_digit_that_was_typed_is_in_an_address(client: Client, db: None) -> None:
    phone = Phone(client).dial().press("3").press("12345674").press("1").press(ivr_house.APP_CODE)
    paths = " ".join(sent.path for sent in phone.sent)
    assert "12345674" not in paths
    assert ivr_house.APP_CODE not in paths
