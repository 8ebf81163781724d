"""Logs for tests: made by the real sequencer and publisher, inside a test's own transaction, and then tampered with."""

import hashlib
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from django.conf import settings
from django.db import connection

from audit import log, publishing, sequencing
from audit.canonical import canonical
from audit.models import Entry, Leaf, SignedCheckpoint, Tree
from audit.sequencing import Ready

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
NAMES = UUID("4e0c5f8e-27f7-4b2c-8d8e-0a4c5d3d1e52")


def uid_of(number: int) -> UUID:
    return uuid5(NAMES, str(number))


def fill(first: int, end: int, **changes: str) -> None:
    """Insert entries as `record` does, without its search for a key; every third has a payload."""
    for number in range(first, end):
        uid, payload = uid_of(number), hashlib.sha512(b"%d" % number).digest() if number % 3 == 0 else None
        envelope = {
            "v": 1, "uid": str(uid), "at": log.moment(AT), "kind": "gate.refused", "actor": f"staff:a-{number % 7}",
            "subject": f"s-{number % 5}", "outcome": "refused", "purpose": 'You asked for "a refund", or \\so',
            "org": f"o-{number % 2}", "facts": {"n": number, "kind": "gate.granted"}, "key_commit": "00" * 32,
            **changes,
        }  # fmt: skip
        if payload is not None:
            envelope["ct_sha256"] = hashlib.sha256(payload).hexdigest()
        copies = [str(envelope[name]) for name in ("kind", "subject", "actor", "outcome", "org")]
        log._insert(uid, copies, canonical(envelope), payload)


def sequence() -> Tree:
    """Let the real sequencer append what has no leaf: by itself it waits for this very transaction to end."""
    sequencing.open_first()
    tree = sequencing.locked()
    assert tree is not None
    sequenced = set(Leaf.objects.values_list("entry_id", flat=True))
    waiting = [entry for entry in Entry.objects.order_by("id") if entry.pk not in sequenced]
    sequencing.append(tree, [Ready(entry.pk, bytes(entry.body), entry.epoch, 0) for entry in waiting])
    tree.last_epoch, tree.last_id, tree.last_xid = waiting[-1].epoch, waiting[-1].pk, own_transaction()
    tree.save(update_fields=sequencing.MOVED)
    return tree


def own_transaction() -> int:
    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text::bigint")
        return int(cursor.fetchone()[0])


def publish() -> SignedCheckpoint:
    signed = publishing.publish(at=AT)
    assert signed is not None
    return signed


def grow(*sizes: int, data_dir: Any) -> Tree:
    """Make a log that was sequenced and signed at each of these sizes."""
    settings.DATA_DIR = data_dir
    before = 0
    for size in sizes:
        fill(before, size)
        tree = sequence()
        publish()
        before = size
    return tree


def disarm() -> None:
    """Do what only an owner of the tables can: put aside the guards, and the indexes that must read a body."""
    with connection.cursor() as cursor:
        for index in ("audit_entry_contact", "audit_entry_action"):
            cursor.execute(f"DROP INDEX IF EXISTS {index}")
        if connection.vendor == "postgresql":
            for table in connection.introspection.table_names(cursor):
                if table.startswith("audit_"):
                    cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        else:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name LIKE 'audit_%%'")
            for (name,) in cursor.fetchall():
                cursor.execute(f'DROP TRIGGER "{name}"')


def tamper(statement: str, *values: object) -> int:
    """Run a statement of a superuser; return how many rows it changed."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)
