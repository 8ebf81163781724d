"""A customer's passkey on his own page: what it proves, what must count for nothing, and how he makes one."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils.crypto import salted_hmac

from tests.asked_by_link import ADDRESS, Browser, asked, calling, link_of, ready
from tests.cast import Cast
from tests.passkey_device import Device, base64url
from tests.passkeys_kept import enrolled
from tests.provider import Provider
from tests.staff_browser import address, now, signed_in
from tests.test_caller_page import NOT_DONE, THANKS, cast, contact, in_english, level, log, why
from verification import canonical, interactions, passkeys, prompts, relying_party
from verification.claims import claim_number
from verification.gate import Granted, Live, attempt
from verification.levels import Level
from verification.models import Evidence, Grant, Interaction, Passkey, PasskeyEnd, PasskeyUse, Prompt, PromptEnd, Signal

__all__ = ["cast", "contact", "in_english"]
BEGIN, USE, NEW, NEW_BEGIN = (f"/c/call/passkey/{end}" for end in ("begin/", "", "new/", "new/begin/"))


@pytest.fixture(autouse=True)
def offered_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the tests' own address, which the provider knows, be one on which browsers offer passkeys."""
    monkeypatch.setattr(relying_party, "possible", lambda: True)


@pytest.fixture
def hers(cast: Cast) -> Device:
    return enrolled(cast, cast.anna, Device())


def sends(browser: Browser, path: str, **form: str) -> Any:
    """Send a form with the token of this browser's page, also when the page shows no form any more."""
    cookie = browser.client.cookies["call"].value
    proof = salted_hmac("verification.caller.proof", cookie, algorithm="sha256").hexdigest()
    return browser.client.post(path, {"proof": proof, **form})


def options(browser: Browser, path: str = BEGIN) -> dict[str, Any]:
    answer = sends(browser, path)
    assert answer.status_code == 200
    found: dict[str, Any] = json.loads(answer.content)
    return found


def sent(browser: Browser, answer: str) -> str:
    """Send an authenticator's answer and return what the page says."""
    gone = sends(browser, USE, passkey=answer)
    assert gone["Location"] == "/c/call/done/"
    return str(browser.client.get(gone["Location"]).content.decode())


def proved(browser: Browser, device: Device) -> str:
    return sent(browser, device.signs(options(browser)))


def test_a_passkey_raises_the_agents_level_and_approves_exactly_what_was_shown(
    cast: Cast, contact: Interaction, hers: Device
) -> None:
    prompt = asked(cast, contact, "change_address", ADDRESS)
    assert THANKS in proved(ready(cast, prompt), hers)
    assert level(contact) is Level.SUBSTANTIAL
    seen = Evidence.objects.get(claim=prompt.claim)
    assert (seen.kind, seen.prompt, seen.approves) == ("PASSKEY", prompt, prompt.parameters_hash)
    assert seen.approves == canonical.digest("change_address", prompts.parameters_of(prompt) or {})
    assert seen.authenticated_at is not None
    assert prompt.end.outcome == "APPROVED"
    assert PasskeyUse.objects.get().counter == 1


def test_the_browser_is_asked_for_the_speakers_own_keys_and_for_his_finger(
    cast: Cast, contact: Interaction, hers: Device
) -> None:
    enrolled(cast, cast.bea, Device())
    asking = options(ready(cast, asked(cast, contact)))
    assert [each["id"] for each in asking["allowCredentials"]] == [base64url(hers.credential_id)]
    assert (asking["userVerification"], asking["rpId"]) == ("required", "testserver")
    assert len(asking["challenge"]) >= 43


def test_who_has_no_passkey_that_counts_is_offered_none(cast: Cast, contact: Interaction) -> None:
    browser = ready(cast, asked(cast, contact))
    assert "data-ceremony" not in browser.reads()
    assert sends(browser, BEGIN).status_code == 409
    enrolled(cast, cast.anna, Device(), ago=timedelta(hours=1))
    assert "data-ceremony" not in browser.reads(), "it counts after its day"


