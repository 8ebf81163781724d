"""The key of a new code app on its owner's own page: once, after the highest proof, and never to the staff."""

from __future__ import annotations

import re
from base64 import b32decode
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from audit.log import read
from audit.models import Entry
from tests.asked_by_link import Browser, asked, later, ready
from tests.cast import Cast, totp
from tests.provider import LOA2, Provider
from tests.staff_browser import address, now, signed_in
from tests.test_caller_page import cast, contact, in_english
from tests.test_passkeys import sends
from verification import answers, interactions, own_setup, page_steps, setups
from verification.declarations import declared
from verification.gate import Granted, Live, OfProposal, Proposed, attempt
from verification.models import Authenticator, AuthenticatorSetup, Interaction, Prompt

__all__ = ["cast", "contact", "in_english"]
PAGE, OFFER = "/c/call/code-app/", "Connect your code app"


def enrols(cast: Cast, contact: Interaction, **parameters: Any) -> Any:
    origin = Live(contact.public_id, cast.agent_aino)
    return attempt("enrol_code_app", origin=origin, parameters=parameters, at=now())


@pytest.fixture
def prompt(cast: Cast, contact: Interaction) -> Prompt:
    return asked(cast, contact, "enrol_code_app", {})


@pytest.fixture
def browser(cast: Cast, prompt: Prompt, provider: Provider) -> Browser:
    """Anna's browser, after she approved a new code app at the highest level."""
    here = ready(cast, prompt)
    provider.next(sub="anna")
    assert "keep this page open" in here.logs_in(provider)
    return here


@pytest.fixture
def enrolled(cast: Cast, contact: Interaction, browser: Browser) -> Browser:
    assert isinstance(enrols(cast, contact), Granted)
    return browser


def key_in(page: str) -> bytes:
    found = re.search(r'<code class="key">([A-Z2-7 ]+)</code>', page)
    assert found, page
    assert all(len(group) == 4 for group in found[1].split())
    return b32decode(found[1].replace(" ", ""))


def shown(browser: Browser) -> str:
    answer = sends(browser, PAGE)
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    assert answer["Referrer-Policy"] == "no-referrer"
    return str(answer.content.decode())


def test_the_page_offers_the_key_once_it_waits_and_not_before(
    cast: Cast, contact: Interaction, browser: Browser
) -> None:
    assert OFFER not in browser.reads()
    assert browser.client.get(PAGE)["Location"] == "/c/call/"
    assert isinstance(enrols(cast, contact), Granted)
    assert OFFER in browser.reads()
    assert OFFER in browser.client.get("/c/call/done/").content.decode()


def test_the_key_is_shown_as_a_picture_in_groups_of_four_and_as_a_link_and_its_codes_count_later(
    cast: Cast, contact: Interaction, enrolled: Browser
) -> None:
    page = shown(enrolled)
    key = key_in(page)
    assert len(key) == 20
    assert 'src="data:image/svg+xml' in page
    assert 'href="otpauth://totp/' in page
    app = Authenticator.objects.latest("pk")
    assert timezone.localtime(app.effective_at).strftime("%H.%M") in page
    assert "count from now on" not in page
    assert len(totp(key, app.effective_at)) == 6
    assert setups.waiting(cast.anna.customer, now()) is None


def test_with_a_second_person_the_page_says_that_its_codes_count_from_now_on(
    cast: Cast, contact: Interaction, provider: Provider
) -> None:
    browser = ready(cast, asked(cast, contact, "enrol_code_app", {"at_once": True}))
    provider.next(sub="anna")
    browser.logs_in(provider)
    waiting = enrols(cast, contact, at_once=True)
    assert isinstance(waiting, Proposed)
    assert OFFER not in browser.reads()
    decided = attempt(
        "enrol_code_app", origin=OfProposal(waiting.proposal.public_id, cast.supervisor), parameters={}, at=now()
    )
    assert isinstance(decided, Granted)
    assert "count from now on" in shown(browser)


def test_looking_at_the_page_uses_nothing_up_and_the_key_is_shown_once(enrolled: Browser) -> None:
    for look in (enrolled.client.get, enrolled.client.head, enrolled.client.get):
        assert look(PAGE).status_code == 200
    assert "otpauth" not in enrolled.client.get(PAGE).content.decode()
    key_in(shown(enrolled))
    again = sends(enrolled, PAGE)
    assert again.status_code == 410
    assert "otpauth" not in again.content.decode()
    assert OFFER not in enrolled.reads()


