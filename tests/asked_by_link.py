"""A caller who can log in at the provider, and his browser on the page that a link opens."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.test import Client

from notices.models import Notice
from tests.cast import Cast, Person, _row, bring_in
from tests.provider import ANNA, BEA, Provider
from tests.staff_browser import now
from verification import prompts
from verification.claims import claim_number
from verification.models import Customer, Interaction, Prompt

ADDRESS = {"street": "Uusikatu 5", "postal_code": "00100", "town": "Helsinki"}


def with_e_id(cast: Cast, at: datetime) -> Person:
    """Bring Anna and Bea in, whom the provider knows, and return Anna."""
    rows = [
        _row(1000021, "Testi", "Anna", birth_date="1952-10-13", identity_code=ANNA["person"]),
        _row(1000022, "Koe", "Bea", birth_date="1994-05-01", identity_code=BEA["person"]),
    ]
    bring_in(rows, prepared_by=cast.administrator, approved_by=cast.administrator2, at=at)
    for name, row in zip(("anna", "bea"), rows, strict=True):
        cast.people[name] = Person(Customer.objects.get(number=row["number"]))
    return cast.people["anna"]


def calling(cast: Cast, number: str = "", *, at: datetime | None = None, person: str = "anna") -> Interaction:
    """Open a call that Aino has taken, in which this number was claimed."""
    moment = at or now()
    contact = cast.call(at=moment)
    said = number or cast.people[person].number
    claim_number(contact.public_id, said, capacity="SELF", source="STAFF", by=cast.agent_aino, at=moment)
    return contact


def asked(
    cast: Cast, contact: Interaction, action: str = "", parameters: Any = None, at: datetime | None = None
) -> Prompt:
    """Let Aino ask by link, and let the worker send it."""
    moment = at or now()
    prompt = prompts.ask(
        contact.public_id, road="LINK", action=action, parameters=parameters, by=cast.agent_aino, at=moment
    )
    prompts.send_link(prompt.pk, at=moment)
    return prompt


def link_of(person: Person, channel: str = "SMS") -> str:
    """Return the path of the newest link that was sent to somebody."""
    sent = Notice.objects.filter(about="prompt", channel=channel, subject=str(person.customer.pseudonym))
    newest = sent.order_by("-pk").first()
    assert newest is not None, "no link was sent"
    found = re.search(r"https?://[^/\s]+(/c/\S+/)", newest.text)
    assert found, newest.text
    return found[1]


class Browser:
    """A person's own browser: it follows the link, types words, and comes back from a broker."""

    def __init__(self, link: str = "") -> None:
        self.client = Client(enforce_csrf_checks=True, headers={"accept-language": "fi"})
        if link:
            self.comes_in(link)

    def comes_in(self, link: str) -> None:
        """Look at the link as a mail program does, then press the button."""
        assert self.client.get(link).status_code == 200
        entered = self.client.post(link)
        assert entered.status_code == 302, entered.content
        assert entered["Location"] == "/c/call/"

    def reads(self) -> str:
        """Return the page."""
        return str(self.client.get("/c/call/").content.decode())

    def sends(self, path: str, **form: str) -> Any:
        """Send a form of the page, with its token."""
        proof = re.search(r'name="proof" value="(\w+)"', self.reads())
        return self.client.post(path, {"proof": proof[1] if proof else "", **form})

    def types(self, words: str) -> Any:
        """Type what was heard."""
        return self.sends("/c/call/words/", words=words)

    def did_not_call(self) -> Any:
        """Press the other button."""
        return self.sends("/c/call/not-me/")

    def begins(self, broker: str = "bank") -> str:
        """Press a bank's button and return where it leads."""
        answer = self.client.get(f"/c/call/login/{broker}/")
        assert answer.status_code == 302, answer.content.decode()[:800]
        return str(answer["Location"])

    def logs_in(self, provider: Provider, broker: str = "bank") -> str:
        """Log in as the provider was told to, come back, and return what the page says."""
        return self.comes_back(provider.browse(self.begins(broker)), broker)

    def comes_back(self, brought: dict[str, str], broker: str = "bank") -> str:
        """Bring a broker's answer back and return what the page says."""
        answer = self.client.get(f"/e-id/{broker}/return/?{urlencode(brought)}")
        assert answer.status_code == 302
        assert "code=" not in answer["Location"]
        return str(self.client.get(answer["Location"]).content.decode())


def heard(prompt: Prompt) -> str:
    """Return the two words as the agent reads them."""
    return " ".join(prompts.words_of(prompt)[1])


def ready(cast: Cast, prompt: Prompt, person: str = "anna") -> Browser:
    """Return the person's browser after the words: nothing lacks but the login."""
    browser = Browser(link_of(cast.people[person]))
    assert browser.types(heard(prompt)).status_code == 302
    return browser


def later(seconds: float) -> datetime:
    return now() + timedelta(seconds=seconds)
