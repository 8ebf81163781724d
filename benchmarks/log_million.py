"""A long log made in the database at once: how fast it is sequenced, and verified from the first entry to the last."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

from django.db import connection
from django.utils import timezone

from audit import log_keys, notes, sequencing
from audit.models import SignedCheckpoint, SigningKey, Tree
from audit.verifying import verify
from benchmarks.measuring import figure
from benchmarks.server import Processes

AT_ONCE = 100_000

# Bodies in the one canonical form that audit.log writes, so that verifying has nothing to forgive; no writer has them.
FILL = """
    INSERT INTO audit_entry (uid, kind, subject_ref, actor, outcome, org, body, payload_ct)
    SELECT uid, kind, subject, actor, outcome, org, convert_to(format(
        '{"actor":"%%s","at":"2026-11-22T00:40:00.000000Z","ct_sha256":"%%s","facts":{"action":"change_address",'
        '"interaction":"%%s","row":%%s},"key_commit":"%%s","kind":"%%s","org":"%%s","outcome":"%%s",'
        '"purpose":"You asked to have your address changed","subject":"%%s","uid":"%%s","v":1}',
        actor, encode(sha256(payload), 'hex'), contact, n, repeat('0', 64), kind, org, outcome, subject, uid), 'UTF8'),
        payload
      FROM (SELECT n, gen_random_uuid() AS uid, 'customer-' || n %% 50000 AS subject, 'staff:a-' || n %% 300 AS actor,
                   md5((n / 8)::text)::uuid AS contact, %(org)s AS org,
                   CASE WHEN n %% 10 = 0 THEN 'gate.refused' ELSE 'gate.granted' END AS kind,
                   CASE WHEN n %% 10 = 0 THEN 'refused' ELSE 'granted' END AS outcome,
                   decode(repeat(md5(n::text), 8), 'hex') AS payload
              FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n) AS made"""
# What only searching needs: left away while the rows are made, and built again afterwards.
SEARCHED = """
    SELECT indexname, indexdef FROM pg_indexes
     WHERE tablename = 'audit_entry' AND indexdef NOT LIKE '%%UNIQUE%%' AND indexname <> 'audit_entry_cursor'"""


def fill(count: int, organisation: str) -> None:
    """Insert so many entries as if they had been recorded."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(SEARCHED)
        searched = cursor.fetchall()
        for name, _ in searched:
            cursor.execute(f"DROP INDEX {name}")
        for first in range(1, count + 1, AT_ONCE):
            cursor.execute(FILL, {"first": first, "last": min(first + AT_ONCE - 1, count), "org": organisation})
        for _, definition in searched:
            cursor.execute(definition)
        cursor.execute("ANALYZE audit_entry")


def sequenced() -> tuple[int, float]:
    """Sequence what waits, batch by batch, and return how many entries it was and in how many seconds."""
    done, began = 0, time.perf_counter()
    while batch := sequencing.sequence():
        done += batch
    return done, time.perf_counter() - began


def verified(times: int) -> dict[str, Any]:
    """Sign the log as it stands and verify the whole of it, so many times; seconds for a million leaves.

    `cpu` is the processor time of it, of PostgreSQL's too, which others on the machine don't lengthen.
    """
    tree, processes = Tree.objects.latest("log"), Processes()
    sign(tree)
    taken, cpu = [], []
    for _ in range(times):
        began, used = time.perf_counter(), time.process_time() + processes.postgresql_ms() / 1000
        found = verify(tree, log_keys.vkeys(tree))
        taken.append((time.perf_counter() - began) * 1_000_000 / found.size)
        used = time.process_time() + processes.postgresql_ms() / 1000 - used
        cpu.append(used * 1_000_000 / found.size)
        if found.findings:
            raise SystemExit(f"The log that was measured isn't sound: {found.findings[:3]}")
    return {"leaves": found.size, "seconds_a_million": asdict(figure(taken)), "cpu": asdict(figure(cpu))}


def sign(tree: Tree) -> None:
    signers = log_keys.signers(tree.origin)
    if SigningKey.of_every_log.filter(log=tree.log).first() is None:
        log_keys.introduce(tree, signers, at=timezone.now())
    text = notes.checkpoint_text(tree.origin, tree.size, bytes(tree.root))
    SignedCheckpoint.of_every_log.get_or_create(
        log=tree.log, size=tree.size, defaults={"note": notes.sign(text, *signers), "signed_at": timezone.now()}
    )
