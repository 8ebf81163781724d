"""The demo's own telephone places a real call against the running site, and an agent finds it in his queue."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.conf import settings

from contactcentre.demo.telephone import NoAnswer, Telephone
from tests.cast import Cast
from verification.models import Interaction


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


def test_a_site_that_is_not_there_is_one_line() -> None:
    assert settings.TWILIO_AUTH_TOKEN
    with pytest.raises(NoAnswer, match="make run"):
        Telephone(say=lambda _line: None, ask=pressing(), base="http://localhost:1").call()
