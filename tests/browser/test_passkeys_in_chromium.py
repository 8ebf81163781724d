"""Passkeys in Chromium, with its virtual authenticator: a customer in his call, and one of the staff at the login."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django_otp_webauthn.models import WebAuthnCredential
from playwright.sync_api import Page

from audit.log import read
from audit.models import Entry
from contactcentre import step_up
from tests.asked_by_link import ADDRESS, asked, calling, heard, link_of, with_e_id
from tests.browser.test_staff_pages import come_in, complaints, page, sound
from tests.cast import PASSWORD, Cast
from tests.passkey_device import base64url, raw
from tests.provider import Provider
from tests.staff_browser import now
from verification import answers
from verification.gate import Granted, Live, attempt
from verification.interactions import end
from verification.levels import Level
from verification.masking import standing
from verification.models import Evidence, Grant, Interaction, Passkey, Prompt

pytestmark = [pytest.mark.browser, pytest.mark.slow]
__all__ = ["complaints", "page"]


class Authenticator:
    """Chromium's own authenticator, beside one page: what would be a finger on a sensor is a switch here."""

    def __init__(self, page: Page) -> None:
        self.session = page.context.new_cdp_session(page)
        self.session.send("WebAuthn.enable")
        terms = {
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
            "isUserVerified": True, "automaticPresenceSimulation": True,
        }  # fmt: skip
        made = self.session.send("WebAuthn.addVirtualAuthenticator", {"options": terms})
        self.name = made["authenticatorId"]

    def ask(self, what: str, **more: Any) -> Any:
        return self.session.send(f"WebAuthn.{what}", {"authenticatorId": self.name, **more})

    @property
    def credentials(self) -> list[Any]:
        """Return what it keeps, private keys too: it is nobody's."""
        found: list[Any] = self.ask("getCredentials")["credentials"]
        return found


@pytest.fixture
def authenticator(page: Page) -> Iterator[Authenticator]:
    yield Authenticator(page)


MAKE = """async ([host, user]) => {
  const made = await navigator.credentials.create({ publicKey: {
    rp: { id: host, name: "us" }, user: { id: Uint8Array.from(user), name: "anna", displayName: "Anna" },
    challenge: new Uint8Array(32), pubKeyCredParams: [{ type: "public-key", alg: -7 }],
    authenticatorSelection: { residentKey: "preferred", userVerification: "required" } } });
  return [made.rawId, made.response.getAuthenticatorData()].map((each) => [...new Uint8Array(each)]);
}"""


def kept(page: Page, site: str, cast: Cast) -> None:
    """Make a key in the browser, and bring it in through the gate from the desk, long enough ago to count."""
    page.goto(f"{site}/admin/login/")
    raw_id, data = page.evaluate(MAKE, ["localhost", list(cast.anna.customer.pseudonym.bytes)])
    credential, whole = bytes(raw_id), bytes(data)
    public_key = whole[37 + 16 + 2 + len(credential) :]
    at = now() - timedelta(hours=30)
    here = cast.desk(at=at, claims=cast.anna)
    parameters = {"credential_id": base64url(credential), "public_key": base64url(public_key)}
    assert isinstance(
        attempt("enrol_passkey", origin=Live(here.public_id, None), parameters=parameters, at=at), Granted
    )
    end(here.public_id, at=at)


@pytest.fixture
def called(live_cast: Cast, provider: Provider) -> Interaction:
    with_e_id(live_cast, now())
    return calling(live_cast)


def level(contact: Interaction) -> Level:
    return standing(Interaction.objects.get(pk=contact.pk), now())[1].level


def to_the_key(page: Page, site: str, cast: Cast, contact: Interaction) -> None:
    """Follow the link that came by message and type the words that were heard, by the keyboard."""
    prompt = asked(cast, contact, "change_address", ADDRESS)
    page.goto(f"{site}{link_of(cast.anna)}")
    page.focus("main button")
    page.keyboard.press("Enter")
    page.wait_for_selector("#words")
    page.focus("#words")
    page.keyboard.type(heard(prompt))
    page.keyboard.press("Enter")
    page.wait_for_selector("#use-passkey")


def test_a_customer_proves_himself_with_a_passkey_in_the_call_by_the_keyboard(
    live_cast: Cast, live_site: str, called: Interaction, page: Page, complaints: list[str],
    authenticator: Authenticator,
) -> None:  # fmt: skip
    kept(page, live_site, live_cast)
    to_the_key(page, live_site, live_cast, called)
    sound(page)
    page.focus("#use-passkey")
    page.keyboard.press("Enter")
    page.wait_for_url("**/c/call/done/")
    assert "Kiitos" in page.inner_text("h1")
    assert level(called) is Level.SUBSTANTIAL
    assert Evidence.objects.get(claim__speaker__interaction=called).kind == "PASSKEY"
    sound(page)
    assert not complaints


