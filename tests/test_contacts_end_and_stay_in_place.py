"""A contact at the desk stays behind it, and what a call had reached ends with the call."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.cast import NOW, Cast
from tests.phone_line import Line, now
from tests.staff_browser import signed_in
from verification import interactions
from verification.gate import Live, Refused, attempt
from verification.levels import Level
from verification.masking import standing

pytestmark = pytest.mark.django_db


def test_an_agent_does_not_take_a_contact_at_the_desk(cast: Cast) -> None:
    contact = cast.desk(at=NOW, claims=cast.antti)
    interactions.hand_back(contact.public_id, by=cast.clerk_kalle, at=NOW)
    with pytest.raises(interactions.NotBehindDesk):
        interactions.take(contact.public_id, by=cast.agent_arvo, at=NOW)
    contact.refresh_from_db()
    assert contact.served_by is None
    assert interactions.take(contact.public_id, by=cast.clerk_kerttu, at=NOW).served_by == cast.clerk_kerttu


def test_an_agent_opens_no_contact_at_the_desk(cast: Cast) -> None:
    with pytest.raises(interactions.NotBehindDesk):
        interactions.open_by_staff(cast.agent_aino, channel="DESK", language="fi", at=NOW)
    assert interactions.open_by_staff(cast.supervisor, channel="DESK", language="fi", at=NOW).live


def test_the_agents_queue_has_no_desk_in_it(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    agent, clerk = signed_in(cast.agent_arvo), signed_in(cast.clerk_kerttu)
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    contact = cast.desk(at=NOW, claims=cast.antti)
    interactions.hand_back(contact.public_id, by=cast.clerk_kalle, at=NOW)
    taking = reverse("admin:take", args=[contact.public_id])
    assert taking in clerk.get(reverse("admin:queue")).content.decode()
    page = agent.get(reverse("admin:queue")).content.decode()
    assert taking not in page
    assert 'value="DESK"' not in page
    assert "at a desk" in agent.post(taking, follow=True).content.decode()
    assert agent.post(reverse("admin:open_contact"), {"channel": "DESK", "language": "fi"}).status_code == 400


@pytest.mark.parametrize("result", ["bridged", "leave", "hangup", "redirected", "error"])
def test_what_a_call_reached_ends_with_the_call(line: Callable[[], Line], cast: Cast, result: str) -> None:
    phone = line().to_menu(cast.helena)
    phone.press("0")
    contact = phone.interaction
    interactions.take(contact.public_id, by=cast.agent_aino, at=now())
    phone.leave_queue(result)
    assert phone.ended
    contact.refresh_from_db()
    assert not contact.live
    later = now() + timedelta(minutes=1)
    assert standing(contact, later)[1].level is Level.NONE
    decided = attempt("tell_case_state", origin=Live(contact.public_id, cast.agent_aino), parameters={}, at=later)
    assert isinstance(decided, Refused)
