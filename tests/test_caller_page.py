"""The page behind the link: what it shows, what it takes, and every answer of a broker that must count for nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from audit.log import read
from audit.models import Entry
from notices.models import Notice
from tests.asked_by_link import ADDRESS, Browser, asked, calling, heard, later, link_of, ready, with_e_id
from tests.cast import Cast
from tests.provider import LOA2, Provider
from tests.staff_browser import gathered, now
from verification import interactions, prompts
from verification.claims import claim_number
from verification.gate import Granted, Live, Refused, attempt
from verification.levels import Level
from verification.masking import standing
from verification.models import Evidence, Interaction, Prompt, PromptEnd, PromptToken, Signal

NOT_DONE, THANKS = "This did not go through", "Thank you, it is done"


@pytest.fixture
def cast(db: None, provider: Provider) -> Cast:
    made = gathered()
    with_e_id(made, now())
    return made


@pytest.fixture
def contact(cast: Cast) -> Interaction:
    return calling(cast)


def log(kind: str = "prompt.") -> list[tuple[str, str, str]]:
    found = [read(each).envelope for each in Entry.objects.filter(kind__startswith=kind).order_by("pk")]
    return [(each["kind"], each["outcome"], str(each["facts"].get("reason", ""))) for each in found]


def why() -> str:
    return log()[-1][2]


def level(contact: Interaction) -> Level:
    return standing(Interaction.objects.get(pk=contact.pk), now())[1].level


@pytest.fixture(autouse=True)
def in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    from verification.web import caller

    monkeypatch.setattr(caller, "_language", lambda *_: "en")


# --- the link and the page --------------------------------------------------------------------------------------------
def test_looking_at_the_link_uses_nothing_up_and_shows_our_name_number_and_a_button(
    cast: Cast, contact: Interaction
) -> None:
    asked(cast, contact, "change_address", ADDRESS)
    link, client = link_of(cast.anna), Client()
    for look in (client.get, client.head, client.get):
        answer = look(link)
        assert answer.status_code == 200
        assert not answer.cookies
        assert answer["Referrer-Policy"] == "no-referrer"
        assert answer["Cache-Control"] == "no-store"
    shown = client.get(link).content.decode()
    assert "Esimerkki Oy" in shown
    assert "+358800123456" in shown
    for hidden in ("Uusikatu", "Aino", "address", "Anna"):
        assert hidden not in shown
    assert log() == [("prompt.asked", "ok", "")]


def test_the_secret_is_traded_once_for_a_cookie_that_no_other_site_can_send(cast: Cast, contact: Interaction) -> None:
    asked(cast, contact)
    link, client = link_of(cast.anna), Client()
    answer = client.post(link)
    assert answer["Location"] == "/c/call/"
    cookie = answer.cookies["call"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Strict"
    assert cookie.value not in link
    assert client.post(link)["Location"] == "/c/call/", "the same browser may come once more"
    assert Client().get(link).status_code == 404
    assert Client().post(link).status_code == 404
    assert PromptToken.objects.filter(kind="BROWSER").count() == 1


def test_the_link_is_good_for_ten_minutes(cast: Cast, contact: Interaction, monkeypatch: pytest.MonkeyPatch) -> None:
    asked(cast, contact)
    monkeypatch.setattr(timezone, "now", lambda: later(601))
    assert Client().get(link_of(cast.anna)).status_code == 404


def test_the_page_says_who_is_on_the_line_and_exactly_what_is_approved(cast: Cast, contact: Interaction) -> None:
    asked(cast, contact, "change_address", ADDRESS)
    page = Browser(link_of(cast.anna)).reads()
    for told in (
        "Esimerkki Oy",
        "Aino is speaking with you",
        "Change of postal address",
        "Uusikatu 5",
        "00100",
        "only if",
    ):
        assert told in page, told
    for hidden in ("Agentti", "Testi", cast.anna.number):
        assert hidden not in page, hidden


def test_a_call_that_nobody_has_taken_is_with_the_automatic_line(cast: Cast, contact: Interaction) -> None:
    interactions.hand_back(contact.public_id, by=cast.agent_aino, at=now())
    prompt = prompts.ask(contact.public_id, road="LINK", by=None, at=now())
    prompts.send_link(prompt.pk, at=now())
    assert "our automatic line is speaking with you" in Browser(link_of(cast.anna)).reads()


def test_no_bank_is_offered_before_the_words(cast: Cast, contact: Interaction) -> None:
    prompt = asked(cast, contact)
    browser = Browser(link_of(cast.anna))
    assert "/login/" not in browser.reads()
    assert browser.client.get("/c/call/login/bank/")["Location"] == "/c/call/"
    assert not prompt.logins.exists()
    browser.types(heard(prompt).upper())
    assert "/c/call/login/bank/" in browser.reads()


def test_three_wrong_words_end_it(cast: Cast, contact: Interaction) -> None:
    prompt = asked(cast, contact)
    browser = Browser(link_of(cast.anna))
    for _ in range(2):
        assert browser.types("wrong words").status_code == 400
    assert "not the words of this call" in browser.types("other words").content.decode() or why() == "WORDS"
    assert why() == "WORDS"
    browser.types(heard(prompt))
    assert prompt.end.outcome == "FAILED"
    assert NOT_DONE in browser.reads()


def test_no_other_site_can_type_or_decline_for_him(cast: Cast, contact: Interaction) -> None:
    prompt = asked(cast, contact)
    browser = Browser(link_of(cast.anna))
    for path in ("/c/call/words/", "/c/call/not-me/"):
        assert browser.client.post(path, {"words": heard(prompt), "proof": "0" * 64}).status_code == 404
        assert Client().post(path, {"words": heard(prompt)}).status_code == 404
    assert not PromptEnd.objects.exists()


# --- a login that counts ----------------------------------------------------------------------------------------------
def test_a_login_gives_the_level_that_the_broker_returned(cast: Cast, contact: Interaction, provider: Provider) -> None:
    browser = ready(cast, asked(cast, contact))
    provider.next(sub="anna", acr=LOA2)
    assert THANKS in browser.logs_in(provider)
    assert level(contact) is Level.SUBSTANTIAL
    seen = Evidence.objects.get()
    assert (seen.kind, seen.approves, seen.detail["broker"]) == ("E_ID_SUBSTANTIAL", "", "bank")
    assert seen.authenticated_at is not None
    assert [kind for kind, *_ in log("")][-3:] == ["prompt.login_begun", "evidence.observed", "prompt.ended"]


def test_the_higher_acr_gives_high_and_another_broker_does_as_well(
    cast: Cast, contact: Interaction, provider: Provider
) -> None:
    browser = ready(cast, asked(cast, contact))
    provider.next(sub="anna")
    assert THANKS in browser.logs_in(provider, "mobile")
    assert level(contact) is Level.HIGH


def test_what_was_approved_is_granted_and_nothing_else_rests_on_it(
    cast: Cast, contact: Interaction, provider: Provider
) -> None:
    prompt = asked(cast, contact, "change_address", ADDRESS)
    browser = ready(cast, prompt)
    provider.next(sub="anna")
    browser.logs_in(provider)
    assert Evidence.objects.get().approves == prompt.parameters_hash
    origin = Live(contact.public_id, cast.agent_aino)
    decided = attempt("change_address", origin=origin, parameters=ADDRESS, at=now())
    assert isinstance(decided, Granted)
    assert decided.grant.parameters_hash == prompt.parameters_hash


def test_for_a_linked_action_other_parameters_are_not_approved(
    cast: Cast, contact: Interaction, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from verification import declarations

    linked = replace(declarations._DECLARED["change_address"], linked=True)
    monkeypatch.setitem(declarations._DECLARED, "change_address", linked)
    browser = ready(cast, asked(cast, contact, "change_address", ADDRESS))
    provider.next(sub="anna")
    browser.logs_in(provider)
    origin = Live(contact.public_id, cast.agent_aino)
    refused = attempt("change_address", origin=origin, parameters={**ADDRESS, "street": "Muukatu 1"}, at=now())
    assert isinstance(refused, Refused)
    assert refused.refusal.reason == "NOT_APPROVED"
    assert "e_id_link" in refused.refusal.ways
    assert isinstance(attempt("change_address", origin=origin, parameters=ADDRESS, at=now()), Granted)


# --- answers that count for nothing -----------------------------------------------------------------------------------
BROKERS_OWN: dict[str, tuple[dict[str, Any], str]] = {
    "a lower acr": ({"acr": "http://ftn.ficora.fi/2017/loa1"}, "ACR_REFUSED"),
    "no acr": ({"acr": None}, "ACR_ABSENT"),
    "a test acr": ({"acr": "http://ftn.ficora.fi/2017/loatest2"}, "ACR_TEST"),
    "a stale login": ({"ago": 600}, "AUTH_TIME_STALE"),
    "another person": ({"sub": "bea"}, "OTHER_PERSON"),
}


@pytest.mark.parametrize("case", BROKERS_OWN)
def test_an_answer_that_is_not_enough_fails_with_its_own_reason_and_the_same_words(
    cast: Cast, contact: Interaction, provider: Provider, case: str
) -> None:
    told, reason = BROKERS_OWN[case]
    browser = ready(cast, asked(cast, contact))
    provider.next(**told)
    page = browser.logs_in(provider)
    assert NOT_DONE in page
    assert "Try once more" not in page
    assert log()[-1] == ("prompt.ended", "failed", reason)
    assert level(contact) is Level.NONE
    assert not Evidence.objects.exists()


def test_without_auth_time_it_counts_for_nothing(
    cast: Cast, contact: Interaction, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from verification.eid import client, identity

    whole = identity.opened
    monkeypatch.setattr(client, "opened", lambda *args, **more: replace(whole(*args, **more), auth_time=None))
    browser = ready(cast, asked(cast, contact))
    provider.next(sub="anna")
    assert NOT_DONE in browser.logs_in(provider)
    assert why() == "AUTH_TIME_ABSENT"


def test_saying_no_at_the_bank_proves_nothing_and_another_bank_may_be_chosen(
    cast: Cast, contact: Interaction, provider: Provider
) -> None:
    browser = ready(cast, asked(cast, contact))
    provider.next(outcome="deny")
    page = browser.logs_in(provider)
    assert NOT_DONE in page
    assert "Try once more" in page
    assert log()[-1] == ("prompt.answer_rejected", "rejected", "DECLINED")
    provider.next(sub="anna")
    assert THANKS in browser.logs_in(provider)


def test_an_unknown_state_is_noted_and_ends_nothing(cast: Cast, contact: Interaction, provider: Provider) -> None:
    browser = ready(cast, asked(cast, contact))
    provider.next(sub="anna")
    brought = provider.browse(browser.begins())
    assert NOT_DONE in browser.comes_back({**brought, "state": "somebody-elses"})
    assert log()[-1] == ("prompt.answer_rejected", "rejected", "STATE")
    assert THANKS in browser.comes_back(brought), "who sends a person a false answer must not end his prompt by it"


def test_an_answer_to_another_request_fails_by_its_nonce(
    cast: Cast, contact: Interaction, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from verification import logins

    whole = logins._opened
    monkeypatch.setattr(logins, "_opened", lambda login: replace(whole(login), nonce="of another request"))
    browser = ready(cast, asked(cast, contact))
    provider.next(sub="anna")
    assert NOT_DONE in browser.logs_in(provider)
    assert why() == "NONCE"


@pytest.mark.parametrize("named", ["http://127.0.0.1:1", ""])
def test_an_answer_in_another_brokers_name_fails(
    cast: Cast, contact: Interaction, provider: Provider, named: str
) -> None:
    browser = ready(cast, asked(cast, contact))
    provider.next(sub="anna")
    brought = provider.browse(browser.begins())
    assert NOT_DONE in browser.comes_back({**brought, "iss": named})
    assert why() == "ISSUER"


def test_an_answer_at_another_brokers_address_fails(cast: Cast, contact: Interaction, provider: Provider) -> None:
    browser = ready(cast, asked(cast, contact))
    provider.next(sub="anna")
    brought = provider.browse(browser.begins())
    assert NOT_DONE in browser.comes_back(brought, "mobile")
    assert why() == "ISSUER"


def test_a_login_begun_elsewhere_cannot_be_finished_by_the_victim(
    cast: Cast, contact: Interaction, provider: Provider
) -> None:
    swindler = ready(cast, asked(cast, contact))
    provider.next(sub="anna")
    brought = provider.browse(swindler.begins())
    victim = Browser()
    assert NOT_DONE in victim.comes_back(brought)
    assert why() == "BROWSER"
    assert NOT_DONE in swindler.comes_back(brought)
    assert not Evidence.objects.exists()


def test_a_login_of_the_swindler_cannot_be_slipped_into_the_victims_browser(
    cast: Cast, contact: Interaction, provider: Provider
) -> None:
    hers = ready(cast, asked(cast, contact))
    hers.begins()
    other = calling(cast, person="bea")
    his = ready(cast, asked(cast, other), "bea")
    provider.next(sub="bea")
    brought = provider.browse(his.begins())
    assert NOT_DONE in hers.comes_back(brought)
    assert level(contact) is Level.NONE
    assert level(other) is Level.NONE
    assert why() == "BROWSER"


def test_an_answer_brought_twice_counts_once(cast: Cast, contact: Interaction, provider: Provider) -> None:
    browser = ready(cast, asked(cast, contact))
    provider.next(sub="anna")
    brought = provider.browse(browser.begins())
    assert THANKS in browser.comes_back(brought)
    browser.comes_back(brought)
    assert log()[-1] == ("prompt.answer_rejected", "rejected", "REPLAYED")
    assert Evidence.objects.count() == 1


# --- approvals for which nobody waits ---------------------------------------------------------------------------------
def orphaned(browser: Browser, brought: dict[str, str], cast: Cast, reason: str) -> None:
    assert NOT_DONE in browser.comes_back(brought)
    assert log()[-1] == ("prompt.orphaned", "rejected", reason)
    assert not Evidence.objects.exists()
    assert Signal.objects.get().kind == "PROMPT_ORPHAN"
    told = Notice.objects.filter(about="prompt_orphan", subject=str(cast.anna.customer.pseudonym))
    assert sorted(each.channel for each in told) == ["EMAIL", "SMS"]


def test_an_approval_after_the_hang_up_is_an_orphan(cast: Cast, contact: Interaction, provider: Provider) -> None:
    browser = ready(cast, asked(cast, contact))
    provider.next(sub="anna")
    brought = provider.browse(browser.begins())
    interactions.end(contact.public_id, at=now())
    orphaned(browser, brought, cast, "HANG_UP")


def test_an_approval_after_the_claim_changed_is_an_orphan(cast: Cast, contact: Interaction, provider: Provider) -> None:
    browser = ready(cast, asked(cast, contact))
    provider.next(sub="anna")
    brought = provider.browse(browser.begins())
    said = {"capacity": "SELF", "source": "STAFF", "by": cast.agent_aino, "at": now()}
    claim_number(contact.public_id, cast.bea.number, **said)
    orphaned(browser, brought, cast, "CLAIM_CHANGED")
    assert level(contact) is Level.NONE


def test_an_approval_of_other_parameters_than_are_asked_now_is_an_orphan(
    cast: Cast, contact: Interaction, provider: Provider
) -> None:
    first = asked(cast, contact, "change_address", ADDRESS)
    browser = ready(cast, first)
    provider.next(sub="anna")
    brought = provider.browse(browser.begins())
    prompts.withdraw(contact.public_id, first.public_id, by=cast.agent_aino, at=now())
    asked(cast, contact, "change_address", {**ADDRESS, "street": "Muukatu 1"})
    orphaned(browser, brought, cast, "OTHER_PARAMETERS")


def test_an_approval_before_a_late_transfer_is_an_orphan(cast: Cast, contact: Interaction, provider: Provider) -> None:
    browser = ready(cast, asked(cast, contact))
    provider.next(sub="anna")
    brought = provider.browse(browser.begins())
    Interaction.objects.filter(pk=contact.pk).update(evidence_from=now())
    orphaned(browser, brought, cast, "TRANSFERRED")


def test_a_withdrawn_request_counts_for_nothing_and_is_no_orphan(
    cast: Cast, contact: Interaction, provider: Provider
) -> None:
    prompt = asked(cast, contact)
    browser = ready(cast, prompt)
    provider.next(sub="anna")
    brought = provider.browse(browser.begins())
    prompts.withdraw(contact.public_id, prompt.public_id, by=cast.agent_aino, at=now())
    assert NOT_DONE in browser.comes_back(brought)
    assert log()[-1] == ("prompt.answer_rejected", "rejected", "OVER")
    assert not Signal.objects.exists()


# --- "I did not call" -------------------------------------------------------------------------------------------------
def test_who_did_not_call_stops_it_raises_the_bar_and_is_told_everywhere(cast: Cast, contact: Interaction) -> None:
    prompt = asked(cast, contact)
    browser = Browser(link_of(cast.anna))
    assert "Thank you for telling us" in browser.did_not_call().content.decode()
    assert prompt.end.outcome == "DECLINED"
    assert Signal.objects.get().kind == "PROMPT_DECLINED"
    assert sorted(each.channel for each in Notice.objects.filter(about="prompt_declined")) == ["EMAIL", "SMS"]
    assert "Thank you for telling us" in browser.reads()
    browser.did_not_call()
    assert Signal.objects.count() == 1


def test_it_can_still_be_said_when_the_swindler_has_hung_up(cast: Cast, contact: Interaction) -> None:
    asked(cast, contact)
    browser = Browser(link_of(cast.anna))
    interactions.end(contact.public_id, at=now())
    assert "I did not call" in browser.reads()
    browser.did_not_call()
    browser.did_not_call()
    assert Signal.objects.get().kind == "PROMPT_DECLINED"
    assert log()[-1] == ("prompt.declined_late", "declined", "")


def test_after_a_decline_a_login_of_the_same_prompt_counts_for_nothing(
    cast: Cast, contact: Interaction, provider: Provider
) -> None:
    browser = ready(cast, asked(cast, contact))
    provider.next(sub="anna")
    brought = provider.browse(browser.begins())
    browser.did_not_call()
    assert NOT_DONE in browser.comes_back(brought)
    assert why() == "OVER"
    assert not Evidence.objects.exists()


def test_every_case_is_told_in_the_same_words(cast: Cast, provider: Provider) -> None:
    said = set()
    for told in ({"acr": None}, {"sub": "bea"}, {"ago": 600}):
        here = calling(cast)
        browser = ready(cast, asked(cast, here))
        provider.next(**told)
        said.add(browser.logs_in(provider))
        interactions.end(here.public_id, at=now())
    late = calling(cast)
    browser = ready(cast, asked(cast, late))
    provider.next(sub="anna")
    brought = provider.browse(browser.begins())
    interactions.end(late.public_id, at=now())
    said.add(browser.comes_back(brought))
    assert len(said) == 1
    assert Prompt.objects.count() == 4
