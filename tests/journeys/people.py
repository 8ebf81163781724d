"""Those who act in the journeys, each through his own door: a telephone, the staff's site, a browser, a letter box."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import datetime
from datetime import time as clock
from typing import Any
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import Entry
from notices.models import Notice
from tests.cast import PASSWORD, Cast, Person
from tests.phone_line import Line
from tests.test_mrz import passport
from verification.models import Customer, Interaction, Organisation, Refusal
from visits.hours import Ability
from visits.models import AbilityHours, Office, OfficeHours, Visit

PATIENCE = 20  # seconds


def now() -> datetime:
    """Read the clock as the pages do."""
    return timezone.now()


def on_the_day_of(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the visit's hour come: the pages' clock goes on from there. The worker's own clock stays."""
    ahead, read = visit.starts_at - now(), timezone.now
    monkeypatch.setattr(timezone, "now", lambda: read() + ahead)


def until(condition: Callable[[], Any]) -> Any:
    """Wait until a process of its own has done something, and return what the condition found."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, "it was waited for in vain"
        time.sleep(0.05)
    return found


def open_office(organisation: Organisation, *, town: str = "Helsinki", second_clerk: bool = True) -> Office:
    """Open an office on every day of the week, so that a journey needs no particular date."""
    office = Office.objects.create(
        organisation=organisation, name="Kallion palvelupiste", street="Porthaninkatu 1", town=town, desks=2
    )
    for weekday in range(7):
        OfficeHours.objects.create(office=office, weekday=weekday, opens=clock(8), closes=clock(18))
        if second_clerk:
            AbilityHours.objects.create(
                office=office, ability=Ability.SECOND_CLERK, weekday=weekday, opens=clock(8), closes=clock(18)
            )
    return office


class Screen:
    """A member of the staff at his screen: logged in with password and second factor, on the real pages."""

    def __init__(self, cast: Cast, username: str) -> None:
        self.cast, self.staff = cast, cast.staff[username]
        self.client = Client(headers={"accept-language": "en"})
        self.client.post(reverse("admin:login"), {"username": username, "password": PASSWORD})
        shown = self.client.post(reverse("admin:second_factor"), {"token": cast.staff_code(username)})
        assert shown.status_code == 302, "the second factor was not accepted"

    def sees(self, page: str, *args: Any, **query: Any) -> str:
        """Open a page and return what it says."""
        response = self.client.get(reverse(f"admin:{page}", args=args), query)
        assert response.status_code == 200, f"{page} answered {response.status_code}"
        return str(response.content.decode())

    def sends(self, page: str, *args: Any, **form: Any) -> HttpResponse:
        """Send a form to a page."""
        return self.client.post(reverse(f"admin:{page}", args=args), form)

    def takes(self, contact: Interaction) -> Screen:
        """Take a contact out of the queue."""
        assert str(contact.public_id) in self.sees("queue")
        self.sends("take", contact.public_id)
        return self

    def asks(self, contact: Interaction, action: str, **parameters: Any) -> HttpResponse:
        """Ask the gate for something in a contact; the answer is a page."""
        return self.sends("do", contact.public_id, action, nonce=str(uuid4()), **parameters)

    def is_refused(self, contact: Interaction, action: str, **parameters: Any) -> Refusal:
        """Ask for something that is refused, and return the refusal that the page leads to."""
        answer = self.asks(contact, action, **parameters)
        assert answer.status_code == 302, answer.content.decode()[:2000]
        return Refusal.objects.get(public_id=answer["Location"].rstrip("/").rsplit("/", 1)[-1])


def dial(*, number: str = "+358401234567") -> Line:
    """Call our number from a telephone."""
    return Line(Client(), number=number)


def letters_to(person: Person, about: str, channel: str = "SMS") -> list[Notice]:
    """Return what a customer was sent, the oldest first."""
    sent = Notice.objects.filter(subject=str(person.customer.pseudonym), about=about, channel=channel)
    return list(sent.order_by("pk"))


def link_in(notice: Notice) -> str:
    """Return the path of the link in a message."""
    found = re.search(r"https?://[^/\s]+(/v/\S+/)", notice.text)
    assert found, notice.text
    return found[1]


def code_in(notice: Notice) -> str:
    """Return the visit code in a message."""
    found = re.search(r"\b([0-9A-Z]{4}-[0-9A-Z]{5}-[0-9A-Z]{4})\b", notice.text)
    assert found, notice.text
    return found[1]


def kinds(since: int = 0) -> list[str]:
    """Return the kinds of the log's entries in their order."""
    return list(Entry.objects.filter(pk__gt=since).order_by("pk").values_list("kind", flat=True))


def last_entry() -> int:
    """Return where the log ends now."""
    newest = Entry.objects.order_by("-pk").first()
    return newest.pk if newest else 0


def decisions(since: int = 0) -> list[str]:
    """Return the kinds of the gate's entries in their order."""
    return [kind for kind in kinds(since) if kind.startswith("gate.")]


def passport_of(customer: Customer) -> str:
    """Return the machine-readable zone of a good passport in this customer's name."""
    name = f"{customer.family_name}<<{customer.given_names}".upper()
    return passport(name=name, birth=f"{customer.birth_date:%y%m%d}", sex="M", expiry="310501")


class Pages:
    """A customer's browser, which has followed the link in a message."""

    def __init__(self, link: str) -> None:
        self.client, self.link = Client(), link

    def comes_in(self) -> str:
        """Look at the link as a mail program does, then press the button; return the page behind it."""
        assert self.client.get(self.link).status_code == 200
        entered = self.client.post(self.link)
        assert entered.status_code == 302
        assert self.link not in entered["Location"]
        return self.reads()

    def reads(self) -> str:
        """Return the page with the list."""
        response = self.client.get(reverse("visits:page"))
        assert response.status_code == 200
        return str(response.content.decode())

    def confirms(self, item: Any, *, valid_until: str = "") -> str:
        """Say that a paper of the list is in his hands, and return the page."""
        proof = re.search(r'name="proof" value="(\w+)"', self.reads())
        assert proof
        sent = {"proof": proof[1], "item": str(item.pk), "valid_until": valid_until}
        assert self.client.post(reverse("visits:confirm"), sent).status_code == 302
        return self.reads()
