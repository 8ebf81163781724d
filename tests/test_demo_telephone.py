"""The demo's own telephone places a real call against the running site, and an agent finds it in his queue."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings as given
from django.utils import timezone
from pytest_django import Settings

from contactcentre.demo.telephone import NoAnswer, Telephone
from ivr import loopback, redirects
from tests.cast import Cast
from verification import claims, interactions, separating
from verification.models import Interaction
from verification.scene import current_claim


def pressing(*keys: str | None) -> Callable[[str], str | None]:
    rest = iter(keys)
    return lambda _prompt: next(rest)


def test_a_call_goes_through_the_menu_into_the_queue_and_ends(live_site: str, live_cast: Cast) -> None:
    heard: list[str] = []
    phone = Telephone(say=heard.append, ask=pressing("3", live_cast.antti.number, "", "0", None), base=live_site)
    phone.call()
    assert any("customer number" in line for line in heard)
    assert any("in the queue" in line for line in heard)
    call = Interaction.objects.get(channel="PHONE")
    assert call.keypad == "SKIPPED"
    assert call.ended_at is not None


def test_hanging_up_at_the_first_question_ends_the_call(live_site: str, live_cast: Cast) -> None:
    Telephone(say=lambda _line: None, ask=pressing(None), base=live_site).call()
    assert Interaction.objects.get(channel="PHONE").ended_at is not None


def test_an_agent_has_the_caller_asked_which_namesake_he_is(
    live_site: str, live_cast: Cast, settings: Settings, tmp_path: Path
) -> None:
    """The order to turn the call is a file here: the telephone finds it, and is asked on its keypad."""
    settings.DEMO, settings.DATA_DIR = True, tmp_path
    heard: list[str] = []
    keys = iter(["1", "0", "", "1704", None])

    def ask(prompt: str) -> str | None:
        key = next(keys)
        if key == "":
            by, at = live_cast.agent_aino, timezone.now()
            contact = Interaction.objects.get(channel="PHONE")
            interactions.take(contact.public_id, by=by, at=at)
            claims.claim_name(
                contact.public_id, family_name="Asiakas", given_names="Antti", capacity="SELF", by=by, at=at
            )
            redirects.turn(separating.ask(contact.public_id, by=by, at=at).pk, at=at)
        return key

    Telephone(say=heard.append, ask=ask, base=live_site).call()
    assert any("syntymäpäivänne" in line for line in heard)
    assert any("takaisin" in line for line in heard)
    assert current_claim(Interaction.objects.get()).customer == live_cast.antti.customer
    assert not list(loopback.folder().iterdir())


def test_a_site_that_is_not_there_is_one_line() -> None:
    assert given.TWILIO_AUTH_TOKEN
    with pytest.raises(NoAnswer, match="make run"):
        Telephone(say=lambda _line: None, ask=pressing(), base="http://localhost:1").call()
