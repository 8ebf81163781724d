"""How long an auditor waits for a page of a long log."""

from __future__ import annotations

import json
import time
from statistics import median

from django.test import Client
from django.urls import reverse

from audit.models import Entry
from benchmarks.pages import logged_in
from benchmarks.world import World

LOOKS = 5


def measured(world: World) -> dict[str, float]:
    """Return for each page the ms until it is answered, the median of some."""
    client = logged_in(world.auditor)
    return {name: round(median(_look(client, address) for _ in range(LOOKS)), 1) for name, address in _pages().items()}


def _pages() -> dict[str, str]:
    log = reverse("admin:audit_entry_changelist")
    newest = Entry.objects.latest("id").pk
    last = Entry.objects.filter(kind="gate.granted").latest("id")
    return {
        "the newest entries": log,
        "from the middle of the log on": f"{log}?before={newest // 2}",
        "of one customer": f"{log}?subject_ref={last.subject_ref}",
        "of one colleague": f"{log}?actor={last.actor}",
        "of one contact": f"{log}?contact={json.loads(bytes(last.body))['facts']['interaction']}",
        "refusals of one customer": f"{log}?subject_ref={last.subject_ref}&outcome=refused",
    }


def _look(client: Client, address: str) -> float:
    began = time.perf_counter()
    answer = client.get(address)
    if answer.status_code != 200:
        raise SystemExit(f"{address} answered {answer.status_code}")
    return (time.perf_counter() - began) * 1000