def test_without_his_finger_the_browser_sends_nothing_and_he_may_go_on_otherwise(
    live_cast: Cast, live_site: str, called: Interaction, page: Page, authenticator: Authenticator
) -> None:
    kept(page, live_site, live_cast)
    to_the_key(page, live_site, live_cast, called)
    authenticator.ask("setUserVerified", isUserVerified=False)
    page.click("#use-passkey")
    page.wait_for_selector("[data-failed]:not([hidden])")
    assert level(called) is Level.NONE
    authenticator.ask("setUserVerified", isUserVerified=True)
    page.click("#use-passkey")
    page.wait_for_url("**/c/call/done/")
    assert level(called) is Level.SUBSTANTIAL


def test_a_copied_key_is_found_by_its_counter(
    live_cast: Cast, live_site: str, called: Interaction, page: Page, authenticator: Authenticator
) -> None:
    kept(page, live_site, live_cast)
    copy = authenticator.credentials[0]
    to_the_key(page, live_site, live_cast, called)
    page.click("#use-passkey")
    page.wait_for_url("**/c/call/done/")
    end(called.public_id, at=now())
    again = calling(live_cast)
    authenticator.ask("removeCredential", credentialId=copy["credentialId"])
    authenticator.ask("addCredential", credential={**copy, "signCount": 0})
    to_the_key(page, live_site, live_cast, again)
    page.click("#use-passkey")
    page.wait_for_url("**/c/call/done/")
    assert level(again) is Level.NONE
    ended = [read(each).envelope["facts"]["reason"] for each in Entry.objects.filter(kind="prompt.ended")]
    assert ended[-1] == "PASSKEY_COUNTER"


def test_after_the_hang_up_a_passkey_proves_nothing(
    live_cast: Cast, live_site: str, called: Interaction, page: Page, authenticator: Authenticator
) -> None:
    kept(page, live_site, live_cast)
    to_the_key(page, live_site, live_cast, called)
    end(called.public_id, at=now())
    page.click("#use-passkey")
    page.wait_for_selector("[data-failed]:not([hidden])")
    assert level(called) is Level.NONE
    assert not Evidence.objects.filter(claim__speaker__interaction=called).exists()


def test_a_customer_makes_a_passkey_in_the_call(
    live_cast: Cast, live_site: str, called: Interaction, page: Page, complaints: list[str],
    authenticator: Authenticator,
) -> None:  # fmt: skip
    prompt = asked(live_cast, called, "enrol_passkey")
    page.goto(f"{live_site}{link_of(live_cast.anna)}")
    page.click("main button")
    page.fill("#words", heard(prompt))
    page.keyboard.press("Enter")
    page.wait_for_selector(".choices a.button")
    high(live_cast, called)
    page.goto(f"{live_site}/c/call/passkey/new/")
    sound(page)
    page.focus("#make-passkey")
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:has-text('luotu')")
    assert Passkey.objects.get().customer == live_cast.anna.customer
    assert bytes(Passkey.objects.get().credential_id) == raw(authenticator.credentials[0]["credentialId"].rstrip("="))
    assert Grant.objects.get(action="enrol_passkey")
    assert not complaints


def high(cast: Cast, contact: Interaction) -> None:
    """Let the bank's answer be in: the way there and back is tested elsewhere."""
    mine = Prompt.objects.get(interaction=contact)
    person = cast.anna.customer
    person.refresh_from_db()
    proof = answers.Answer("E_ID_HIGH", person.identity_mark, now(), "bank", "")
    assert answers.conclude(mine.pk, proof, at=now()) == ""


def test_one_of_the_staff_adds_a_passkey_logs_in_and_steps_up_with_it_by_the_keyboard(
    live_cast: Cast, live_site: str, page: Page, complaints: list[str], authenticator: Authenticator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    come_in(page, live_site, live_cast, "agent_aino")
    page.goto(f"{live_site}/admin/passkeys/")
    sound(page)
    page.focus("main form[action$='/passkeys/add/'] button")
    page.keyboard.press("Enter")
    page.wait_for_selector("form[data-ceremony=create] button:visible")
    sound(page)
    page.focus("form[data-ceremony=create] button")
    page.keyboard.press("Enter")
    page.wait_for_selector(".passkeys li")
    assert WebAuthnCredential.objects.get().user == live_cast.agent_aino
    page.click("#logout-form button")
    page.goto(f"{live_site}/admin/")
    page.fill("#id_username", "agent_aino")
    page.fill("#id_password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("#use-passkey:visible")
    sound(page)
    page.focus("#use-passkey")
    page.keyboard.press("Enter")
    page.wait_for_selector(".rooms")
    last = Entry.objects.filter(kind="staff.login").latest("pk")
    assert read(last).envelope["facts"] == {"factors": ["password", "passkey"]}
    monkeypatch.setattr(step_up, "GOOD_FOR", timedelta(seconds=-1))
    page.goto(f"{live_site}/admin/passkeys/")
    page.click(".passkeys button")
    page.wait_for_selector("form[data-ceremony=get] button:visible")
    sound(page)
    page.focus("form[data-ceremony=get] button")
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/login/**")  # the key that he came in with is gone, and the session with it
    assert not WebAuthnCredential.objects.exists()
    assert Entry.objects.filter(kind="staff.stepped_up").count() == 1
    assert not complaints