def test_a_passkey_taken_out_of_use_is_not_offered(cast: Cast, contact: Interaction, hers: Device) -> None:
    browser = ready(cast, asked(cast, contact))
    assert "data-ceremony" in browser.reads()
    taken = attempt(
        "reset_authenticator",
        origin=Live(cast.desk(at=now(), claims=cast.anna).public_id, cast.clerk_kalle),
        parameters={"which": "PASSKEY"},
        at=now(),
    )
    assert isinstance(taken, Granted)
    assert PasskeyEnd.objects.count() == 1
    assert "data-ceremony" not in browser.reads()


def test_nothing_is_begun_before_the_words(cast: Cast, contact: Interaction, hers: Device) -> None:
    asked(cast, contact)
    browser = Browser(link_of(cast.anna))
    assert "data-ceremony" not in browser.reads()
    assert sends(browser, BEGIN).status_code == 409


def test_a_page_without_the_form_token_begins_nothing(cast: Cast, contact: Interaction, hers: Device) -> None:
    browser = ready(cast, asked(cast, contact))
    assert browser.client.post(BEGIN, {}).status_code == 404
    assert browser.client.post(USE, {"passkey": "{}"}).status_code == 404


@pytest.mark.parametrize(
    ("wrong", "reason", "open_still"),
    [
        ({"origin": "http://localhost:1"}, passkeys.ORIGIN, False),
        ({"origin": "https://evil.example"}, passkeys.ORIGIN, False),
        ({"host": "evil.example"}, passkeys.HOST, False),
        ({"verified": False}, passkeys.NOT_VERIFIED, True),
        ({"key": Device().key}, passkeys.SIGNATURE, False),
        ({"credential_id": b"of nobody at all"}, passkeys.UNKNOWN, True),
    ],
)
def test_an_answer_that_is_not_right_counts_for_nothing_each_for_its_own_reason(
    cast: Cast, contact: Interaction, hers: Device, wrong: dict[str, Any], reason: str, open_still: bool
) -> None:
    prompt = asked(cast, contact)
    browser = ready(cast, prompt)
    for name, value in wrong.items():
        setattr(hers, name, value)
    assert NOT_DONE in proved(browser, hers)
    assert why() == reason
    assert level(contact) is Level.NONE
    assert PromptEnd.objects.filter(prompt=prompt).exists() is not open_still


def test_anothers_passkey_is_refused_by_name(cast: Cast, contact: Interaction, hers: Device) -> None:
    his = enrolled(cast, cast.bea, Device())
    assert NOT_DONE in proved(ready(cast, asked(cast, contact)), his)
    assert why() == "OTHER_PERSON"
    assert level(contact) is Level.NONE


def test_an_answer_counts_once_and_in_its_own_browser_only(cast: Cast, contact: Interaction, hers: Device) -> None:
    prompt = asked(cast, contact)
    browser = ready(cast, prompt)
    answer = hers.signs(options(browser))
    assert passkeys.receive(prompt, answer, browser="another", at=now()) == "BROWSER"
    assert level(contact) is Level.NONE
    interactions.end(contact.public_id, at=now())
    again = calling(cast)
    browser = ready(cast, asked(cast, again))
    answer = hers.signs(options(browser))
    assert THANKS in sent(browser, answer)
    sent(browser, answer)
    assert why() == passkeys.REPLAYED
    assert Evidence.objects.filter(kind="PASSKEY").count() == 1


def test_a_replayed_answer_is_named_as_one(cast: Cast, contact: Interaction, hers: Device) -> None:
    prompt = asked(cast, contact)
    browser = ready(cast, prompt)
    hers.verified = False
    answer = hers.signs(options(browser))
    assert NOT_DONE in sent(browser, answer)
    assert why() == passkeys.NOT_VERIFIED
    assert NOT_DONE in sent(browser, answer)
    assert why() == passkeys.REPLAYED
    hers.verified = True
    assert THANKS in proved(browser, hers), "nothing speaks against him, so he may go on"


