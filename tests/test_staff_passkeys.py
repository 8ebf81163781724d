"""Passkeys of the staff beside the code app, and the second factor asked for again before what weighs most."""

from __future__ import annotations

import html
import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import resolve, reverse
from django_otp_webauthn.models import WebAuthnAttestation, WebAuthnCredential

from audit.log import read
from audit.models import Entry
from contactcentre import staff_passkeys, step_up
from contactcentre.login import PROVED_AT
from notices.models import Notice
from tests.cast import Cast
from tests.passkey_device import Device, base64url
from tests.staff_browser import gathered, now, signed_in
from tests.test_staff_login import SECOND, kinds, password
from verification import accounts
from verification.models import Staff

MINE, ADD = "/admin/passkeys/", "/admin/passkeys/add/"


@pytest.fixture
def house(db: None) -> Cast:
    return gathered()


@pytest.fixture(autouse=True)
def on_this_machine(settings: Any) -> None:
    """Serve on an address on which browsers offer passkeys."""
    settings.PUBLIC_URL = "http://localhost:8000"


def asked(answer: Any) -> dict[str, Any]:
    """Return what the page asks the browser for."""
    found = re.search(r'data-options="([^"]*)"', answer.content.decode())
    assert found, "the page asks for no passkey"
    options: dict[str, Any] = json.loads(html.unescape(found[1]))
    return options


def with_passkey(who: Staff, **terms: Any) -> Device:
    """Let somebody add a passkey on his page."""
    browser, made = signed_in(who), Device(**terms)
    answer = browser.post(ADD, {"passkey": made.makes(asked(browser.post(ADD)))})
    assert answer.headers["Location"] == MINE
    return made


def at_second_step(name: str = "agent_aino") -> Client:
    client = Client()
    client.cookies["language"] = "en"
    password(client, name)
    return client


def test_a_passkey_is_added_noted_and_told_and_logs_its_owner_in(house: Cast) -> None:
    Staff.objects.filter(pk=house.agent_aino.pk).update(email="aino@example.org")
    mine = with_passkey(house.agent_aino)
    assert WebAuthnCredential.objects.get().user == house.agent_aino
    assert Entry.objects.get(kind="staff.passkey_added").outcome == "ok"
    assert Notice.objects.get(about="staff_passkey").channel == "EMAIL"
    client = at_second_step()
    answer = client.post(SECOND, {"passkey": mine.signs(asked(client.get(SECOND)))})
    assert answer.status_code == 302
    assert client.get(MINE).status_code == 200
    last = Entry.objects.filter(kind="staff.login").latest("pk")
    assert read(last).envelope["facts"] == {"factors": ["password", "passkey"]}
    assert client.session[PROVED_AT]


def test_the_second_step_asks_for_user_verification_and_for_ones_own_keys_only(house: Cast) -> None:
    hers = with_passkey(house.agent_aino)
    with_passkey(house.agent_arvo)
    options = asked(at_second_step().get(SECOND))
    assert options["userVerification"] == "required"
    assert options["rpId"] == "localhost"
    assert [each["id"] for each in options["allowCredentials"]] == [base64url(hers.credential_id)]


def test_the_code_stays_beside_the_passkey_and_who_has_none_is_asked_for_a_code_alone(house: Cast) -> None:
    assert "data-options" not in at_second_step().get(SECOND).content.decode()
    with_passkey(house.agent_aino)
    client = at_second_step()
    assert "data-options" in client.get(SECOND).content.decode()
    assert client.post(SECOND, {"token": house.staff_code("agent_aino")}).status_code == 302


@pytest.mark.parametrize(
    "wrong", [{"verified": False}, {"origin": "http://localhost:1"}, {"host": "evil.example"}, {"counter": -1}]
)
def test_an_answer_that_is_not_right_lets_nobody_in_and_is_an_entry(house: Cast, wrong: dict[str, Any]) -> None:
    mine = with_passkey(house.agent_aino, counter=5)
    for name, value in wrong.items():
        setattr(mine, name, value)
    client = at_second_step()
    answer = client.post(SECOND, {"passkey": mine.signs(asked(client.get(SECOND)))})
    assert "The passkey was not accepted" in answer.content.decode()
    assert "_auth_user_id" not in client.session
    assert kinds()[-1] == "staff.passkey_failed"


