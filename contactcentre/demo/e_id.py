"""The demo's own broker of strong e-ID, run beside web and worker: whom it knows, and where it is found."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings

from contactcentre.demo.people import BY_NUMBER
from contactcentre.demo.provider import NoProvider, client_of, secure, start
from verification.eid import brokers

OF_THE_DEMO: Final = (
    {"code": "bank", "profile": "ftn", "name": "Esittelypankki", "client_id": "lahiturva-bank"},
    {"code": "mobile", "profile": "fapi", "name": "Esittelyvarmenne", "client_id": "lahiturva-mobile"},
)


def people(customers: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return whom the provider knows: those described customers that have an e-ID, by customer number.

    Each is {name, customer, hints, person, given_names, family_name, birth_date, acr}.
    """
    return {
        each["number"]: {
            "name": each["name"],
            "customer": each["number"],
            "hints": [each["phone"]],
            **BY_NUMBER[each["number"]].e_id,
        }
        for each in customers
        if each["has_e_id"]
    }


@contextlib.contextmanager
def beside(
    customers: Iterable[Mapping[str, Any]], *, say: Callable[[str], None], prepare: Callable[[], None]
) -> Iterator[None]:
    """Run the demo's provider on the next free port; without Node.js say so in one line and go on."""
    folder = Path(settings.E_ID_DEMO_FILE).parent
    folder.mkdir(mode=0o700, exist_ok=True)
    known, running = people(customers), None
    try:
        running = start(_configuration(known), log=folder / "provider.log", prepare=prepare)
        _leave_word(running.issuer, known)
        say(f"strong e-ID is played by {running.issuer} (phones: {running.issuer}/device/)")
    except NoProvider as reason:
        say(f"going on without the e-ID provider: {reason}")
    try:
        yield
    finally:
        _take_back()
        if running:
            running.stop()


def _configuration(known: Mapping[str, Any]) -> dict[str, Any]:
    anywhere = brokers.read(_named("http://127.0.0.1:1"))  # what is registered of us doesn't depend on their address
    ours, pinged = settings.PUBLIC_URL, secure(settings.PUBLIC_URL)
    return {
        "port": settings.PORT + 1 if settings.PORT < 65000 else 0,
        "tries": 50,
        "clients": [client_of(broker, ours=ours, pinged=pinged) for broker in anywhere.values()],
        "people": dict(known),
        "rewrite": {pinged: f"http://127.0.0.1:{settings.PORT}"},
    }


def _named(issuer: str) -> str:
    return json.dumps([{**each, "issuer": issuer} for each in OF_THE_DEMO])


def _leave_word(issuer: str, known: Mapping[str, Any]) -> None:
    """Tell the other processes, as long as it runs, which brokers there are and whom they know."""
    told = [{"id": key, "name": who["name"], "customer": who["customer"]} for key, who in known.items()]
    where = {"issuer": issuer, "login": f"{issuer}/auth", "people": told, "device": f"{issuer}/device/"}
    _told().write_text(json.dumps(where), encoding="utf-8")
    Path(settings.E_ID_DEMO_FILE).write_text(_named(issuer), encoding="utf-8")


def _take_back() -> None:
    for path in (Path(settings.E_ID_DEMO_FILE), _told()):
        path.unlink(missing_ok=True)


def _told() -> Path:
    return Path(settings.E_ID_DEMO_FILE).with_name("provider.json")


def describe() -> dict[str, Any]:
    """Return {issuer, login, people: [{id, name, customer}], device} of the provider while it runs, {} otherwise."""
    try:
        found: dict[str, Any] = json.loads(_told().read_text(encoding="utf-8"))
        address = urlsplit(found["issuer"])
        with socket.create_connection((str(address.hostname), address.port or 80), timeout=1):
            return found
    except OSError:  # no word was left, or whoever left it was killed
        return {}