def test_an_answer_of_another_call_is_not_of_this_one(cast: Cast, contact: Interaction, hers: Device) -> None:
    first = ready(cast, asked(cast, contact))
    answer = hers.signs(options(first))
    interactions.end(contact.public_id, at=now())
    again = calling(cast)
    assert NOT_DONE in sent(ready(cast, asked(cast, again)), answer)
    assert why() == passkeys.STATE
    assert level(again) is Level.NONE


def test_a_copied_key_is_found_by_its_counter(cast: Cast, contact: Interaction, hers: Device) -> None:
    copy = Device(key=hers.key, credential_id=hers.credential_id, counter=hers.counter)
    assert THANKS in proved(ready(cast, asked(cast, contact)), hers)
    interactions.end(contact.public_id, at=now())
    again = calling(cast)
    assert NOT_DONE in proved(ready(cast, asked(cast, again)), copy)
    assert why() == passkeys.COUNTER
    assert level(again) is Level.NONE
    assert PasskeyUse.objects.get().counter == 1


def test_a_key_that_never_counts_goes_on_working(cast: Cast, contact: Interaction, hers: Device) -> None:
    for _call in range(2):
        here = calling(cast)
        hers.counter = -1
        assert THANKS in proved(ready(cast, asked(cast, here)), hers)
        interactions.end(here.public_id, at=now())