def test_that_it_was_shown_is_an_entry_without_the_key(cast: Cast, enrolled: Browser) -> None:
    page = shown(enrolled)
    entry = Entry.objects.get(kind="setup.opened")
    assert read(entry).envelope["actor"] == f"customer:{cast.anna.customer.pseudonym}"
    key = re.search(r'<code class="key">([A-Z2-7 ]+)</code>', page)
    assert key
    for group in key[1].split():
        assert group not in str(read(entry).envelope)


def test_no_other_site_and_no_other_browser_gets_it(enrolled: Browser) -> None:
    assert enrolled.client.post(PAGE, {"proof": "0" * 64}).status_code == 404
    assert Client().post(PAGE).status_code == 404
    assert Client().get(PAGE).status_code == 404
    assert AuthenticatorSetup.objects.get().opened_at is None


def test_the_staff_never_see_it(cast: Cast, contact: Interaction, enrolled: Browser) -> None:
    staff = signed_in(cast.agent_aino)
    page = staff.get(address("interaction", contact)).content.decode()
    assert "otpauth" not in page
    assert staff.post(PAGE).status_code == 404
    key = key_in(shown(enrolled))
    after = staff.get(address("interaction", contact)).content.decode()
    assert key.hex() not in after
    assert "otpauth" not in after


def test_a_login_at_substantial_is_not_enough(cast: Cast, contact: Interaction, provider: Provider) -> None:
    setups_made = cast.desk(at=now(), claims=cast.anna)
    origin = Live(setups_made.public_id, cast.clerk_kalle)
    assert isinstance(attempt("enrol_code_app", origin=origin, parameters={}, at=now()), Granted)
    browser = ready(cast, asked(cast, contact))
    provider.next(sub="anna", acr=LOA2)
    assert OFFER not in browser.logs_in(provider)
    assert OFFER not in browser.reads()
    assert sends(browser, PAGE).status_code == 410
    assert AuthenticatorSetup.objects.get().opened_at is None


def test_a_page_on_which_nothing_was_approved_gives_nothing(cast: Cast, contact: Interaction) -> None:
    origin = Live(cast.desk(at=now(), claims=cast.anna).public_id, cast.clerk_kalle)
    assert isinstance(attempt("enrol_code_app", origin=origin, parameters={}, at=now()), Granted)
    browser = ready(cast, asked(cast, contact))
    assert browser.client.get(PAGE)["Location"] == "/c/call/"
    assert sends(browser, PAGE).status_code == 410


def test_another_customers_key_is_never_shown(cast: Cast, browser: Browser) -> None:
    origin = Live(cast.desk(at=now(), claims=cast.bea).public_id, cast.clerk_kalle)
    assert isinstance(attempt("enrol_code_app", origin=origin, parameters={}, at=now()), Granted)
    assert OFFER not in browser.reads()
    assert sends(browser, PAGE).status_code == 410


def test_after_the_call_has_ended_the_same_browser_still_gets_it_while_the_proof_counts(
    contact: Interaction, prompt: Prompt, enrolled: Browser
) -> None:
    interactions.end(contact.public_id, at=now())
    ended = Prompt.objects.get(pk=prompt.pk)
    assert own_setup.offered(ended, now())
    assert not own_setup.offered(ended, now() + timedelta(hours=23, minutes=59))
    key_in(shown(enrolled))


def test_when_the_cookie_has_run_out_nothing_is_shown(enrolled: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: later(31 * 60))
    assert enrolled.client.get(PAGE).status_code == 404


def test_who_says_afterwards_that_he_did_not_call_is_shown_no_key(prompt: Prompt, enrolled: Browser) -> None:
    answers.decline(prompt.pk, at=now())
    assert OFFER not in enrolled.reads()
    assert sends(enrolled, PAGE).status_code == 410


@pytest.mark.parametrize("stop", ["stop_enrolment", "lasting_freeze", "temporary_hold"])
def test_what_was_stopped_or_frozen_is_not_shown(
    cast: Cast, contact: Interaction, enrolled: Browser, stop: str
) -> None:
    origin = Live(contact.public_id, cast.agent_aino)
    assert isinstance(attempt(stop, origin=origin, parameters={}, at=now()), Granted)
    assert OFFER not in enrolled.reads()
    assert sends(enrolled, PAGE).status_code == 410


def test_every_step_of_the_page_follows_an_action_that_is_declared_and_is_registered_once() -> None:
    for step in page_steps._STEPS.values():
        assert not step.after or declared(step.after), step.code
        with pytest.raises(RuntimeError, match="twice"):
            page_steps.register(step)
