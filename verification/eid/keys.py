"""Our own keys towards brokers: they sign what we ask, and open what we are told. From the setting E_ID_KEYS, a JWKS.

Signing and encryption use separate keys (S213/2023). For each algorithm the first key signs; the others are published
and still decrypt, so that a key can be replaced with an overlap.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from django.conf import settings
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeyParameters, KeySet, RSAKey

from verification.eid.brokers import Broker, Misconfigured

Key = RSAKey | ECKey
RSA: Final = ("RS256", "PS256", "RSA-OAEP", "RSA-OAEP-256")
EC: Final = ("ES256", "ECDH-ES+A256KW")
SIGNING: Final = ("RS256", "PS256", "ES256")
MADE: Final = ("RS256", "PS256", "RSA-OAEP", "ECDH-ES+A256KW")  # what the profiles of brokers.toml use


def make() -> str:
    """Return a fresh private JWKS with a key for each algorithm that a profile uses."""
    return json.dumps({"keys": [_make(alg).as_dict(private=True) for alg in MADE]})


def _make(alg: str) -> Key:
    about: KeyParameters = {"alg": alg, "use": "sig" if alg in SIGNING else "enc"}
    if alg in RSA:
        return RSAKey.generate_key(2048, about, auto_kid=True)
    return ECKey.generate_key("P-256", about, auto_kid=True)


@cache
def read(text: str) -> tuple[Key, ...]:
    """Read a private JWKS. Raises Misconfigured, without telling what is in it."""
    try:
        keys = tuple(KeySet.import_key_set(json.loads(text)).keys)
    except (ValueError, TypeError, KeyError, AttributeError, JoseError):
        raise Misconfigured("E_ID_KEYS must be a JSON Web Key Set.") from None
    checked = tuple(_checked(key) for key in keys)
    if len({key.kid for key in checked}) < len(checked):
        raise Misconfigured("E_ID_KEYS: every key needs a kid of its own.")
    return checked


def _checked(key: Any) -> Key:
    if not isinstance(key, RSAKey | ECKey) or not key.is_private or not key.kid:
        raise Misconfigured("E_ID_KEYS: every key is a private RSA or EC key with a kid.")
    use = "sig" if key.alg in SIGNING else "enc"
    if key.alg not in (RSA if isinstance(key, RSAKey) else EC) or key.get("use") != use:
        raise Misconfigured(f"E_ID_KEYS: key {key.kid} needs an alg that fits it, and the use that fits the alg.")
    if isinstance(key, RSAKey) and key.raw_value.key_size < 2048:
        raise Misconfigured(f"E_ID_KEYS: key {key.kid} is shorter than 2048 bits.")
    return key


def own() -> tuple[Key, ...]:
    """Return our keys. Raises Misconfigured when there are none."""
    if not settings.E_ID_KEYS:
        raise Misconfigured("E_ID_KEYS is not set, and brokers need our keys.")
    return read(settings.E_ID_KEYS)


def signing(alg: str) -> Key:
    """Return the key that signs by this algorithm."""
    return _first(alg)


def decryption(alg: str) -> list[Key]:
    """Return every key that opens what was encrypted by this algorithm, the present one first."""
    _first(alg)
    return [key for key in own() if key.alg == alg]


def _first(alg: str) -> Key:
    for key in own():
        if key.alg == alg:
            return key
    raise Misconfigured(f"E_ID_KEYS has no key for {alg}.")


def public_jwks() -> dict[str, list[Mapping[str, Any]]]:
    """Return the public halves of all our keys, for the brokers."""
    return {"keys": [key.as_dict(private=False) for key in own()]}


def check(broker: Broker) -> None:
    """Raise Misconfigured unless we have the keys that this broker's profile needs."""
    _first(broker.request_signing)
    if broker.encryption_alg:
        _first(broker.encryption_alg)
