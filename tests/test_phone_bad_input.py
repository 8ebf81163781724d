"""Whatever is sent to the whole house's telephone, nobody is harmed: it answers, counts rightly and keeps nothing."""

from collections.abc import Callable

import pytest

from ivr.models import Call
from tests.cast import Cast
from tests.phone_line import Line
from tests.twiml_walker import FORM
from verification.models import Claim, CodeTry, Interaction

Lines = Callable[[], Line]
VOICE = "/ivr/twilio/voice/"


@pytest.mark.parametrize("path", [VOICE, "/ivr/twilio/status/", "/ivr/twilio/turn/AAAA/1/", "/ivr/twilio/wait/AAAA/"])
def test_what_is_not_signed_is_refused_without_a_word(line: Lines, path: str) -> None:
    phone = line()
    for signature in ({}, {"X-Twilio-Signature": "AAAA"}):
        answer = phone.client.post(path, "CallSid=CA1", content_type=FORM, headers=signature)
        assert (answer.status_code, answer.content) == (403, b"")
    assert not Call.objects.exists()


def test_ten_megabytes_are_refused_unread(line: Lines) -> None:
    assert line().client.post(VOICE, b"a" * 10_000_000, content_type=FORM).status_code == 413


@pytest.mark.parametrize("typed", ["1" * 10_000, "1234567\x00", "\x00", "abcdefgh", "' OR 1=1", "١٢٣٤٥٦٧٨"])
def test_what_no_keypad_makes_is_neither_a_claim_nor_a_try(line: Lines, cast: Cast, typed: str) -> None:
    phone = line().to_number()
    phone._answer(typed)
    phone.heard("could not confirm")
    phone.press(cast.antti.number).press("1")
    phone._answer(typed)
    phone.heard("could not confirm")
    assert Claim.objects.count() == 1
    assert not CodeTry.objects.exists()


def test_blank_digits_are_silence_at_a_code(line: Lines, cast: Cast) -> None:
    phone = line().to_kind(cast.antti.number)
    phone.press("1")
    phone._answer("")
    phone._answer("")
    assert phone.queue == "unverified"
    assert not CodeTry.objects.exists()


@pytest.mark.parametrize("typed", ["12345", "1", "1234567#"])
def test_a_code_of_another_length_matches_nothing(line: Lines, cast: Cast, typed: str) -> None:
    phone = line().type_app_code(cast.antti.number, typed)
    assert phone.queue is None
    assert not phone.interaction.code_tries.filter(outcome="MATCHED").exists()


@pytest.mark.parametrize("number", ["", "anonymous", "+266696687", "client:agent", "+358\x00"])
def test_a_withheld_or_strange_number_gets_through_and_is_kept_as_none(line: Lines, number: str) -> None:
    phone = line()
    phone.number = number
    phone.dial().heard("Esimerkki Oy")
    assert not bytes(Interaction.objects.get().sealed_line)
