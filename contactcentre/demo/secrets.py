"""What the demo's people know and hold: passwords that are printed, keys and codes that belong to this database alone.

Keys and codes are derived from FIELD_KEY, so that nothing has to be kept in clear to be shown again.
"""

from __future__ import annotations

import base64
import hmac
from hashlib import sha256

from django.conf import settings

from verification.keypad import LIST_LENGTH


def password(username: str) -> str:
    """Return the password that everybody is told."""
    return f"demo only: {username.replace('_', ' ')}"


def app_key(name: str) -> bytes:
    """Return the 20 bytes that a code app of this user or customer holds (RFC 4226 section 4, R6)."""
    return _derived(f"app:{name}")[:20]


def shown(key: bytes) -> str:
    """Return a key as code apps take it in: base32."""
    return base64.b32encode(key).decode()


def printed_codes(number: str) -> list[str]:
    """Return the codes on this customer's printed list; the first stands beside 1."""
    return [f"{int.from_bytes(_derived(f'list:{number}:{at}')[:8]) % 10**6:06d}" for at in range(1, LIST_LENGTH + 1)]


def _derived(text: str) -> bytes:
    return hmac.new(settings.FIELD_KEY, f"demo:{text}".encode(), sha256).digest()
