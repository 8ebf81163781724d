"""Agents' programs ask a caller to prove himself, and follow how far he has come."""

from __future__ import annotations

import pytest

from tests.api_client import Api, is_problem
from tests.asked_by_link import ADDRESS, Browser, asked, calling, heard, link_of, ready, with_e_id
from tests.cast import Cast
from tests.provider import Provider
from tests.staff_browser import gathered, now
from tests.test_protection_tells_nothing import NOBODY
from verification import answers, interactions, prompts
from verification.models import Interaction, Prompt


@pytest.fixture
def cast(db: None, provider: Provider) -> Cast:
    made = gathered()
    with_e_id(made, now())
    return made


@pytest.fixture
def contact(cast: Cast) -> Interaction:
    return calling(cast)


@pytest.fixture
def api(cast: Cast) -> Api:
    return Api(cast, "agent_aino")


def path(contact: Interaction) -> str:
    return f"interactions/{contact.public_id}/prompts/"


def test_a_request_is_made_with_its_words_and_exact_parameters(api: Api, contact: Interaction) -> None:
    answer = api.post(path(contact), {"road": "LINK", "action": "change_address", "parameters": ADDRESS})
    assert answer.status_code == 201
    prompt, made = Prompt.objects.get(), answer.json()
    assert made["prompt"] == str(prompt.public_id)
    assert made["words"] == heard(prompt).split()
    assert (made["state"], made["language"]) == ("ASKED", "fi")
    assert prompts.parameters_of(prompt) == ADDRESS


def test_its_state_is_followed_to_the_end(api: Api, cast: Cast, contact: Interaction, provider: Provider) -> None:
    def state() -> str:
        return str(api.get(path(contact)).json()["results"][0]["state"])

    prompt = asked(cast, contact)
    states = [state()]
    browser = Browser(link_of(cast.anna))
    states.append(state())
    browser.types(heard(prompt))
    states.append(state())
    browser.begins()
    states.append(state())
    provider.next(sub="anna")
    browser.logs_in(provider)
    states.append(state())
    assert states == ["ASKED", "OPENED", "WORDS", "LOGIN", "APPROVED"]
    assert api.get(path(contact)).json()["results"][0]["words"] == []
    assert api.get(f"interactions/{contact.public_id}/").json()["level"] == "HIGH"


def test_a_failure_tells_its_reason_to_staff_only(
    api: Api, cast: Cast, contact: Interaction, provider: Provider
) -> None:
    browser = ready(cast, asked(cast, contact))
    provider.next(sub="bea")
    page = browser.logs_in(provider)
    found = api.get(path(contact)).json()["results"][0]
    assert (found["state"], found["reason"]) == ("FAILED", "OTHER_PERSON")
    assert "OTHER_PERSON" not in page


def test_nobody_is_answered_as_anybody(api: Api, cast: Cast) -> None:
    shapes = []
    for number in (NOBODY, cast.anna.number, cast.antti3.number):
        made = api.post(path(calling(cast, number)), {"road": "LINK"}).json()
        shapes.append({key: made[key] for key in ("road", "action", "state", "reason", "language")})
    assert shapes[0] == shapes[1] == shapes[2]


def test_what_cannot_be_asked_is_a_problem_of_its_own(api: Api, cast: Cast, contact: Interaction) -> None:
    wrong = {"road": "LINK", "action": "change_address", "parameters": {"street": "x"}}
    is_problem(api.post(path(contact), wrong), 400, "malformed")
    is_problem(api.post(path(contact), {"road": "PIGEON"}), 400, "malformed")
    is_problem(api.post(path(contact), {"road": "LINK", "action": "no_such"}), 409, "no-road")
    is_problem(api.post(path(cast.call(at=now())), {"road": "LINK"}), 409, "no-claim")
    is_problem(Api(cast, "agent_arvo").post(path(contact), {"road": "LINK"}), 403, "not-serving")
    is_problem(Api(cast, "agent_arvo").get(path(contact)), 403, "not-serving")
    assert api.post(path(contact), {"road": "LINK"}).status_code == 201
    is_problem(api.post(path(contact), {"road": "LINK"}), 409, "waiting")
    interactions.end(contact.public_id, at=now())
    is_problem(api.post(path(contact), {"road": "LINK"}), 409, "ended")


def test_where_he_said_that_he_did_not_call_nothing_more_is_asked(api: Api, contact: Interaction) -> None:
    assert api.post(path(contact), {"road": "LINK"}).status_code == 201
    answers.decline(Prompt.objects.get().pk, at=now())
    is_problem(api.post(path(contact), {"road": "LINK"}), 409, "declined")