def test_an_answer_is_good_for_five_minutes(
    cast: Cast, contact: Interaction, hers: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = ready(cast, asked(cast, contact))
    answer = hers.signs(options(browser))
    monkeypatch.setattr(passkeys, "GOOD_FOR", timedelta(seconds=-1))
    assert NOT_DONE in sent(browser, answer)
    assert why() == passkeys.LATE


@pytest.mark.parametrize("answer", ["", "{}", "[]", "null", "7", '{"id": "x"}', "{" * 30_000])
def test_what_is_no_answer_counts_for_nothing(cast: Cast, contact: Interaction, hers: Device, answer: str) -> None:
    browser = ready(cast, asked(cast, contact))
    options(browser)
    assert NOT_DONE in sent(browser, answer)
    assert why() == passkeys.MALFORMED
    assert THANKS in proved(browser, hers)


def test_an_approval_after_the_hang_up_is_an_orphan(cast: Cast, contact: Interaction, hers: Device) -> None:
    browser = ready(cast, asked(cast, contact))
    answer = hers.signs(options(browser))
    interactions.end(contact.public_id, at=now())
    assert NOT_DONE in sent(browser, answer)
    assert log()[-1] == ("prompt.orphaned", "rejected", "HANG_UP")
    assert Signal.objects.get().kind == "PROMPT_ORPHAN"
    assert not Evidence.objects.filter(claim__speaker__interaction=contact).exists()


def test_an_approval_after_the_claim_changed_is_an_orphan(cast: Cast, contact: Interaction, hers: Device) -> None:
    browser = ready(cast, asked(cast, contact))
    answer = hers.signs(options(browser))
    said = {"capacity": "SELF", "source": "STAFF", "by": cast.agent_aino, "at": now()}
    claim_number(contact.public_id, cast.bea.number, **said)
    assert NOT_DONE in sent(browser, answer)
    assert log()[-1] == ("prompt.orphaned", "rejected", "CLAIM_CHANGED")
    assert level(contact) is Level.NONE


def test_every_case_is_told_in_the_same_words(cast: Cast, hers: Device) -> None:
    said = set()
    for name, value in (("origin", "https://evil.example"), ("host", "evil.example"), ("key", Device().key)):
        here = calling(cast)
        device = Device(key=hers.key, credential_id=hers.credential_id)
        setattr(device, name, value)
        said.add(proved(ready(cast, asked(cast, here)), device))
        interactions.end(here.public_id, at=now())
    assert len(said) == 1


# --- making one -------------------------------------------------------------------------------------------------------
def at_high(cast: Cast, contact: Interaction, provider: Provider) -> tuple[Browser, Prompt]:
    """Return a customer's browser after he was asked to make a passkey and logged in at HIGH."""
    prompt = asked(cast, contact, "enrol_passkey")
    browser = ready(cast, prompt)
    provider.next(sub="anna")
    assert "Make your passkey now" in browser.logs_in(provider)
    return browser, prompt


def test_a_customer_makes_a_passkey_in_the_call_and_it_counts_after_its_day(
    cast: Cast, contact: Interaction, provider: Provider
) -> None:
    browser, _prompt = at_high(cast, contact, provider)
    device = Device()
    assert "Make your passkey" in browser.client.get(NEW).content.decode()
    asking = options(browser, NEW_BEGIN)
    assert (asking["attestation"], asking["rp"]["id"]) == ("none", "testserver")
    assert asking["authenticatorSelection"]["userVerification"] == "required"
    answer = sends(browser, NEW, passkey=device.makes(asking))
    assert "Your passkey has been made" in answer.content.decode()
    kept = Passkey.objects.get()
    assert (kept.customer, bytes(kept.public_key)) == (cast.anna.customer, device.public_key)
    assert timedelta(hours=23) < kept.effective_at - now() <= timedelta(hours=24)
    assert Grant.objects.get(action="enrol_passkey").asked_by is None


@pytest.mark.parametrize("wrong", [{"origin": "https://evil.example"}, {"host": "evil.example"}, {"verified": False}])
def test_a_key_of_another_page_or_without_his_finger_is_not_kept(
    cast: Cast, contact: Interaction, provider: Provider, wrong: dict[str, Any]
) -> None:
    browser, _prompt = at_high(cast, contact, provider)
    answer = sends(browser, NEW, passkey=Device(**wrong).makes(options(browser, NEW_BEGIN)))
    assert answer.status_code == 400
    assert not Passkey.objects.exists()


def test_no_passkey_is_made_without_being_asked_for_after_the_call_or_twice_from_one_answer(
    cast: Cast, contact: Interaction, provider: Provider
) -> None:
    plain = ready(cast, asked(cast, contact))
    provider.next(sub="anna")
    assert "Make your passkey" not in plain.logs_in(provider)
    assert sends(plain, NEW_BEGIN).status_code == 409
    interactions.end(contact.public_id, at=now())
    again = calling(cast)
    browser, _prompt = at_high(cast, again, provider)
    made = Device().makes(options(browser, NEW_BEGIN))
    assert sends(browser, NEW, passkey=made).status_code == 200
    assert sends(browser, NEW, passkey=made).status_code == 400
    later = Device().makes(options(browser, NEW_BEGIN))
    interactions.end(again.public_id, at=now())
    assert sends(browser, NEW, passkey=later).status_code == 400
    assert Passkey.objects.count() == 1


def test_the_agent_sends_the_link_for_it_and_has_nothing_to_do_afterwards(
    cast: Cast, contact: Interaction, provider: Provider
) -> None:
    agent = signed_in(cast.agent_aino)
    assert 'value="enrol_passkey"' in agent.get(address("interaction", contact)).content.decode()
    agent.post(address("prompt", contact), {"for_action": "enrol_passkey"})
    prompt = Prompt.objects.get(interaction=contact)
    assert (prompt.action, prompts.parameters_of(prompt)) == ("enrol_passkey", {})
    prompts.send_link(prompt.pk, at=now())
    provider.next(sub="anna")
    ready(cast, prompt).logs_in(provider)
    page = agent.get(address("interaction", contact)).content.decode()
    assert "He has identified himself" in page
    assert "/do/enrol_passkey/" not in page


def test_substantial_makes_no_passkey(cast: Cast, contact: Interaction, hers: Device) -> None:
    prompt = asked(cast, contact, "enrol_passkey")
    browser = ready(cast, prompt)
    said = proved(browser, hers)
    assert "Make your passkey" not in said
    assert "No passkey can be made after this way" in said
    assert sends(browser, NEW_BEGIN).status_code == 409
    assert Passkey.objects.count() == 1
