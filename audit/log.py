"""Write the log, and read it back. `record` is the only way an Entry comes to be."""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID, uuid4

from django.db import connection

from audit import keys
from audit.canonical import canonical, check, written
from audit.models import Entry

SCHEMA = 1
LARGEST_BODY = 65_535  # an entry bundle of C2SP tlog-tiles gives the length in 16 bits
KIND = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)+")
ACTOR = re.compile(r"(staff|caller|customer|system):[!-~]+")
WORD = re.compile(r"[!-~]+")


class NotInTransaction(Exception):
    """Refuse to write an Entry outside the transaction of what it describes."""


class Swallowed(Exception):
    """Tell that an Entry was written and isn't there: what it describes must not happen."""


class Tampered(Exception):
    """Tell that an Entry's personal payload isn't the one its body commits to."""


class Reading(NamedTuple):
    """Pair an Entry's envelope with its personal payload: a dict, the word "erased", or None if it had none."""

    envelope: dict[str, Any]
    personal: dict[str, Any] | Literal["erased"] | None


def record(
    *,
    kind: str,
    actor: str,
    subject: str,
    at: datetime,
    outcome: str,
    purpose: str,
    facts: Mapping[str, Any],
    personal: Mapping[str, Any] | None = None,
    organisation: str = "",
) -> UUID:
    """Append one Entry in the caller's transaction and return its receipt.

    `kind` is dotted lower case; `actor` is staff:, caller:, customer: or system: and a pseudonym; `subject` is a
    random pseudonym; `organisation` is whose staff may read it; `at` is aware; `facts` go into the envelope in clear,
    `personal` under the subject's key. Raises NotInTransaction outside a transaction, TypeError for values that have
    no one canonical form (floats, integers beyond 2**53 - 1, keys that aren't ASCII), ValueError for a malformed name
    or more than 65,535 bytes.
    """
    if not connection.in_atomic_block:
        raise NotInTransaction(f"{kind} must be recorded in the transaction of what it describes")
    _check_names(kind, actor, subject, outcome)
    uid = uuid4()
    envelope = {
        "v": SCHEMA, "uid": str(uid), "at": moment(at), "kind": kind, "actor": actor, "subject": subject,
        "outcome": outcome, "purpose": purpose, "org": organisation, "facts": dict(facts),
    }  # fmt: skip
    for part in ("facts", "purpose", "org"):  # the rest is ours, or of a form that was asked for
        check(envelope[part], part)
    key = keys.subject_key(subject, at=at)
    envelope["key_commit"] = key.commitment.hex()
    payload = _encrypt(key, uid, personal)
    if payload is not None:
        envelope["ct_sha256"] = hashlib.sha256(payload).hexdigest()
    _insert(uid, [kind, subject, actor, outcome, organisation], _body(envelope), payload)
    return uid


def read(entry: Entry) -> Reading:
    """Give an Entry's envelope and its decrypted personal payload; raises Tampered when they don't belong together."""
    envelope: dict[str, Any] = json.loads(bytes(entry.body))
    if "ct_sha256" not in envelope:
        return Reading(envelope, None)
    payload = bytes(entry.payload_ct or b"")
    if hashlib.sha256(payload).hexdigest() != envelope["ct_sha256"]:
        raise Tampered(f"the payload of {envelope['uid']} isn't the one that was recorded")
    key = keys.find(envelope["subject"])
    # A key made after an erasure can't open what came before it, so another commitment means erased.
    if key is None or key.commitment.hex() != envelope["key_commit"]:
        return Reading(envelope, "erased")
    return Reading(envelope, json.loads(keys.decrypt(key.secret, payload, context=_context(envelope["uid"]))))


def moment(at: datetime) -> str:
    """Write an aware moment in UTC with fixed width: 2026-11-22T00:40:00.000000Z."""
    if at.tzinfo is None:
        raise TypeError("at: a moment without a time zone")
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _check_names(kind: str, actor: str, subject: str, outcome: str) -> None:
    for name, value, pattern in (
        ("kind", kind, KIND), ("actor", actor, ACTOR), ("subject", subject, WORD), ("outcome", outcome, WORD),
    ):  # fmt: skip
        if not pattern.fullmatch(value):
            raise ValueError(f"{name}: {value!r} isn't of the form {pattern.pattern}")


def _encrypt(key: keys.Key, uid: UUID, personal: Mapping[str, Any] | None) -> bytes | None:
    if personal is None:
        return None
    return keys.encrypt(key.secret, canonical(dict(personal), path="personal"), context=_context(str(uid)))


def _body(envelope: dict[str, Any]) -> bytes:
    body = written(envelope)
    if len(body) > LARGEST_BODY:
        raise ValueError(f"an entry of {len(body)} bytes; {LARGEST_BODY} is the most")
    return body


def _insert(uid: UUID, copies: list[str], body: bytes, payload: bytes | None) -> None:
    # Raw, because the ORM would cost a tenth of the write; it also names no column the database fills by itself.
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_entry (uid, kind, subject_ref, actor, outcome, org, body, payload_ct)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            [uid if connection.vendor == "postgresql" else uid.hex, *copies, body, payload],
        )
        if cursor.rowcount != 1:  # a rule or a trigger that is none of ours may swallow it without an error
            raise Swallowed(f"the database took the entry {uid} and kept nothing")


def _context(uid: str) -> str:
    return f"entry:{uid}"
