"""The agent's page: the queue, one contact, and what comes of asking the gate from the screen."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from audit.models import Entry
from cases.models import Case, Refund
from cases.pages.forms import cents
from tests.actions_asked import VALID
from tests.cast import Cast, number
from tests.staff_browser import address, ask, gathered, now, signed_in
from verification.declarations import all_declared
from verification.interactions import end, open_call, wait
from verification.models import Claim, Evidence, Grant, Hold, Interaction, Refusal

LIVE = [action for action in all_declared() if action.origin == "live"]


@pytest.fixture
def house(db: None) -> Cast:
    return gathered()


def waiting(house: Cast, keypad: str = "SKIPPED") -> Interaction:
    opened = open_call(house.organisation, line="+358501112233", language="sv", at=now())
    wait(opened.public_id, keypad=keypad, at=now())
    return opened


def page(house: Cast, contact: Interaction, who: str = "agent_aino") -> str:
    return str(signed_in(house.staff[who]).get(address("interaction", contact)).content, "utf-8")


def test_the_queue_shows_who_waits_with_the_keypads_outcome_in_words(house: Cast) -> None:
    waiting(house, "NO_CODES")
    html = signed_in(house.agent_aino).get(address("queue")).content.decode()
    assert "Says that he has no codes" in html
    assert "Swedish" in html
    assert "+358501112233" not in html


def test_taking_gives_the_contact_to_one(house: Cast) -> None:
    contact = waiting(house)
    answer = signed_in(house.agent_aino).post(address("take", contact))
    assert answer.headers["Location"] == address("interaction", contact)
    late = signed_in(house.agent_arvo).post(address("take", contact), follow=True).content.decode()
    assert "A colleague was just ahead of you" in late
    assert Interaction.objects.get(pk=contact.pk).served_by == house.agent_aino


def test_taking_a_call_that_has_ended_is_said_kindly(house: Cast) -> None:
    contact = waiting(house)
    end(contact.public_id, at=now())
    assert "hung up" in signed_in(house.agent_aino).post(address("take", contact), follow=True).content.decode()


def test_of_two_agents_at_once_one_gets_the_contact(live_cast: Cast) -> None:
    contact = waiting(live_cast)
    clients = [signed_in(live_cast.agent_aino), signed_in(live_cast.agent_arvo)]
    together, went = threading.Barrier(2), []

    def press(client: Any) -> None:
        together.wait()
        went.append(client.post(address("take", contact)).headers["Location"])
        connection.close()

    threads = [threading.Thread(target=press, args=[client]) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(went) == sorted([address("interaction", contact), address("queue")])
    assert Entry.objects.filter(kind="interaction.taken").count() == 1


def test_a_contact_opened_by_hand_begins_at_none(house: Cast) -> None:
    answer = signed_in(house.agent_aino).post(address("open_contact"), {"channel": "LETTER", "language": "en"})
    html = signed_in(house.agent_aino).get(answer.headers["Location"]).content.decode()
    assert "None – now" in html
    assert Interaction.objects.get().served_by == house.agent_aino


def test_a_contact_handed_back_waits_for_a_colleague(house: Cast) -> None:
    contact = house.call(at=now())
    signed_in(house.agent_aino).post(address("hand_back", contact))
    again = Interaction.objects.get(pk=contact.pk)
    assert again.served_by is None
    assert again.waiting_since is not None
    assert Entry.objects.filter(kind="interaction.handed_back").count() == 1


def test_a_number_is_noted_with_the_same_words_whether_it_exists_or_not(house: Cast) -> None:
    told = []
    for wanted in (house.antti.number, number(7777777)):
        contact, client = house.call(at=now()), signed_in(house.agent_aino)
        form = {"number": wanted, "capacity": "SELF"}
        answer = client.post(address("claim_number", contact), form, follow=True)
        html = answer.content.decode().replace(str(contact.public_id), "ID").replace(contact.public_id.hex, "ID")
        assert html.count(wanted) == 1, "the agent sees once what he typed, and the page keeps nothing of it"
        clock = r'\b\d{1,2}[.:]\d{2}([.:]\d{2})?\b|data-left="\d+"'  # of the day, and of the session
        html = re.sub(clock, "TIME", html.replace(wanted, "NUMBER"))
        told.append([line for line in html.splitlines() if "csrf" not in line and "data-pulse" not in line])
    assert told[0] == told[1]


def test_the_same_number_again_voids_nothing(house: Cast) -> None:
    contact = house.call(at=now(), claims=house.antti, level="LOW")
    form = {"number": house.antti.number, "capacity": "SELF"}
    answer = signed_in(house.agent_aino).post(address("claim_number", contact), form, follow=True).content.decode()
    assert "Noted" in answer
    assert "no longer counts" not in answer
    assert "Low – now" in answer
    assert Interaction.objects.get(pk=contact.pk).keypad == "MATCHED"


@pytest.mark.parametrize(
    ("page", "form", "back"),
    [
        ("claim_number", {"number": "12345678", "capacity": "SELF"}, "interaction"),
        ("claim_name", {"given_names": "", "family_name": "", "capacity": "SELF"}, "interaction"),
        ("open_contact", {"channel": "PIGEON", "language": "fi"}, "queue"),
    ],
)
def test_the_language_is_changed_where_a_form_was_sent_back(
    house: Cast, page: str, form: dict[str, str], back: str
) -> None:
    contact, client = house.call(at=now()), signed_in(house.agent_aino)
    shown = client.post(address(page, None if page == "open_contact" else contact), form)
    assert shown.status_code == 400
    wanted = re.search(r'name="next" value="([^"]+)"', shown.content.decode())
    assert wanted
    again = client.post("/i18n/setlang/", {"language": "sv", "next": wanted[1]}, follow=True)
    assert again.status_code == 200
    assert again.redirect_chain[-1][0] == address(back, contact if back == "interaction" else None)


def test_a_number_that_cannot_be_one_is_asked_for_again(house: Cast) -> None:
    contact = house.call(at=now())
    form = {"number": "12345678", "capacity": "SELF"}
    answer = signed_in(house.agent_aino).post(address("claim_number", contact), form, follow=True)
    assert "eight digits" in answer.content.decode()
    assert not Claim.objects.exists()


@pytest.mark.parametrize(("given", "told"), [("Antti", "3 customers bear this name"), ("Aatto", "No customer bears")])
def test_a_name_shows_only_how_many_bear_it(house: Cast, given: str, told: str) -> None:
    contact = house.call(at=now())
    form = {"given_names": given, "family_name": "Asiakas", "capacity": "SELF"}
    html = signed_in(house.agent_aino).post(address("claim_name", contact), form, follow=True).content.decode()
    assert told in html
    assert house.antti.number not in html
    assert "+35840" not in html.replace("+358401234567", "")


def test_naming_another_customer_voids_the_proof(house: Cast) -> None:
    contact = house.call(at=now(), claims=house.antti, level="LOW")
    assert "Low – now" in page(house, contact)
    form = {"number": house.helena.number, "capacity": "SELF"}
    signed_in(house.agent_aino).post(address("claim_number", contact), form)
    assert "None – now" in page(house, contact)
    assert Evidence.objects.count() == 1


def test_the_calling_number_is_shown_as_telling_nothing(house: Cast) -> None:
    html = page(house, house.call(at=now()))
    assert "+358401234567" in html
    assert "Tells nothing of who is calling." in html


def test_every_action_of_the_role_stands_on_the_page(house: Cast) -> None:
    contact = house.call(at=now())
    html = page(house, contact)
    for action in LIVE:
        assert (address("do", contact, action.name) in html) is ("AGENT" in action.roles)


def test_a_hold_is_not_shown_before_the_caller_has_proved_anything(house: Cast) -> None:
    claimed, proven = house.call(at=now(), claims=house.frozen), house.call(at=now(), claims=house.frozen, level="LOW")
    assert "hold or freeze" not in page(house, claimed)
    assert "hold or freeze" in page(house, proven).lower()


def test_looking_at_the_page_writes_nothing(house: Cast) -> None:
    contact = house.call(at=now(), claims=house.antti, level="LOW")
    before = Entry.objects.count(), Refusal.objects.count(), Grant.objects.count()
    page(house, contact)
    assert (Entry.objects.count(), Refusal.objects.count(), Grant.objects.count()) == before


@pytest.mark.parametrize("action", LIVE, ids=lambda action: action.name)
def test_every_form_opens_and_its_attempt_is_answered_in_words(house: Cast, action: Any) -> None:
    contact, client = house.call(at=now()), signed_in(house.agent_aino)
    assert client.get(address("do", contact, action.name)).status_code == 200
    typed = {name: value for name, value in VALID.get(action.name, {}).items() if value is not False}
    if "amount" in typed:
        typed["amount"] = f"{typed['amount'] / 100:.2f}"  # the screen asks for euros
    answer = ask(client, contact, action.name, **typed)
    assert answer.status_code in (200, 302)
    assert Entry.objects.filter(kind__startswith="gate.", actor=house.agent_aino.actor).count() == 1


def test_a_refusal_says_why_what_to_say_and_what_can_be_done(house: Cast) -> None:
    contact, client = house.call(at=now(), claims=house.antti), signed_in(house.agent_aino)
    answer = ask(client, contact, "change_address", **VALID["change_address"])
    html = client.get(answer.headers["Location"]).content.decode()
    refusal = Refusal.objects.get()
    assert refusal.said["fi"] in html
    assert f"{address('do', contact, 'book_visit')}?refusal={refusal.public_id}" in html
    form = client.get(f"{address('do', contact, 'book_visit')}?refusal={refusal.public_id}").content.decode()
    assert str(refusal.public_id) in form


def test_a_form_sent_twice_has_one_effect(house: Cast) -> None:
    contact, client, nonce = house.call(at=now(), claims=house.antti), signed_in(house.agent_aino), str(uuid4())
    before = Hold.objects.count()
    first = ask(client, contact, "temporary_hold", nonce).content.decode()
    second = ask(client, contact, "temporary_hold", nonce).content.decode()
    assert "Done." in first
    assert "done already" in second
    assert Hold.objects.count() == before + 1


def test_what_cannot_be_read_comes_back_with_everything_that_was_typed(house: Cast) -> None:
    contact, client = house.call(at=now()), signed_in(house.agent_aino)
    answer = ask(client, contact, "small_voucher", receipt="R-2026-17", amount="many", fault="no vegetables at all")
    html = answer.content.decode()
    assert answer.status_code == 400
    assert "no vegetables at all" in html
    assert "for example 12,50" in html
    assert Entry.objects.filter(kind="gate.malformed").count() == 1


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("12,50", "1250"),
        ("12.5", "1250"),
        ("12", "1200"),
        (" 7,05 € ", "705"),
        ("12,505", None),
        ("-3", None),
        ("", None),
    ],
)
def test_euros_are_never_taken_for_cents(typed: str, meant: str | None) -> None:
    assert cents(typed) == meant if meant else cents(typed).endswith("?")


def test_a_granted_refund_moves_what_was_typed_in_euros(house: Cast) -> None:
    contact = house.desk(at=now(), claims=house.antti, level="HIGH")
    answer = ask(signed_in(house.clerk_kalle), contact, "refund_to_account", amount="45,00", reason="paid twice in May")
    assert "45.00\u00a0€" in answer.content.decode()
    assert Refund.objects.get().amount == 4500


def test_a_call_that_ends_while_the_form_is_filled_in_is_refused_kindly(house: Cast) -> None:
    contact, client = house.call(at=now(), claims=house.antti, level="LOW"), signed_in(house.agent_aino)
    end(contact.public_id, at=now())
    answer = ask(client, contact, "tell_case_state")
    html = client.get(answer.headers["Location"]).content.decode()
    assert "This contact has ended" in html
    assert Refusal.objects.get().reason == "NOT_LIVE"


def test_an_undeclared_action_is_refused_at_the_gate(house: Cast) -> None:
    contact, client = house.call(at=now()), signed_in(house.agent_aino)
    assert client.get(address("do", contact, "empty_the_vault")).status_code == 404
    assert ask(client, contact, "empty_the_vault").status_code == 302
    assert Refusal.objects.get().reason == "UNDECLARED"


def test_a_form_without_its_nonce_does_nothing(house: Cast) -> None:
    contact = house.call(at=now())
    answer = signed_in(house.agent_aino).post(address("do", contact, "open_case"), {"questions": "Missä?"})
    assert answer.status_code == 400
    assert not Case.objects.exists()


def test_an_ended_contact_shows_its_story_and_no_buttons(house: Cast) -> None:
    contact, client = house.call(at=now(), claims=house.antti), signed_in(house.agent_aino)
    ask(client, contact, "change_address", **VALID["change_address"])
    client.post(address("end", contact))
    html = page(house, contact)
    assert "nothing more can be done" in html
    assert "Change the postal address" in html
    assert "/do/" not in html
    assert address("record", contact) not in html


def test_the_level_drops_by_the_servers_clock(house: Cast) -> None:
    contact = house.call(at=now() - timedelta(minutes=61), claims=house.antti, level="LOW")
    assert "None – now" in page(house, contact)


def test_the_page_is_told_when_something_has_changed(house: Cast) -> None:
    contact, client = house.call(at=now()), signed_in(house.agent_aino)
    before = client.get(address("pulse", contact)).json()
    assert client.get(address("pulse", contact)).json() == before
    end(contact.public_id, at=now())
    assert client.get(address("pulse", contact)).json() != before


@pytest.mark.parametrize("stop", ["stop_enrolment", "stop_mandate", "stop_refund", "veto_change"])
def test_what_a_mere_claim_may_stop_stands_on_the_agents_page(house: Cast, stop: str) -> None:
    contact = house.call(at=now(), claims=house.antti)
    shown = page(house, contact)
    assert f'href="{address("do", contact, stop)}"' in shown
    ask(signed_in(house.agent_aino), contact, stop)
    assert Grant.objects.filter(action=stop, interaction=contact).exists()
