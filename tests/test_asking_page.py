"""The agent asks for strong identification from his screen: the words to read, the state, and what he typed is kept."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.asked_by_link import ADDRESS, Browser, asked, calling, heard, link_of, ready, with_e_id
from tests.cast import Cast
from tests.provider import Provider
from tests.staff_browser import address, ask, gathered, now, signed_in
from tests.test_protection_tells_nothing import NOBODY
from verification import answers, prompts
from verification.claims import claim_number
from verification.models import Grant, Interaction, Prompt, Refusal


@pytest.fixture
def cast(db: None, provider: Provider) -> Cast:
    made = gathered()
    with_e_id(made, now())
    return made


@pytest.fixture
def contact(cast: Cast) -> Interaction:
    return calling(cast)


@pytest.fixture
def client(cast: Cast) -> Client:
    return signed_in(cast.agent_aino)


def page(client: Client, contact: Interaction) -> str:
    return str(client.get(address("interaction", contact)).content.decode())


def panel(client: Client, contact: Interaction) -> str:
    found = re.search(r'<section class="card" id="asking".*?</section>', page(client, contact), re.S)
    assert found
    return found[0]


def send(client: Client, contact: Interaction, **form: str) -> Any:
    return client.post(address("prompt", contact), form, follow=True)


def test_one_press_sends_the_link_and_shows_the_words_to_read(client: Client, contact: Interaction) -> None:
    send(client, contact)
    prompt = Prompt.objects.get()
    shown = panel(client, contact)
    assert " – ".join(prompts.words_of(prompt)[1]) in shown
    assert 'lang="fi"' in shown
    assert "Withdraw it" in shown
    assert "Send him a link" not in shown


def test_nobody_is_shown_the_same_panel(client: Client, cast: Cast) -> None:
    shown = []
    for number in (NOBODY, cast.anna.number, cast.antti3.number):
        here = calling(cast, number)
        send(client, here)
        words = " – ".join(prompts.words_of(Prompt.objects.latest("pk"))[1])
        rest = re.sub(
            r"[0-9a-f-]{36}|data-seconds=\"\d+\">[\d:]+|name=\"csrf\w+\" value=\"\w+\"", "", panel(client, here)
        )
        shown.append(rest.replace(words, ""))
    assert shown[0] == shown[1] == shown[2]


def test_without_a_claim_the_page_says_what_comes_first(client: Client, cast: Cast) -> None:
    here = cast.call(at=now())
    assert "Note first whose matter it is." in panel(client, here)
    assert "Note first whose matter it is." in send(client, here).content.decode()
    assert not Prompt.objects.exists()


def test_a_colleague_cannot_ask(cast: Cast, contact: Interaction) -> None:
    assert signed_in(cast.agent_arvo).post(address("prompt", contact)).status_code == 403


def test_without_a_broker_nothing_is_offered(client: Client, contact: Interaction, settings: Any) -> None:
    settings.E_ID_BROKERS = ""
    assert "There is no strong electronic identification here" in panel(client, contact)


def test_the_particulars_of_a_form_are_sent_to_be_approved(client: Client, contact: Interaction) -> None:
    form = client.get(address("do", contact, "change_address")).content.decode()
    assert 'name="for_action" value="change_address"' in form
    send(client, contact, for_action="change_address", nonce="x", **ADDRESS)
    assert prompts.parameters_of(Prompt.objects.get()) == ADDRESS
    assert "Uusikatu 5" in panel(client, contact)


def test_a_form_that_does_not_read_is_shown_again_and_nothing_is_sent(client: Client, contact: Interaction) -> None:
    answer = client.post(address("prompt", contact), {"for_action": "change_address", **ADDRESS, "postal_code": "?"})
    assert answer.status_code == 400
    assert 'value="Uusikatu 5"' in answer.content.decode()
    assert not Prompt.objects.exists()


def test_a_refusal_sends_exactly_what_was_refused(client: Client, contact: Interaction) -> None:
    ask(client, contact, "change_address", **ADDRESS)
    refusal = Refusal.objects.get()
    assert refusal.ways[0] == "e_id_link"
    shown = client.get(f"/admin/cases/refusals/{refusal.public_id}/").content.decode()
    assert f'action="{address("prompt", contact)}"' in shown
    send(client, contact, refusal=str(refusal.public_id))
    assert prompts.parameters_of(Prompt.objects.get()) == ADDRESS


def test_what_was_typed_is_there_for_the_second_try(client: Client, cast: Cast, contact: Interaction) -> None:
    ask(client, contact, "change_address", **ADDRESS)
    again = address("do", contact, "change_address") + f"?refusal={Refusal.objects.get().public_id}"
    assert 'value="Uusikatu 5"' in client.get(again).content.decode()
    other = calling(cast, person="bea")
    elsewhere = address("do", other, "change_address") + f"?refusal={Refusal.objects.get().public_id}"
    assert "Uusikatu" not in client.get(elsewhere).content.decode(), "only in its own contact"


def test_the_page_follows_the_caller_and_leads_on(
    client: Client, cast: Cast, contact: Interaction, provider: Provider
) -> None:
    pulses = [client.get(address("pulse", contact)).json()["pulse"]]
    prompt = asked(cast, contact, "change_address", ADDRESS)
    pulses.append(client.get(address("pulse", contact)).json()["pulse"])
    browser = ready(cast, prompt)
    pulses.append(client.get(address("pulse", contact)).json()["pulse"])
    assert "The words are right" in panel(client, contact)
    provider.next(sub="anna")
    browser.logs_in(provider)
    pulses.append(client.get(address("pulse", contact)).json()["pulse"])
    assert len(set(pulses)) == 4
    shown = panel(client, contact)
    assert "He has identified himself." in shown
    assert heard(prompt).replace(" ", " – ") not in shown
    go_on = re.search(r'id="go-on" class="button" href="([^"]+)"', shown)
    assert go_on
    assert 'value="Uusikatu 5"' in client.get(go_on[1]).content.decode()
    ask(client, contact, "change_address", **ADDRESS)
    assert Grant.objects.filter(action="change_address").exists()


def test_a_decline_is_told_to_the_agent_at_once(client: Client, cast: Cast, contact: Interaction) -> None:
    asked(cast, contact)
    Browser(link_of(cast.anna)).did_not_call()
    assert "He says that he did not call" in panel(client, contact)


def test_a_request_is_withdrawn(client: Client, cast: Cast, contact: Interaction) -> None:
    prompt = asked(cast, contact)
    client.post(address("prompt_withdraw", contact, str(prompt.public_id)))
    assert prompt.end.outcome == "CANCELLED"
    assert "It was withdrawn." in panel(client, contact)
    assert "Send him a link" in panel(client, contact)


def test_after_he_said_that_he_did_not_call_no_other_request_goes_out_in_this_contact(
    client: Client, cast: Cast, contact: Interaction
) -> None:
    asked(cast, contact)
    Browser(link_of(cast.anna)).did_not_call()
    shown = panel(client, contact)
    for button in ("send-link", "send-to-", "send-passkey"):
        assert button not in shown
    assert "Offer a visit, or call the recorded number back." in shown
    answer = send(client, contact)
    assert "so nothing more is asked of him here" in answer.content.decode()
    form = client.get(reverse("admin:do", args=[contact.public_id, "change_address"])).content.decode()
    assert "send-these" not in form
    claimed = {"number": cast.bea.number, "capacity": "SELF", "source": "STAFF", "at": now()}
    claim_number(contact.public_id, by=cast.agent_aino, **claimed)
    send(client, contact)
    assert Prompt.objects.count() == 1, "nor of anybody else"
    other = calling(cast)
    send(client, other)
    assert Prompt.objects.filter(interaction=other).exists(), "another contact begins anew"


def test_after_he_took_it_back_no_other_request_goes_out(client: Client, cast: Cast, contact: Interaction) -> None:
    prompt = asked(cast, contact)
    prompts.withdraw(contact.public_id, prompt.public_id, by=cast.agent_aino, at=now())
    answers.decline(prompt.pk, at=now())
    assert "send-link" not in panel(client, contact)
    with pytest.raises(prompts.NotAsked, match="DECLINED"):
        asked(cast, contact)
