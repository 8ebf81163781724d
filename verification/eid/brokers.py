"""The brokers of strong e-ID as data: profiles from brokers.toml, whose they are from the setting E_ID_BROKERS.

Nonsense raises Misconfigured; a system check (verification.E010) turns it into a start that stops.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

FILE = Path(__file__).with_name("brokers.toml")
KINDS = ("E_ID_SUBSTANTIAL", "E_ID_HIGH")
RETURN_PATH = "/e-id/{code}/return/"  # one redirect URI per broker, so that no broker's answer is taken for another's
NOTIFY_PATH = "/e-id/{code}/notify/"  # where a broker's pings arrive
LOOPBACK = ("127.0.0.1", "localhost", "::1")
CHOICES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "ciba": ("none", "poll", "ping"),
        "ciba_binding": ("", "transfer", "approve_only"),
        "login_hint": ("", "customer_number", "phone"),
        "request_by": ("JAR", "PAR"),
        "request_signing": ("RS256", "PS256", "ES256"),
        "id_token_signing": ("RS256", "PS256", "ES256"),
        "encryption_alg": ("", "RSA-OAEP", "RSA-OAEP-256", "ECDH-ES+A256KW"),
        "encryption_enc": ("", "A128CBC-HS256", "A256GCM"),
    }
)
OWN = ("code", "profile", "name", "issuer", "client_id")  # what an installation says of a broker
MAY = ("ciba", "ciba_binding", "login_hint", "transfer_parameter", "transfer_member")  # what it may say besides
TAKEN = frozenset(
    {
        "acr_values", "aud", "binding_message", "client_id", "client_notification_token", "exp", "iat", "id_token_hint",
        "iss", "jti", "login_hint", "login_hint_token", "nbf", "request", "requested_expiry", "scope", "sub",
        "user_code",
    }
)  # fmt: skip
"""Parameters of a request that mean something already: what is to be typed in the app never travels in them."""


class Misconfigured(ValueError):
    """Say what of a broker or a key makes no sense; never the content of a key."""


@dataclass(frozen=True)
class Broker:
    """One broker: who it is to us, and each choice of its profile. `acr` and `test_acr` map to kinds of evidence."""

    code: str
    profile: str
    name: str
    issuer: str
    client_id: str
    because: str
    login: bool
    ciba: str
    ciba_binding: str
    login_hint: str
    transfer_parameter: str
    transfer_member: str
    request_by: str
    request_signing: str
    request_seconds: int
    id_token_signing: str
    encryption_alg: str
    encryption_enc: str
    scope: str
    person_claim: str
    given_names_claim: str
    family_name_claim: str
    birth_date_claim: str
    acr: Mapping[str, str]
    test_acr: Mapping[str, str]

    def acr_values(self, kind: str) -> tuple[str, ...]:
        """Return the acr values that give at least evidence of `kind`, to be asked for."""
        enough = KINDS[KINDS.index(kind) :]
        return tuple(value for value, gives in self.acr.items() if gives in enough)


def configured() -> Mapping[str, Broker]:
    """Return the brokers of this installation by code; the demo without any has those of its own provider."""
    text = settings.E_ID_BROKERS
    if not text and settings.DEMO:
        text = _written_by_the_demo()
    return read(text) if text else MappingProxyType({})


def _written_by_the_demo() -> str:
    try:
        return Path(settings.E_ID_DEMO_FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


@cache
def read(text: str) -> Mapping[str, Broker]:
    """Read a JSON list of {code, profile, name, issuer, client_id, and what of MAY differs}. Raises Misconfigured."""
    try:
        given = json.loads(text)
    except ValueError:
        raise Misconfigured("E_ID_BROKERS must be a JSON list.") from None
    if not isinstance(given, list):
        raise Misconfigured("E_ID_BROKERS must be a JSON list.")
    brokers = [_broker(entry) for entry in given]
    if len({broker.code for broker in brokers}) < len(brokers):
        raise Misconfigured("E_ID_BROKERS names a code twice.")
    return MappingProxyType({broker.code: broker for broker in brokers})


@cache
def profiles() -> Mapping[str, Mapping[str, Any]]:
    """Return the profiles of brokers.toml."""
    return MappingProxyType(tomllib.loads(FILE.read_text(encoding="utf-8")))


def _broker(entry: Any) -> Broker:
    if not isinstance(entry, dict) or not set(OWN) <= set(entry) <= {*OWN, *MAY}:
        raise Misconfigured(f"Every broker has {', '.join(OWN)}, and may have {', '.join(MAY)}.")
    if not all(isinstance(value, str) for value in entry.values()):
        raise Misconfigured("What is said of a broker in E_ID_BROKERS is text.")
    if entry["profile"] not in profiles():
        raise Misconfigured(f"There is no broker profile {entry['profile']!r}.")
    values = {**profiles()[entry["profile"]], **entry}
    unset = {field.name for field in fields(Broker)} ^ set(values)
    if unset:
        raise Misconfigured(f"Profile {entry['profile']}: {', '.join(sorted(unset))} missing or unknown.")
    broker = Broker(**{**values, "acr": _kinds(values["acr"]), "test_acr": _kinds(values["test_acr"])})
    _check_address(broker)
    _check_choices(broker)
    return broker


def _kinds(given: Any) -> Mapping[str, str]:
    if not isinstance(given, dict) or not set(given.values()) <= set(KINDS):
        raise Misconfigured(f"An acr value gives one of {', '.join(KINDS)}.")
    return MappingProxyType(dict(given))


def _check_address(broker: Broker) -> None:
    """Demand what is needed to trust an answer: TLS, or a provider on this very machine."""
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,19}", broker.code):
        raise Misconfigured(f"A broker's code is a short lower-case word; it is {broker.code!r}.")
    if not broker.client_id or not broker.name:
        raise Misconfigured(f"Broker {broker.code} needs a name and a client_id.")
    if not trusted_address(broker.issuer) or broker.issuer.endswith("/") or urlsplit(broker.issuer).query:
        raise Misconfigured(f"Broker {broker.code}: the issuer must be an https address, exactly as it calls itself.")


def trusted_address(url: str) -> bool:
    """Tell whether an address is reached by TLS, or leads to this machine."""
    parts = urlsplit(url)
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK))


def _check_choices(broker: Broker) -> None:
    for name, choices in CHOICES.items():
        if getattr(broker, name) not in choices:
            raise Misconfigured(f"Broker {broker.code}: {name} must be one of {', '.join(filter(None, choices))}.")
    _check_prompted(broker)
    if bool(broker.encryption_alg) != bool(broker.encryption_enc):
        raise Misconfigured(f"Broker {broker.code}: encryption needs both alg and enc.")
    if not broker.acr or set(broker.acr) & set(broker.test_acr):
        raise Misconfigured(f"Broker {broker.code}: acr must name values, none of them a test value.")
    if "openid" not in broker.scope.split() or not broker.person_claim:
        raise Misconfigured(f"Broker {broker.code}: scope needs openid, and some claim must identify the person.")
    if broker.request_seconds not in range(30, 3601):
        raise Misconfigured(f"Broker {broker.code}: request_seconds must be from 30 to 3600 (FAPI-CIBA 5.2.2).")


def _check_prompted(broker: Broker) -> None:
    for name in ("ciba_binding", "login_hint"):
        if (broker.ciba == "none") != (getattr(broker, name) == ""):
            raise Misconfigured(f"Broker {broker.code}: {name} is for brokers with CIBA, and for all of those.")
    word = re.compile(r"[a-z][a-z0-9_]{0,39}")
    named = word.fullmatch(broker.transfer_parameter) and broker.transfer_parameter not in TAKEN
    if broker.ciba_binding == "transfer" and not named:
        raise Misconfigured(f"Broker {broker.code}: transfer_parameter must name a parameter that means nothing else.")
    if broker.transfer_member and not word.fullmatch(broker.transfer_member):
        raise Misconfigured(f"Broker {broker.code}: transfer_member is the name of a member, or empty.")
