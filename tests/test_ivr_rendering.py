"""Steps become the TwiML that the provider's own library would make of them."""

from xml.etree import ElementTree as ET

import pytest
from pytest_django import Settings
from twilio.twiml.voice_response import VoiceResponse

from ivr.adapters import Links
from ivr.prompts import text
from ivr.steps import Enqueue, Gather, Hangup, Pause, Redirect, Say, Step, from_json, to_json
from ivr.twilio import Twilio

LINKS = Links("twilio", "token")
TURN = "/ivr/twilio/turn/token/4/"
NUMBER = Gather(4, (Say("ask.number", "fi"), Say("ask.number", "sv")), 8, 15)
LIST_CODE = Gather(4, (Say("ask.list_code", "en", {"index": 17}),), None, 20)
EVERY_STEP: tuple[Step, ...] = (
    Say("hold.placed", "sv", {"hours": 48}),
    Pause(2),
    NUMBER,
    LIST_CODE,
    Redirect(4),
    Enqueue("verified", 4),
    Enqueue("verified", 4, wait=False),
    Hangup(),
)
VOICES = {
    "fi": ("fi-FI", "Polly.Suvi-Neural"),
    "sv": ("sv-SE", "Polly.Elin-Neural"),
    "en": ("en-GB", "Polly.Amy-Neural"),
}


@pytest.fixture(autouse=True)
def addresses(settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.ivr_house"


def rendered(*steps: Step) -> str:
    return canonical(Twilio().render(steps, LINKS).content.decode())


def canonical(xml: str) -> str:
    return ET.canonicalize(xml)


def theirs(*steps: Step) -> str:
    response = VoiceResponse()
    for step in steps:
        add(response, step)
    return canonical(str(response))


def say(parent: VoiceResponse, step: Say) -> None:
    language, voice = VOICES[step.language]
    parent.say(text(step.prompt, step.language, step.args), language=language, voice=voice)


def add(response: VoiceResponse, step: Step) -> None:
    match step:
        case Say():
            say(response, step)
        case Pause():
            response.pause(length=step.seconds)
        case Gather():
            length = {} if step.num_digits is None else {"num_digits": step.num_digits}
            asked = response.gather(
                input="dtmf", action=TURN, method="POST", timeout=step.timeout, finish_on_key="#",
                action_on_empty_result=True, **length,
            )  # fmt: skip
            for nested in step.says:
                say(asked, nested)
            response.redirect(TURN, method="POST")
        case Redirect():
            response.redirect(TURN, method="POST")
        case Enqueue():
            wait = {"wait_url": "/ivr/twilio/wait/token/", "wait_url_method": "POST"} if step.wait else {}
            response.enqueue(step.queue, action=TURN, method="POST", **wait)
        case Hangup():
            response.hangup()


@pytest.mark.parametrize("step", EVERY_STEP, ids=lambda step: type(step).__name__)
def test_each_step_is_what_the_providers_library_makes_of_it(step: Step) -> None:
    assert rendered(step) == theirs(step)


def test_a_whole_document_is_what_the_providers_library_makes_of_it() -> None:
    assert rendered(*EVERY_STEP) == theirs(*EVERY_STEP)


def test_steps_survive_being_stored() -> None:
    assert from_json(to_json(EVERY_STEP)) == EVERY_STEP


def test_stored_steps_hold_keys_and_no_sentences() -> None:
    assert to_json([Say("hold.placed", "sv", {"hours": 48})]) == [
        {"step": "Say", "prompt": "hold.placed", "language": "sv", "args": {"hours": 48}}
    ]


def test_the_answer_is_xml_that_nobody_caches() -> None:
    response = Twilio().render((Hangup(),), None)
    assert response["Content-Type"] == "text/xml; charset=utf-8"
    assert response["Cache-Control"] == "no-store"


def test_names_are_escaped() -> None:
    spoken = ET.fromstring(Twilio().render((Say("welcome", "en", {"organisation": "<A> & Co"}),), None).content)
    assert "<A> & Co" in (spoken[0].text or "")


def test_what_continues_a_call_is_not_rendered_without_one() -> None:
    with pytest.raises(ValueError, match="continues a call"):
        Twilio().render((Redirect(1),), None)


def test_addresses_are_absolute_paths_that_end_with_a_slash() -> None:
    assert LINKS.turn(4) == TURN
    assert LINKS.wait() == "/ivr/twilio/wait/token/"
