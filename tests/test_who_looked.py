"""The customer sees who has looked at his data: when, why and in which role, on his own page and nowhere else."""

from __future__ import annotations

import pytest

from audit import looks
from audit.models import Entry
from tests.asked_by_link import Browser, asked, calling, ready
from tests.cast import Cast
from tests.provider import LOA2, Provider
from tests.staff_browser import now
from tests.test_caller_page import cast, contact, in_english
from verification import masking, own_looks
from verification.gate import Granted, Live, attempt
from verification.models import Interaction

__all__ = ["cast", "contact", "in_english"]
PAGE, OFFER = "/c/call/looks/", "Who has looked at your data"


@pytest.fixture
def browser(cast: Cast, contact: Interaction) -> Browser:
    return ready(cast, asked(cast, contact))


def test_he_reads_when_why_and_in_which_role_but_no_name(
    cast: Cast, contact: Interaction, browser: Browser, provider: Provider
) -> None:
    provider.next(sub="anna", acr=LOA2)
    said = browser.logs_in(provider)
    assert OFFER in said
    assert "you can close this page" in said, "looking is offered; nothing waits for him"
    masking.open_record(contact.public_id, by=cast.agent_aino, at=now())
    origin = Live(contact.public_id, cast.agent_aino)
    assert isinstance(attempt("disclose_personal_data", origin=origin, parameters={}, at=now()), Granted)
    masking.open_record(contact.public_id, by=cast.agent_aino, at=now())
    said = browser.client.get(PAGE).content.decode()
    assert said.count("<time ") == 3
    assert said.count("We opened your record to serve you in a contact of yours.") == 2
    assert said.count("Only the first letters were shown.") == 1, "before the disclosure was granted"
    assert "We went through your data with the person who proved to be you." in said
    assert said.count("agent") == 3
    for hidden in (cast.agent_aino.username, str(cast.agent_aino.pseudonym), "Aino"):
        assert hidden not in said


def test_his_reading_is_an_entry_of_its_own_and_no_look_of_ours(
    cast: Cast, contact: Interaction, browser: Browser, provider: Provider
) -> None:
    provider.next(sub="anna", acr=LOA2)
    browser.logs_in(provider)
    for _time in range(2):
        assert "Nobody has opened your data." in browser.client.get(PAGE).content.decode()
    read = Entry.objects.filter(kind="looks.read", subject_ref=str(cast.anna.customer.pseudonym))
    assert [entry.actor for entry in read] == [f"customer:{cast.anna.customer.pseudonym}"] * 2


def test_it_is_shown_to_nobody_who_has_not_proved_himself(cast: Cast, contact: Interaction, browser: Browser) -> None:
    assert OFFER not in browser.reads()
    assert browser.client.get(PAGE).status_code == 302
    assert not Entry.objects.filter(kind="looks.read").exists()


def test_another_person_sees_his_own_list_only(
    cast: Cast, contact: Interaction, browser: Browser, provider: Provider
) -> None:
    provider.next(sub="anna", acr=LOA2)
    browser.logs_in(provider)
    masking.open_record(contact.public_id, by=cast.agent_aino, at=now())
    other = ready(cast, asked(cast, calling(cast, person="bea")), "bea")
    provider.next(sub="bea", acr=LOA2)
    other.logs_in(provider)
    assert "Nobody has opened your data." in other.client.get(PAGE).content.decode()


def test_no_more_than_the_newest_are_shown_and_none_from_before(
    cast: Cast, contact: Interaction, browser: Browser, provider: Provider
) -> None:
    provider.next(sub="anna", acr=LOA2)
    browser.logs_in(provider)
    for _time in range(3):
        masking.open_record(contact.public_id, by=cast.agent_aino, at=now())
    subject = str(cast.anna.customer.pseudonym)
    assert len(looks.at_subject(subject, since=now() - own_looks.SHOWN_FOR, most=2)) == 2
    assert looks.at_subject(subject, since=now()) == []
