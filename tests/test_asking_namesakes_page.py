"""The agent's page asks which namesake is calling, and shows what came of it and nothing of what was answered."""

from __future__ import annotations

from collections.abc import Callable
from html import unescape
from typing import Any

import httpx
import pytest
from django.test import Client
from django.urls import reverse
from twilio.rest import Client as Provider

from ivr import redirects
from ivr.twilio import Twilio
from tests.cast import Cast
from tests.namesakes_asked import ACCOUNT, ANTTI, Bridge, question_of
from tests.phone_line import Line, now
from tests.staff_browser import signed_in
from verification import interactions, separating
from verification.policy import current

BUTTON = 'id="ask-on-keypad"'
PICKED = "His answer picked one customer, who is noted. It proves nothing yet."
UNPICKED = "The customer could not be picked out. Ask for the customer number."


@pytest.fixture
def agent(cast: Cast) -> Client:
    return signed_in(cast.agent_aino, headers={"accept-language": "en"})


def page(agent: Client, phone: Line) -> str:
    shown = agent.get(reverse("admin:interaction", args=[phone.interaction.public_id]))
    return unescape(shown.content.decode())


def pulse(agent: Client, phone: Line) -> str:
    return str(agent.get(reverse("admin:pulse", args=[phone.interaction.public_id])).json()["pulse"])


def send(agent: Client, name: str, phone: Line, **form: Any) -> str:
    sent = agent.post(reverse(f"admin:{name}", args=[phone.interaction.public_id]), form, follow=True)
    return unescape(sent.content.decode())


def look_up(agent: Client, phone: Line, family: str = "Asiakas", given: str = "Antti") -> str:
    return send(agent, "claim_name", phone, family_name=family, given_names=given, capacity="SELF")


def test_from_the_name_to_the_picked_customer_without_reloading(bridge: Bridge, agent: Client) -> None:
    phone = bridge.served()
    assert BUTTON not in page(agent, phone)
    assert BUTTON in look_up(agent, phone)
    seen = [pulse(agent, phone)]
    assert "comes back to you" in send(agent, "ask_on_keypad", phone)
    assert BUTTON not in page(agent, phone)
    for step in (
        lambda: redirects.turn(question_of(phone).pk, at=now()),
        lambda: phone.turned(bridge.ordered()),
        lambda: phone.press("1704"),
    ):
        step()
        seen.append(pulse(agent, phone))
    assert len(set(seen)) == len(seen), "each step shows by itself"
    shown = page(agent, phone)
    assert PICKED in shown
    assert "a customer was named, told apart on the keypad" in shown
    for secret in ("1704", "1961", "17.4", bridge.cast.antti.number, bridge.cast.antti.customer.account):
        assert secret not in shown


@pytest.mark.parametrize("name", [ANTTI, ("Sihteeri", "Sanna"), ("Nobody", "Noel")])
def test_it_is_offered_alike_whoever_bears_the_name(bridge: Bridge, agent: Client, name: tuple[str, str]) -> None:
    assert BUTTON in look_up(agent, bridge.served(), *name)


@pytest.mark.parametrize(
    "answer", [lambda phone: phone.press("1804"), lambda phone: phone.press("0#")], ids=["none", "skipped"]
)
def test_unpicked_is_one_sentence_whatever_was_answered(
    bridge: Bridge, agent: Client, answer: Callable[[Line], Line]
) -> None:
    answer(phone := bridge.asked())
    assert UNPICKED in page(agent, phone)
    assert BUTTON not in page(agent, phone), "the name is said again first"


def test_a_call_that_cannot_be_turned_is_told(bridge: Bridge, agent: Client) -> None:
    bridge.orders.mock(return_value=httpx.Response(404))
    phone = bridge.served()
    look_up(agent, phone)
    send(agent, "ask_on_keypad", phone)
    redirects.turn(question_of(phone).pk, at=now())
    assert "could not be turned to the keypad" in page(agent, phone)


def test_too_often_and_too_late_are_said_kindly(bridge: Bridge, agent: Client) -> None:
    phone = bridge.served()
    assert "Look the name up first" in send(agent, "ask_on_keypad", phone)
    for _ in range(current().separating.per_interaction):
        look_up(agent, phone)
        send(agent, "ask_on_keypad", phone)
        separating.failed(question_of(phone).pk, at=now())
    look_up(agent, phone)
    assert "it cannot be asked again now" in send(agent, "ask_on_keypad", phone)
    interactions.end(phone.interaction.public_id, at=now())
    assert "has ended already" in send(agent, "ask_on_keypad", phone)


def test_nobody_else_has_him_asked(bridge: Bridge, agent: Client) -> None:
    phone = bridge.served(bridge.cast.agent_arvo)
    bridge.says(phone)
    address = reverse("admin:ask_on_keypad", args=[phone.interaction.public_id])
    assert agent.post(address).status_code == 403
    assert agent.get(address).status_code == 405
    assert question_of(phone).asked_at is None


def test_without_a_provider_that_turns_calls_there_is_no_button(bridge: Bridge, agent: Client, settings: Any) -> None:
    settings.TWILIO_ACCOUNT_SID = ""
    phone = bridge.served()
    assert BUTTON not in look_up(agent, phone)
    assert "no keypad that he could be asked on" in send(agent, "ask_on_keypad", phone)


def test_our_order_is_the_one_that_the_providers_own_client_gives(bridge: Bridge, settings: Any) -> None:
    """The same address, method, form and login as the official client sends for a live call's update."""
    sent: dict[str, Any] = {}

    class Noted:
        def request(self, method: str, uri: str, **more: Any) -> Any:
            sent.update(more, method=method, uri=uri)
            raise InterruptedError

    client = Provider(ACCOUNT, settings.TWILIO_AUTH_TOKEN, http_client=Noted())
    with pytest.raises(InterruptedError):
        client.calls("CA12").update(url=f"{settings.PUBLIC_URL}/ivr/x/", method="POST")
    Twilio().turn("CA12", "/ivr/x/")
    ours = bridge.orders.calls.last.request
    assert (ours.method, str(ours.url)) == (sent["method"], sent["uri"])
    assert ours.content == httpx.Request("POST", "https://x/", data=sent["data"]).content
    login = httpx.BasicAuth(*sent["auth"])
    assert ours.headers["authorization"] == next(login.auth_flow(httpx.Request("GET", "/"))).headers["authorization"]
