"""Accounts and imports: nobody chooses another's password or changes his own account; two people carry a file in."""

from __future__ import annotations

import json
from base64 import b32decode
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from audit.models import Entry
from contactcentre.logs import redacted
from tests.cast import PASSWORD, Cast, number, rows, totp
from tests.staff_browser import gathered, now, signed_in
from verification.accounts import in_use, set_active
from verification.models import Batch, Customer, Staff

WORD = "seven quiet lakes at dawn"


@pytest.fixture
def house(db: None) -> Cast:
    return gathered()


def at(name: str, *more: Any) -> str:
    return reverse(f"admin:verification_{name}", args=more)


def shown(answer: Any) -> str:
    html = str(answer.content, "utf-8")
    return html.split('<code class="link-once">')[1].split("</code>", maxsplit=1)[0].replace("http://testserver", "")


def link_for(house: Cast, staff: Staff) -> str:
    """Return the link of a new account, or of one whose reset two administrators have carried out."""
    first, second = signed_in(house.administrator), signed_in(house.administrator2)
    if not in_use(staff):
        return shown(first.post(at("staff_link", staff.pk)))
    asked = first.post(at("staff_propose", staff.pk), {"kind": "RESET", "because": "The telephone is lost"})
    return shown(second.post(asked.headers["Location"].replace("/change/", "/approve/")))


def set_up(client: Client, link: str) -> Any:
    page = client.get(link, follow=True)
    assert page.redirect_chain[-1][0] == "/admin/set-up/"
    key = b32decode(page.context["key"].replace(" ", ""))
    return client.post("/admin/set-up/", {"password": WORD, "again": WORD, "token": totp(key, now())})


def test_a_new_account_is_set_up_by_its_owner_through_a_link_that_works_once(house: Cast) -> None:
    form = {"username": "uusi", "first_name": "Uuno", "last_name": "Uusi", "email": "", "role": "AGENT"}
    signed_in(house.administrator).post(at("staff_add"), form)
    opened = Staff.objects.get(username="uusi")
    assert not opened.has_usable_password()
    assert opened.organisation == house.organisation
    link, client = link_for(house, opened), Client()
    assert set_up(client, link).headers["Location"] == "/admin/login/"
    assert client.post("/admin/login/", {"username": "uusi", "password": WORD}).status_code == 302
    again = Client().get(link, follow=True).content.decode()
    assert "<form method" not in again.split("<main")[1]
    kinds = set(Entry.objects.filter(subject_ref=opened.actor).values_list("kind", flat=True))
    assert {"staff.account_opened", "staff.set_up_link_made", "staff.set_up"} <= kinds


def test_a_reset_voids_the_old_password_and_makes_the_account_young(house: Cast) -> None:
    link_for(house, house.supervisor)
    again = Staff.objects.get(pk=house.supervisor.pk)
    assert not again.has_usable_password()
    assert not again.totpdevice_set.exists()
    assert not again.seasoned(now())


@pytest.mark.parametrize("page", ["staff_link", "staff_active", "staff_kin", "staff_propose"])
def test_nobody_changes_his_own_account(house: Cast, page: str) -> None:
    signed_in(house.administrator).post(at(page, house.administrator.pk), {"number": house.antti.number})
    mine = Staff.objects.get(pk=house.administrator.pk)
    assert mine.has_usable_password()
    assert mine.is_active
    assert not mine.kin.exists()


@pytest.mark.parametrize("page", ["staff_link", "staff_active", "staff_kin", "staff_propose"])
@pytest.mark.parametrize("who", ["agent_aino", "clerk_kalle", "supervisor", "auditor"])
def test_accounts_are_the_administrators_work(house: Cast, who: str, page: str) -> None:
    assert signed_in(house.staff[who]).post(at(page, house.agent_arvo.pk)).status_code == 403


def test_a_role_is_not_changed_by_a_form(house: Cast) -> None:
    form = {"username": "agent_arvo", "role": "SUPERVISOR", "password": "x"}
    signed_in(house.administrator).post(at("staff_change", house.agent_arvo.pk), form)
    assert Staff.objects.get(pk=house.agent_arvo.pk).role == "AGENT"


