"""What the agent sees of a record: nothing, masks, or the whole, by the caller's level and on the server."""

from __future__ import annotations

import pytest

from audit.models import Entry
from tests.cast import Cast
from tests.staff_browser import address, ask, gathered, now, signed_in
from verification import levels
from verification.interactions import end
from verification.levels import Level
from verification.masking import disclosed, open_record, standing

SECRETS = ("1961", "FI2112345600000785", "customer1000001@example.org", "+358401000001")


@pytest.fixture
def house(db: None) -> Cast:
    return gathered()


def seen(html: str) -> list[str]:
    closed = html.replace(" ", "")  # an account is written in groups of four
    return [secret for secret in SECRETS if secret in closed]


def test_nothing_is_shown_and_nothing_read_before_low(house: Cast) -> None:
    contact = house.call(at=now(), claims=house.antti)
    html = signed_in(house.agent_aino).post(address("record", contact)).content.decode()
    assert "Nothing can be shown yet" in html
    assert not seen(html)
    assert not Entry.objects.filter(kind="record.read").exists()


def test_masks_are_shown_at_low_and_each_opening_is_an_entry(house: Cast) -> None:
    contact = house.call(at=now(), claims=house.antti, level="LOW")
    client = signed_in(house.agent_aino)
    for count in (1, 2):
        html = client.post(address("record", contact)).content.decode()
        assert "•••••" in html
        assert not seen(html)
        assert Entry.objects.filter(kind="record.read", outcome="masked").count() == count


@pytest.mark.parametrize("level", ["SUBSTANTIAL", "HIGH"])
def test_the_whole_is_shown_only_after_a_granted_disclosure(house: Cast, level: str) -> None:
    contact, client = house.desk(at=now(), claims=house.antti, level=level), signed_in(house.clerk_kalle)
    assert not seen(client.post(address("record", contact)).content.decode())
    told = ask(client, contact, "disclose_personal_data").content.decode()
    assert len(seen(told)) == len(SECRETS)
    assert len(seen(client.post(address("record", contact)).content.decode())) == len(SECRETS)


def test_the_page_itself_and_looking_at_it_never_open_the_record(house: Cast) -> None:
    contact = house.call(at=now(), claims=house.antti, level="LOW")
    client = signed_in(house.agent_aino)
    assert not seen(client.get(address("interaction", contact)).content.decode())
    assert client.get(address("record", contact)).status_code == 405


def test_a_disclosure_sent_again_shows_nothing_a_second_time(house: Cast) -> None:
    contact, client = house.desk(at=now(), claims=house.antti), signed_in(house.clerk_kalle)
    nonce = "7f1d7c4e-6d0b-4a58-9a86-3c8d5d0b6a11"
    assert seen(ask(client, contact, "disclose_personal_data", nonce).content.decode())
    end(contact.public_id, at=now())
    assert not seen(ask(client, contact, "disclose_personal_data", nonce).content.decode())


def test_ones_own_family_is_not_opened(house: Cast) -> None:
    house.agent_aino.kin.add(house.antti.customer)
    contact = house.call(at=now(), claims=house.antti, level="LOW")
    html = signed_in(house.agent_aino).post(address("record", contact)).content.decode()
    assert "•••••" not in html


def test_who_does_not_serve_the_contact_opens_no_record(house: Cast) -> None:
    contact = house.call(at=now(), claims=house.antti, level="LOW", by="agent_aino")
    assert open_record(contact.public_id, by=house.agent_arvo, at=now()) == {}
    assert not Entry.objects.filter(kind="record.read").exists()
    assert open_record(contact.public_id, by=house.agent_aino, at=now())


def test_what_was_disclosed_is_masked_again_when_the_level_is_gone(house: Cast) -> None:
    contact, client = house.desk(at=now(), claims=house.antti), signed_in(house.clerk_kalle)
    assert seen(ask(client, contact, "disclose_personal_data").content.decode())
    claim, reached = standing(contact, now())
    assert claim is not None
    assert disclosed(claim, reached, now())
    assert not disclosed(claim, levels.Held(Level.LOW, reached.until), now())
    assert not disclosed(claim, levels.NOTHING, now())
