"""Which role may open which page: every address of the staff's site, for every role and for nobody."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import get_resolver, reverse
from django_otp.plugins.otp_totp.models import TOTPDevice

from tests.cast import Cast
from tests.staff_browser import ROLES, address, ask, gathered, now, signed_in
from verification.interactions import end, open_call, wait
from verification.models import Authenticator, Claim, Customer, Grant, Interaction

SERVING = {"AGENT", "CLERK", "SUPERVISOR"}
PAGES = {
    "queue": SERVING, "queue_rows": SERVING, "audit_entry_changelist": {"AUDITOR"},
    "verification_staff_changelist": {"ADMINISTRATOR"}, "verification_staff_add": {"ADMINISTRATOR"},
    "verification_staffchange_changelist": {"ADMINISTRATOR"}, "verification_staffchange_add": set(),
    "verification_batch_changelist": {"ADMINISTRATOR", "SUPERVISOR"},
    "verification_batch_prepare": {"ADMINISTRATOR", "SUPERVISOR"}, "verification_batch_add": set(),
}  # fmt: skip
ON_A_CONTACT = ("take", "claim_number", "claim_name", "record", "speak", "hand_back", "end")


@pytest.fixture
def house(db: None) -> Cast:
    return gathered()


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("role", [*ROLES, None])
def test_a_page_opens_to_its_roles_only(house: Cast, role: str | None, page: str) -> None:
    client = signed_in(house.staff[ROLES[role]]) if role else Client()
    status = client.get(reverse(f"admin:{page}")).status_code
    assert status == (302 if role is None else 200 if role in PAGES[page] else 403)


@pytest.mark.parametrize("role", ROLES)
def test_each_role_begins_in_a_room_that_is_open_to_it(house: Cast, role: str) -> None:
    client = signed_in(house.staff[ROLES[role]])
    assert client.get("/admin/", follow=True).status_code == 200


@pytest.mark.parametrize("name", ON_A_CONTACT)
@pytest.mark.parametrize("role", ["AUDITOR", "ADMINISTRATOR", None])
def test_who_serves_nobody_can_do_nothing_in_a_contact(house: Cast, role: str | None, name: str) -> None:
    contact = house.call(at=now())
    client = signed_in(house.staff[ROLES[role]]) if role else Client()
    answer = client.post(address(name, contact), {})
    assert answer.status_code == (403 if role else 302)
    assert Interaction.objects.get(pk=contact.pk).ended_at is None


@pytest.mark.parametrize("name", [name for name in ON_A_CONTACT if name != "take"])
def test_only_the_one_who_serves_a_contact_acts_in_it(house: Cast, name: str) -> None:
    contact = house.call(at=now(), by="agent_aino")
    for other in ("agent_arvo", "clerk_kalle", "supervisor"):
        assert signed_in(house.staff[other]).post(address(name, contact), {}).status_code == 403
    assert ask(signed_in(house.agent_arvo), contact, "temporary_hold").status_code == 403


def test_a_colleagues_contact_is_seen_by_the_supervisor_without_the_record(house: Cast) -> None:
    contact = house.call(at=now(), claims=house.antti, level="LOW", by="agent_aino")
    assert signed_in(house.agent_arvo).get(address("interaction", contact)).status_code == 403
    html = signed_in(house.supervisor).get(address("interaction", contact)).content.decode()
    assert "A colleague serves this contact" in html
    assert address("record", contact) not in html
    assert "Asiakas" not in html


def test_a_waiting_contact_can_be_looked_at_but_not_once_it_has_ended(house: Cast) -> None:
    contact = open_call(house.organisation, line="", language="fi", at=now())
    wait(contact.public_id, keypad="SKIPPED", at=now())
    client = signed_in(house.agent_aino)
    assert client.get(address("interaction", contact)).status_code == 200
    end(contact.public_id, at=now())
    assert client.get(address("interaction", contact)).status_code == 403


def test_another_organisations_contact_is_not_there(house: Cast) -> None:
    contact = house.call(at=now())
    from verification.models import Organisation

    house.agent_aino.organisation = Organisation.objects.create(name="Toinen Oy")
    house.agent_aino.save()
    assert signed_in(house.agent_aino).get(address("interaction", contact)).status_code == 404


@pytest.mark.parametrize("model", [Customer, Authenticator, Claim, Grant, Interaction, TOTPDevice, Group])
def test_nobody_browses_customers_secrets_or_decisions(model: Any) -> None:
    assert not admin.site.is_registered(model)


def test_no_address_of_the_site_lists_customers(house: Cast) -> None:
    names = {str(key) for key in get_resolver("contactcentre.urls").namespace_dict["admin"][1].reverse_dict}
    assert not any("customer" in name for name in names)
    for who in ROLES.values():
        client = signed_in(house.staff[who])
        assert client.get("/admin/verification/customer/").status_code == 404
        assert client.get(
            "/admin/autocomplete/?app_label=verification&model_name=staff&field_name=kin"
        ).status_code in (
            403,
            404,
        )


def test_a_superusers_flag_opens_nothing(house: Cast) -> None:
    house.agent_aino.is_superuser = True
    house.agent_aino.save()
    client = signed_in(house.agent_aino)
    assert client.get(reverse("admin:verification_staff_changelist")).status_code == 403
    assert client.get(reverse("admin:audit_entry_changelist")).status_code == 403


def test_error_pages_are_kind_in_every_language_and_show_no_stack(house: Cast) -> None:
    for language, words in (("fi", "Tällaista sivua ei ole"), ("sv", "Sidan finns inte"), ("en", "no such page")):
        answer = Client(headers={"accept-language": language}).get(f"/nowhere/{uuid4()}")
        assert answer.status_code == 404
        assert words in answer.content.decode()
        assert b"Traceback" not in answer.content
