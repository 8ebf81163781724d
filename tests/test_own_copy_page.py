"""The copy of his data on the customer's own page: a file, once, minutes after a strong login, and to himself only."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from django.utils import timezone

from audit.models import Entry
from cases import exports
from cases.models import Export
from tests.actions_asked import VALID
from tests.asked_by_link import Browser, asked, calling, later, ready
from tests.cast import Cast
from tests.provider import LOA2, Provider
from tests.staff_browser import now
from tests.test_caller_page import cast, contact, in_english
from tests.test_passkeys import sends
from verification import answers, interactions
from verification.gate import Granted, Live, attempt
from verification.models import Interaction, Prompt

__all__ = ["cast", "contact", "in_english"]
PAGE, OFFER, ACTION = "/c/call/copy/", "Your copy of the data", "data_subject_export"


@pytest.fixture
def prompt(cast: Cast, contact: Interaction) -> Prompt:
    return asked(cast, contact, ACTION, VALID[ACTION])


@pytest.fixture
def browser(cast: Cast, contact: Interaction, prompt: Prompt, provider: Provider) -> Browser:
    """Anna's browser after she approved the copy, and a worker has prepared it."""
    here = ready(cast, prompt)
    provider.next(sub="anna")
    assert OFFER not in here.logs_in(provider)
    origin = Live(contact.public_id, cast.agent_aino)
    decided = attempt(ACTION, origin=origin, parameters=VALID[ACTION], at=now())
    assert isinstance(decided, Granted), decided
    assert OFFER not in here.reads(), "it is not prepared yet"
    prepared()
    return here


def prepared() -> None:
    for export_id in exports.due(now()):
        exports.move(export_id, at=now())


def nothing_is_given(browser: Browser) -> None:
    assert OFFER not in browser.reads()
    assert browser.client.get(PAGE).status_code == 302
    answer = sends(browser, PAGE)
    assert answer.status_code == 410
    assert "Content-Disposition" not in answer
    assert not Export.objects.filter(state=Export.State.OPENED).exists()


def test_the_prepared_copy_is_offered_and_downloaded_as_a_file_once(cast: Cast, browser: Browser) -> None:
    assert OFFER in browser.reads()
    for look in (browser.client.get, browser.client.head):
        assert look(PAGE).status_code == 200
    answer = sends(browser, PAGE)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json"
    assert answer["Content-Disposition"] == 'attachment; filename="own-data.json"'
    assert answer["Cache-Control"] == "no-store"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert json.loads(answer.content)["record"]["number"] == cast.anna.number
    assert Entry.objects.filter(kind="export.opened").count() == 1
    assert sends(browser, PAGE).status_code == 410
    assert OFFER not in browser.reads()
    assert Entry.objects.filter(kind="export.opened").count() == 1


def test_a_later_contact_at_substantial_opens_it_too(
    cast: Cast, contact: Interaction, browser: Browser, provider: Provider
) -> None:
    interactions.end(contact.public_id, at=now())
    again = ready(cast, asked(cast, calling(cast)))
    provider.next(sub="anna", acr=LOA2)
    assert OFFER in again.logs_in(provider)
    assert sends(again, PAGE).status_code == 200


def test_nobody_else_gets_it(cast: Cast, browser: Browser, provider: Provider) -> None:
    other = ready(cast, asked(cast, calling(cast, person="bea")), "bea")
    provider.next(sub="bea")
    assert OFFER not in other.logs_in(provider)
    nothing_is_given(other)
    assert Client().post(PAGE).status_code == 404
    assert browser.client.post(PAGE, {"proof": "0" * 64}).status_code == 404


def test_a_login_of_eleven_minutes_ago_is_too_old(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: later(11 * 60))
    nothing_is_given(browser)


def test_after_the_call_it_is_closed(contact: Interaction, browser: Browser) -> None:
    interactions.end(contact.public_id, at=now())
    nothing_is_given(browser)


def test_who_says_afterwards_that_he_did_not_call_gives_it_to_nobody(prompt: Prompt, browser: Browser) -> None:
    answers.decline(prompt.pk, at=now())
    nothing_is_given(browser)