def test_anothers_passkey_opens_nothing(house: Cast) -> None:
    with_passkey(house.agent_aino)
    his = with_passkey(house.agent_arvo)
    client = at_second_step()
    client.post(SECOND, {"passkey": his.signs(asked(client.get(SECOND)))})
    assert "_auth_user_id" not in client.session


def test_an_answer_counts_once_and_for_five_minutes(house: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = with_passkey(house.agent_aino)
    client = at_second_step()
    sent = mine.signs(asked(client.get(SECOND)))
    assert client.post(SECOND, {"passkey": sent}).status_code == 302
    again = at_second_step()
    again.get(SECOND)
    assert again.post(SECOND, {"passkey": sent}).status_code == 200
    late = at_second_step()
    sent = mine.signs(asked(late.get(SECOND)))
    monkeypatch.setattr(staff_passkeys, "GOOD_FOR", timedelta(seconds=-1))
    assert late.post(SECOND, {"passkey": sent}).status_code == 200


@pytest.mark.parametrize("sent", ["{}", "nothing", "[]", '{"id": "x"}', "null", "9", "{" * 30_000])
def test_what_is_no_answer_lets_nobody_in(house: Cast, sent: str) -> None:
    with_passkey(house.agent_aino)
    client = at_second_step()
    client.get(SECOND)
    assert client.post(SECOND, {"passkey": sent}).status_code == 200
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize("wrong", [{"verified": False}, {"origin": "https://evil.example"}, {"host": "evil.example"}])
def test_a_key_without_its_owners_finger_or_of_another_page_is_not_kept(house: Cast, wrong: dict[str, Any]) -> None:
    with_passkey(house.agent_aino, **wrong)
    assert not WebAuthnCredential.objects.exists()
    assert not Entry.objects.filter(kind="staff.passkey_added").exists()


def test_the_same_key_is_not_kept_twice(house: Cast) -> None:
    mine = with_passkey(house.agent_aino)
    browser = signed_in(house.agent_arvo)
    browser.post(ADD, {"passkey": mine.makes(asked(browser.post(ADD)))})
    assert WebAuthnCredential.objects.get().user == house.agent_aino


def test_a_passkey_is_removed_by_its_owner_alone_and_he_is_told(house: Cast) -> None:
    Staff.objects.filter(pk=house.agent_aino.pk).update(email="aino@example.org")
    with_passkey(house.agent_aino)
    path = reverse("admin:passkey_remove", args=[WebAuthnCredential.objects.get().pk])
    signed_in(house.agent_arvo).post(path)
    assert WebAuthnCredential.objects.exists()
    assert "The passkey is removed" in signed_in(house.agent_aino).post(path, follow=True).content.decode()
    assert not WebAuthnCredential.objects.exists()
    assert Entry.objects.filter(kind="staff.passkey_removed").count() == 1
    assert Notice.objects.filter(about="staff_passkey").count() == 2


def test_a_reset_takes_the_passkeys_too(house: Cast) -> None:
    with_passkey(house.agent_aino)
    accounts.reset(house.agent_aino, actor="system:break_glass", at=now())
    assert not WebAuthnCredential.objects.exists()


def test_the_keys_have_no_admin_page(house: Cast) -> None:
    assert not any(admin.site.is_registered(model) for model in (WebAuthnCredential, WebAuthnAttestation))


# --- the second factor again ------------------------------------------------------------------------------------------
WEIGHTY = {
    "admin:passkey_add": ADD,
    "admin:passkey_remove": "/admin/passkeys/1/remove/",
    "admin:proposal_approve": "/admin/cases/proposals/00000000-0000-4000-8000-000000000000/approve/",
    "admin:verification_batch_approve": "/admin/verification/batch/1/approve/",
    "admin:verification_staff_link": "/admin/verification/staff/1/link/",
    "admin:verification_staffchange_approve": "/admin/verification/staffchange/1/approve/",
}


def stale(who: Staff, minutes: float = 11) -> Client:
    """Return a browser whose second factor was given so long ago."""
    client = signed_in(who)
    session = client.session
    session[PROVED_AT] = (now() - timedelta(minutes=minutes)).isoformat()
    session.save()
    return client


def test_every_weighty_page_stands_in_this_list() -> None:
    assert set(WEIGHTY) == step_up.SENSITIVE
    assert all(resolve(path).view_name == name for name, path in WEIGHTY.items())


@pytest.mark.parametrize("path", WEIGHTY.values())
def test_a_weighty_page_asks_again_after_ten_minutes_and_keeps_the_form(house: Cast, path: str) -> None:
    client = stale(house.administrator)
    form = {"because": 'it is "urgent" & <right>', "several": ["a", "b"]}
    answer = client.post(path, form)
    said = answer.content.decode()
    assert answer.status_code == 403
    assert "ask for your second factor again" in said
    for name, value in [("because", form["because"]), ("several", "a"), ("several", "b")]:
        assert f'name="{name}" value="{html.escape(str(value))}"' in said
    passed = client.post(path, {**form, "step_up_token": house.staff_code("administrator")})
    assert "ask for your second factor again" not in passed.content.decode()
    assert Entry.objects.filter(kind="staff.stepped_up").count() == 1
    assert "ask for your second factor again" not in client.post(path, form).content.decode()


@pytest.mark.parametrize("path", WEIGHTY.values())
def test_a_wrong_code_or_none_lets_no_weighty_form_through(house: Cast, path: str) -> None:
    client = stale(house.administrator)
    for sent in ({"step_up_token": "000000"}, {"step_up_passkey": "{}"}, {"step_up_token": "", "step_up_passkey": ""}):
        assert client.post(path, sent).status_code == 403
    assert not Entry.objects.filter(kind="staff.stepped_up").exists()


def test_a_session_that_never_noted_its_second_factor_is_asked(house: Cast) -> None:
    client = signed_in(house.administrator)
    session = client.session
    del session[PROVED_AT]
    session.save()
    assert client.post(ADD).status_code == 403


@pytest.mark.parametrize(("minutes", "good"), [(0, True), (10, True), (10.01, False), (-1, False)])
def test_ten_minutes_are_counted_from_the_second_factor(minutes: float, good: bool) -> None:
    at = now()
    assert step_up.fresh({PROVED_AT: (at - timedelta(minutes=minutes)).isoformat()}, at) is good


def test_a_passkey_steps_up_too_and_the_operation_runs_in_the_same_step(house: Cast) -> None:
    mine = with_passkey(house.agent_aino)
    client = stale(house.agent_aino)
    path = reverse("admin:passkey_remove", args=[WebAuthnCredential.objects.get().pk])
    options = asked(client.post(path))
    client.post(path, {"step_up_passkey": mine.signs(options)})
    assert not WebAuthnCredential.objects.exists()
    assert read(Entry.objects.get(kind="staff.stepped_up")).envelope["facts"] == {"factors": ["passkey"]}


def test_anothers_code_does_not_step_up(house: Cast) -> None:
    answer = stale(house.agent_aino).post(ADD, {"step_up_token": house.staff_code("agent_arvo")})
    assert answer.status_code == 403


def test_who_is_not_logged_in_is_sent_to_the_login_and_not_asked(house: Cast) -> None:
    assert Client().post(ADD).headers["Location"].startswith("/admin/login/")
    assert signed_in(house.agent_aino, second_factor=False).post(ADD).headers["Location"].startswith("/admin/login/")


def test_a_weighty_form_without_the_form_token_is_refused_before_anything_is_asked(house: Cast) -> None:
    client = signed_in(house.agent_aino, enforce_csrf_checks=True)
    assert "second factor" not in client.post(ADD).content.decode()
