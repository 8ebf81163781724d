"""An authenticator in a few lines: it makes passkeys and signs with them, and misbehaves exactly as a test asks."""

from __future__ import annotations

import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from verification import relying_party

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def base64url(raw: bytes) -> str:
    """Return base64url without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def raw(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Device:
    """One passkey with its signature counter; `origin` is of the page that it believes to be on, ours by default."""

    origin: str = field(default_factory=relying_party.origin)
    host: str = field(default_factory=relying_party.host)
    counter: int = 0
    verified: bool = True
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    credential_id: bytes = field(default_factory=lambda: os.urandom(32))

    @property
    def public_key(self) -> bytes:
        """Return the COSE key (RFC 9053: EC2, ES256, P-256)."""
        point = self.key.public_key().public_numbers()
        x, y = (number.to_bytes(32, "big") for number in (point.x, point.y))
        return bytes(cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y}))

    def makes(self, options: dict[str, Any]) -> str:
        """Answer navigator.credentials.create() as JSON, without attestation."""
        attested = bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id + self.public_key
        said = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": self._data(ATTESTED) + attested})
        client = self._client("webauthn.create", options)
        return self._answer(attestationObject=base64url(said), clientDataJSON=base64url(client))

    def signs(self, options: dict[str, Any]) -> str:
        """Answer navigator.credentials.get() as JSON; the counter goes up."""
        self.counter += 1
        client, data = self._client("webauthn.get", options), self._data(0)
        signature = self.key.sign(data + sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(
            authenticatorData=base64url(data), clientDataJSON=base64url(client), signature=base64url(signature)
        )

    def _data(self, more: int) -> bytes:
        flags = PRESENT | more | (VERIFIED if self.verified else 0)
        return sha256(self.host.encode()).digest() + bytes([flags]) + self.counter.to_bytes(4, "big")

    def _client(self, what: str, options: dict[str, Any]) -> bytes:
        said = {"type": what, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": False}
        return json.dumps(said).encode()

    def _answer(self, **response: str) -> str:
        name = base64url(self.credential_id)
        answer = {"id": name, "rawId": name, "type": "public-key", "response": response, "clientExtensionResults": {}}
        return json.dumps(answer)
