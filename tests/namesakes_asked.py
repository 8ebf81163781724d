"""A caller who has said a name to an agent and is asked on his keypad which of its bearers he is: for tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import respx
from pytest_django import Settings

from ivr import redirects
from tests.cast import Cast
from tests.phone_line import Line, now
from verification import claims, separating
from verification.interactions import take
from verification.models import Interaction, SeparatingQuestion, Staff

ACCOUNT = "AC0123456789"
ANTTI = ("Asiakas", "Antti")


@dataclass
class Bridge:
    """Calls that an agent serves, and the provider that turns them."""

    line: Callable[[], Line]
    cast: Cast
    orders: respx.Route
    calls: list[Line] = field(default_factory=list)

    def served(self, by: Staff | None = None) -> Line:
        """Let a caller skip the keypad and be taken by an agent."""
        phone = self.line().to_number()
        phone.press("0#")
        take(phone.interaction.public_id, by=by or self.cast.agent_aino, at=now())
        return phone

    def says(self, phone: Line, name: tuple[str, str] = ANTTI) -> int:
        """Let the agent look up the name that is said."""
        contact = phone.interaction
        family, given = name
        return claims.claim_name(
            contact.public_id, family_name=family, given_names=given, capacity="SELF", by=contact.served_by, at=now()
        )

    def wanted(self, phone: Line) -> SeparatingQuestion:
        """Let the agent press the button."""
        contact = phone.interaction
        return separating.ask(contact.public_id, by=contact.served_by, at=now())

    def ordered(self) -> str:
        """Return the path of the last order that the provider was given."""
        form = parse_qs(self.orders.calls.last.request.content.decode())
        assert form["Method"] == ["POST"]
        return urlsplit(form["Url"][0]).path

    def asked(self, name: tuple[str, str] = ANTTI) -> Line:
        """Go all the way to the question."""
        phone = self.served()
        self.says(phone, name)
        redirects.turn(self.wanted(phone).pk, at=now())
        phone.turned(self.ordered())
        return phone


def question_of(phone: Line) -> SeparatingQuestion:
    """Return the newest question of a call."""
    found = separating.newest(phone.interaction)
    assert found is not None
    return found


def contact_of(phone: Line) -> Interaction:
    """Return the contact of a call as it stands in the database."""
    return Interaction.objects.get(pk=phone.interaction.pk)


@pytest.fixture
def bridge(line: Callable[[], Line], cast: Cast, settings: Settings, respx_mock: respx.MockRouter) -> Bridge:
    """Give calls, and a provider that does as it is told."""
    settings.TWILIO_ACCOUNT_SID = ACCOUNT
    calls = respx_mock.post(url__regex=rf"https://api\.twilio\.com/2010-04-01/Accounts/{ACCOUNT}/Calls/CA\w+\.json")
    calls.mock(return_value=httpx.Response(200))
    return Bridge(line, cast, calls)
