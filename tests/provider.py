"""The real OpenID provider as a broker of strong e-ID: one process for each process of the suite, and two fixtures.

    def test_x(provider):            # E_ID_BROKERS and E_ID_KEYS are set; the provider knows ANNA (loa3) and BEA (loa2)
        provider.next(sub="bea", outcome="approve", acr=LOA2)
        start = client.begin_login(provider.broker("bank"), redirect_uri=provider.returns_to("bank"), ...)
        returned = provider.browse(start.url)

`bank` follows the FTN profile, `mobile` the FAPI one with poll and secret transfer, `tapping` the same with ping and
approval only. Child processes inherit the settings through the environment.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx
import pytest

from contactcentre.demo.provider import NoProvider, Running, client_of, start
from deploy.e_id import install
from tests.services import dies_with_parent
from verification.eid import brokers, keys, network
from verification.eid.brokers import NOTIFY_PATH, RETURN_PATH, Broker

LOA2, LOA3 = "http://ftn.ficora.fi/2017/loa2", "http://ftn.ficora.fi/2017/loa3"
LOATEST2 = "http://ftn.ficora.fi/2017/loatest2"
OURS, PINGED = "http://testserver", "https://rp.test"
ANNA = {
    "name": "Anna Testi", "person": "131052-308T", "given_names": "Anna Maria", "family_name": "Testi",
    "birth_date": "1952-10-13", "acr": LOA3, "hints": ["+358501234567"],
}  # fmt: skip
BEA = {
    "name": "Bea Koe", "person": "010594Y9021", "given_names": "Bea", "family_name": "Koe",
    "birth_date": "1994-05-01", "acr": LOA2, "hints": ["+358507654321"],
}  # fmt: skip
CLIENTS = [
    {"code": "bank", "profile": "ftn", "name": "Bank", "client_id": "contactcentre-bank"},
    {"code": "mobile", "profile": "fapi", "name": "Mobile", "client_id": "contactcentre-mobile"},
    {"code": "tapping", "profile": "fapi", "name": "Tapping", "client_id": "contactcentre-tapping", "ciba": "ping",
     "ciba_binding": "approve_only"},
]  # fmt: skip


@dataclass
class Provider:
    """The provider as a test drives it; everything but `browse` is something that no real broker has."""

    issuer: str
    keys: str = field(repr=False)
    _http: httpx.Client = field(repr=False)

    @property
    def brokers(self) -> str:
        """Return the setting E_ID_BROKERS."""
        return json.dumps([{**each, "issuer": self.issuer} for each in CLIENTS])

    def broker(self, code: str) -> Broker:
        """Return one of bank, mobile, tapping."""
        return brokers.read(self.brokers)[code]

    def returns_to(self, code: str, ours: str = OURS) -> str:
        """Return the redirect URI of a broker; any loopback port will do as well as testserver."""
        return ours + RETURN_PATH.format(code=code)

    def next(self, sub: str = "anna", outcome: str = "approve", **more: Any) -> None:
        """Say how the next login is answered without a page: outcome is approve, deny or error.

        `acr` (None: none at all) replaces the person's own; `ago` puts the authentication that many seconds back.
        """
        self._tell("next", {"sub": sub, "outcome": outcome, **more})

    def knows(self, sub: str, person: Mapping[str, Any]) -> None:
        """Add a person: {name, person, given_names, family_name, birth_date, acr, hints}."""
        self._tell("people", {sub: dict(person)})

    def pings_go_to(self, address: str) -> None:
        """Send pings to this http address of ours (scheme, host and port)."""
        self._tell("rewrite", {PINGED: address})

    def pings(self) -> list[dict[str, Any]]:
        """Return the pings that were sent and delivered: {url, status, authorization, body}."""
        found: list[dict[str, Any]] = self._http.get(f"{self.issuer}/_test/pings").json()
        return found

    def prompts(self) -> list[dict[str, Any]]:
        """Return the prompts, oldest first: {id, accountId, clientId, params, status}."""
        found: list[dict[str, Any]] = self._http.get(f"{self.issuer}/_test/ciba").json()
        return found

    def approve(self, request: str, **more: Any) -> None:
        """Let the person approve a prompt, whatever code it asks for; `acr` as in next()."""
        self._tell(f"ciba/{request}/approve", more)

    def deny(self, request: str) -> None:
        """Let the person decline."""
        self._tell(f"ciba/{request}/deny", {})

    def fail(self, request: str) -> None:
        """Let the phone fail."""
        self._tell(f"ciba/{request}/fail", {})

    def expire(self, request: str) -> None:
        """Let the prompt run out now."""
        self._tell(f"ciba/{request}/expire", {})

    def answers_on_the_phone(self, request: str, outcome: str, code: str = "") -> str:
        """Answer on the page that stands for the phone, and return what it shows."""
        form = {"id": request, "outcome": outcome, "code": code}
        return self._http.post(f"{self.issuer}/device/", data=form, params={"lang": "en"}).text

    def browse(self, url: str, *, back_to: str = OURS) -> dict[str, str]:
        """Follow a login as a browser that has never been there would; return what the broker's answer brings back."""
        with httpx.Client(timeout=10) as browser:
            for _ in range(8):
                answer = browser.get(url)
                if answer.status_code not in (302, 303):
                    raise AssertionError(f"a page instead of an answer: {answer.status_code} {answer.text[:300]}")
                url = urljoin(url, answer.headers["location"])
                if url.startswith(back_to):
                    return dict(parse_qsl(urlsplit(url).query))
        raise AssertionError("redirected without end")

    def _tell(self, what: str, body: Mapping[str, Any]) -> None:
        self._http.post(f"{self.issuer}/_test/{what}", json=body).raise_for_status()


@pytest.fixture(scope="session")
def provider_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    """Start the provider; without Node.js or its packages the tests fail, in one sentence."""
    own, issuer = keys.make(), "http://127.0.0.1:1"  # what clients register doesn't depend on the address
    named = brokers.read(json.dumps([{**each, "issuer": issuer} for each in CLIENTS]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.conf.settings.E_ID_KEYS", own)
        clients = [client_of(each, ours=OURS, pinged=PINGED) for each in named.values()]
    configuration = {"testing": True, "clients": clients, "people": {"anna": ANNA, "bea": BEA}}
    running, why = _started(configuration, tmp_path_factory.mktemp("e_id") / "provider.log")
    if running is None:
        pytest.fail(f"The tests need the e-ID provider: {why}.", pytrace=False)
    with httpx.Client(timeout=10) as control:
        yield Provider(running.issuer, own, control)
    running.stop()


def _started(configuration: Mapping[str, Any], log: Path) -> tuple[Running | None, str]:
    try:
        install.ready()
        return start(configuration, log=log, prepare=dies_with_parent(signal.SIGKILL)), ""
    except (install.NotReady, NoProvider) as reason:
        return None, str(reason)


@pytest.fixture
def provider(provider_process: Provider, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Provider:
    """Configure the provider's brokers and our keys, here and for processes that the test starts."""
    settings.E_ID_BROKERS, settings.E_ID_KEYS = provider_process.brokers, provider_process.keys
    monkeypatch.setenv("E_ID_BROKERS", provider_process.brokers)
    monkeypatch.setenv("E_ID_KEYS", provider_process.keys)
    network.forget()
    return provider_process


def notify_path(code: str) -> str:
    """Return where this broker's pings arrive."""
    return NOTIFY_PATH.format(code=code)
