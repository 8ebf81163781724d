"""One save of a row, four times: logged by nobody, by us, by django-simple-history and by django-auditlog."""

from __future__ import annotations

import os
import time
from datetime import datetime
from itertools import count, cycle
from typing import NamedTuple
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from audit.log import record
from benchmarks.models import Noted, NotedByAuditlog, NotedByNobody, NotedBySimpleHistory, NotedByUs

NONE, OURS = "logged by nobody", "our log"
KINDS: dict[str, type[Noted]] = {
    NONE: NotedByNobody,
    OURS: NotedByUs,
    "django-simple-history": NotedBySimpleHistory,
    "django-auditlog": NotedByAuditlog,
}
ROWS = 50  # of each writer, which nobody else touches
WORDS = "The caller asked where his parcel is and was told that it waits at the pick-up point until Friday evening. "


class Done(NamedTuple):
    """Say what one writer did in a slice: milliseconds of each save, and of his processor in all."""

    taken: list[float]
    cpu: float


class Writer:
    """One process's own rows of each kind, saved in turn."""

    def __init__(self) -> None:
        self._number = count()
        self._contact = str(uuid4())
        self._rows = {name: cycle(self._inserted(kind)) for name, kind in KINDS.items()}

    def save_until(self, name: str, start: float, end: float) -> Done:
        """Save rows of one kind from `start` to `end`, both of the monotonic clock, which all processes share."""
        save = self._save_and_record if name == OURS else self._save
        rows, taken = self._rows[name], []
        time.sleep(max(0.0, start - time.monotonic()))
        cpu, before = time.process_time(), time.monotonic()
        while before < end:
            save(next(rows))
            now = time.monotonic()
            taken.append((now - before) * 1000)
            before = now
        return Done(taken, (time.process_time() - cpu) * 1000)

    def _inserted(self, kind: type[Noted]) -> list[Noted]:
        at = timezone.now()
        rows = [
            kind(
                customer=str(uuid4()), title=f"Parcel {place}", state="OPEN", cents=100 * place, changed_at=at, notes=""
            )
            for place in range(ROWS)
        ]
        for row in rows:
            (self._save_and_record if kind is NotedByUs else self._save)(row)
        return rows

    def _save(self, row: Noted) -> datetime:
        row.changed_at, row.notes = timezone.now(), f"{next(self._number):08} {WORDS * 2}"[:200]
        with transaction.atomic(durable=True):
            row.save()
        return row.changed_at

    def _save_and_record(self, row: Noted) -> None:
        """Save, and record the whole new row: what is personal of it under the customer's key."""
        row.changed_at, row.notes = timezone.now(), f"{next(self._number):08} {WORDS * 2}"[:200]
        with transaction.atomic(durable=True):
            row.save()
            record(
                kind="row.changed", actor=f"staff:{os.getpid()}", subject=row.customer, at=row.changed_at, outcome="ok",
                purpose="You asked where your parcel is", organisation="measured",
                facts={
                    "action": "change_notes", "interaction": self._contact, "row": row.pk, "state": row.state,
                    "cents": row.cents,
                },
                personal={"title": row.title, "notes": row.notes},
            )  # fmt: skip
