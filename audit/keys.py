"""Encrypt fields under FIELD_KEY, and keep one random key per subject that can be destroyed.

Everything sealed is one version byte, a random 12-byte nonce, and AES-256-GCM ciphertext with its tag. The context
is authenticated with it, so that a value sealed for one place can't be moved to another.
"""

import hmac
import os
from datetime import datetime
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import connection

from audit.models import SubjectKey

VERSION = b"\x01"
NONCE_BYTES = 12
KEY_BYTES = 32


class Unreadable(Exception):
    """Tell that a sealed value can't be opened: other key, other context, other version, or altered bytes."""


class Key(NamedTuple):
    """Pair one subject's key with its commitment, both 32 bytes."""

    secret: bytes
    commitment: bytes


def seal(value: bytes | str, *, context: str) -> bytes:
    """Encrypt bytes, or text as UTF-8, under FIELD_KEY."""
    return encrypt(settings.FIELD_KEY, value.encode() if isinstance(value, str) else value, context=context)


def unseal(sealed: bytes, *, context: str) -> bytes:
    """Decrypt what `seal` made with the same context; raises Unreadable."""
    return decrypt(settings.FIELD_KEY, sealed, context=context)


def encrypt(key: bytes, plain: bytes, *, context: str) -> bytes:
    """Encrypt with AES-256-GCM (NIST SP 800-38D) under a 32-byte key and a random nonce."""
    nonce = os.urandom(NONCE_BYTES)
    return VERSION + nonce + AESGCM(key).encrypt(nonce, plain, context.encode())


def decrypt(key: bytes, sealed: bytes, *, context: str) -> bytes:
    """Decrypt what `encrypt` made under this key and context; raises Unreadable."""
    sealed = bytes(sealed)
    nonce, ciphertext = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
    if sealed[:1] != VERSION:
        raise Unreadable("unknown version of a sealed value")
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, context.encode())
    except (InvalidTag, ValueError):
        raise Unreadable("a sealed value does not open") from None


def commit(key: bytes) -> bytes:
    """Commit to a key (HMAC-SHA256): AES-GCM alone would let its holder open one ciphertext in two ways."""
    return hmac.digest(key, b"commit", "sha256")


def subject_key(subject: str, *, at: datetime) -> Key:
    """Give the key of a subject, making it the first time. Two at once get the same one."""
    if key := find(subject) or _make(subject, at) or find(subject):
        return key
    raise Unreadable("a subject's key was erased while it was being made")


def _make(subject: str, at: datetime) -> Key | None:
    """Make a subject's key; None when somebody else made it first, for whose commit this waited."""
    secret = os.urandom(KEY_BYTES)
    key = Key(secret, commit(secret))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_subject_key (subject_ref, wrapped, commitment, created_at) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT DO NOTHING",
            [
                subject,
                seal(secret, context=_context(subject)),
                key.commitment,
                connection.ops.adapt_datetimefield_value(at),
            ],
        )
        return key if cursor.rowcount == 1 else None


def find(subject: str) -> Key | None:
    """Give the key of a subject, or None when it has none or was erased; raises Unreadable."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT wrapped, commitment FROM audit_subject_key WHERE subject_ref = %s", [subject])
        row = cursor.fetchone()
    if row is None:
        return None
    key = Key(unseal(row[0], context=_context(subject)), bytes(row[1]))
    if not hmac.compare_digest(commit(key.secret), key.commitment):
        raise Unreadable("a subject's key does not match its commitment")
    return key


def erase(subject: str) -> bool:
    """Destroy the key of a subject, and with it all that was sealed under it; False when there was none.

    The caller records the erasure as an Entry first, in the same transaction: see audit.erasure.
    """
    return SubjectKey.objects.filter(subject_ref=subject).delete()[0] == 1


def _context(subject: str) -> str:
    return f"subject-key:{subject}"