def test_a_closed_account_is_opened_again(house: Cast) -> None:
    for expected in (False, True):
        signed_in(house.administrator).post(at("staff_active", house.agent_arvo.pk))
        assert Staff.objects.get(pk=house.agent_arvo.pk).is_active is expected


def test_kin_are_noted_in_the_same_words_whether_or_not_they_are_customers(house: Cast) -> None:
    told = []
    for wanted in (house.antti.number, number(7777777)):
        answer = signed_in(house.administrator).post(
            at("staff_kin", house.agent_arvo.pk), {"number": wanted}, follow=True
        )
        told.append([str(message) for message in answer.context["messages"]])
    assert told[0] == told[1]
    assert house.agent_arvo.kin.get() == house.antti.customer


def prepared(house: Cast, content: bytes) -> Any:
    file = SimpleUploadedFile("customers.json", content, content_type="application/json")
    return signed_in(house.administrator).post(at("batch_prepare"), {"file": file}, follow=True)


def test_a_file_is_prepared_by_one_and_carried_in_by_another(house: Cast) -> None:
    row = {**rows(now())["antti"], "number": number(2000001)}
    html = prepared(house, json.dumps({"customers": [row]}).encode()).content.decode()
    batch = Batch.objects.latest("pk")
    assert "another person approves it" in html
    assert "Asiakas" not in html
    signed_in(house.administrator).post(at("batch_approve", batch.pk))
    assert not Customer.objects.filter(number=row["number"]).exists()
    answer = signed_in(house.supervisor).post(at("batch_approve", batch.pk), follow=True)
    assert "Carried in: 1" in answer.content.decode()
    assert Customer.objects.filter(number=row["number"]).exists()


@pytest.mark.parametrize("content", [b"", b"not json", b'{"customers": [{"number": "1"}]}', b"\x00" * 100])
def test_a_file_that_is_not_in_order_is_said_row_by_row_and_not_kept(house: Cast, content: bytes) -> None:
    before = Batch.objects.count()
    assert prepared(house, content).status_code == 200
    assert Batch.objects.count() == before


@pytest.mark.parametrize("ending", ["", "/", "/more", "//"])
def test_a_link_is_never_carried_into_a_log_or_another_address(house: Cast, ending: str) -> None:
    word = link_for(house, house.agent_aino).rstrip("/").rsplit("/", 1)[1]
    assert word not in redacted(f"Forbidden (CSRF cookie not set.): /admin/set-up/{word}{ending}")
    for client in (Client(), signed_in(house.agent_arvo)):
        answer = client.get(f"/admin/set-up/{word}{ending}")
        assert word not in answer.headers.get("Location", "")
        assert client.get(answer.headers["Location"]).status_code == 200


def test_a_link_without_its_last_slash_opens_the_same_page(house: Cast) -> None:
    link = link_for(house, house.agent_aino)
    assert set_up(Client(), link.rstrip("/")).headers["Location"] == "/admin/login/"


def test_a_changed_password_is_an_entry_and_a_refused_change_is_none(house: Cast) -> None:
    client = signed_in(house.agent_aino)
    asked = {"old_password": "wrong", "new_password1": WORD, "new_password2": WORD}
    assert client.post("/admin/password_change/", asked).status_code == 200
    assert not Entry.objects.filter(kind="staff.password_changed").exists()
    assert client.post("/admin/password_change/", {**asked, "old_password": PASSWORD}).status_code == 302
    entry = Entry.objects.get(kind="staff.password_changed")
    assert (entry.subject_ref, entry.actor) == (house.agent_aino.actor, house.agent_aino.actor)
    assert entry.org == str(house.organisation.pk)


def test_an_account_that_is_opened_again_is_young_again(house: Cast) -> None:
    moment = now()
    set_active(house.supervisor, True, by=house.administrator, at=moment)
    assert Staff.objects.get(username="supervisor").seasoned(moment), "it was open: nothing has changed"
    set_active(house.supervisor, False, by=house.administrator, at=moment)
    set_active(house.supervisor, True, by=house.administrator, at=moment)
    woken = Staff.objects.get(username="supervisor")
    assert woken.is_active
    assert not woken.seasoned(moment), "who wakes an account of somebody who left gains no second pair of hands"
