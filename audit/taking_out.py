"""Write a period that an auditor asked for into a file of his, in a task, and throw it away after a week.

The row holds the state; the task is a hint and the sweep finds what is due, so a killed worker's export is begun again.
Whoever begins one takes it for LEASE and takes it anew with each batch; one whose lease is over is anybody's.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any, Final

import structlog
from celery import current_app
from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import F

from audit import exporting
from audit.log import moment
from audit.models import Export
from audit.reading import Auditor, note
from audit.tiles import Damaged

KEPT: Final = timedelta(days=7)
LEASE: Final = timedelta(minutes=5)
MOST_ATTEMPTS: Final = 5
MOST_AT_ONCE: Final = 5  # of one auditor's, not finished yet
TOO_LATE: Final = "the lease was lost to another"

log = structlog.get_logger(__name__)
State = Export.State


class TooMany(Exception):
    """Refuse another export while several of the same auditor's are being written."""


class Lost(Exception):
    """Tell that another worker has taken this export over."""


def ask(auditor: Auditor, *, since: datetime, until: datetime, with_csv: bool, purpose: str, at: datetime) -> Export:
    """Note that an export is wanted, and hint to the task, which begins with the entry. Raises TooMany."""
    with transaction.atomic(durable=True):
        unfinished = Export.objects.filter(asked_by=auditor.actor, state__in=(State.ASKED, State.WRITING))
        if unfinished.count() >= MOST_AT_ONCE:
            raise TooMany
        asked = Export.objects.create(
            organisation=auditor.organisation, asked_by=auditor.actor, purpose=purpose, since=since, until=until,
            with_csv=with_csv, asked_at=at, due_at=at,
        )  # fmt: skip
        transaction.on_commit(lambda: _hint(asked.pk), robust=True)
    return asked


def _hint(export_id: int) -> None:
    current_app.send_task("audit.tasks.write_export", kwargs={"export_id": export_id}, ignore_result=True)


def due(at: datetime) -> list[int]:
    """Return the exports that nobody is writing and somebody should."""
    rows = Export.objects.filter(state__in=(State.ASKED, State.WRITING), due_at__lte=at)
    return list(rows.order_by("due_at").values_list("pk", flat=True)[:20])


def write(export_id: int, *, clock: Callable[[], datetime]) -> None:
    """Write one export, unless it is written or somebody is at it. Safe to repeat."""
    at = clock()
    if not _take(export_id, at):
        return
    found = Export.objects.get(pk=export_id)
    try:
        size = _write(found, at, clock)
    except exporting.NothingToExport:
        _settle(found, state=State.EMPTY)
    except Lost:
        log.warning("log.export_lost", export=export_id)
    except (Damaged, OSError, DatabaseError) as error:
        log.error("log.export_failed", export=export_id, error=type(error).__name__)
        _put_off(found, clock())
    else:
        until = clock() + KEPT
        _settle(found, state=State.READY, size=size, void_at=until, due_at=until)
        _sweep_up(found)


def sweep(at: datetime) -> int:
    """Throw away files that have had their week, and hint at what is due; return how many were thrown away."""
    for export_id in due(at):
        _hint(export_id)
    gone = 0
    for found in Export.objects.filter(state=State.READY, due_at__lte=at).order_by("due_at")[:20]:
        path_of(found).unlink(missing_ok=True)
        gone += _settle(found, state=State.VOID)
    return gone


def path_of(export: Export) -> Path:
    """Say where the file of an export is, in the folder that the site and its worker share."""
    return Path(settings.DATA_DIR) / "exports" / f"{export.public_id}.zip"


def opened(export: Export, auditor: Auditor, *, at: datetime) -> IO[bytes]:
    """Open a ready export for the auditor who asked for it, after the entry of that. Raises FileNotFoundError."""
    file = path_of(export).open("rb")
    try:
        facts = {"export": str(export.public_id), "since": moment(export.since), "until": moment(export.until)}
        note(auditor, "audit.export_fetched", at=at, purpose=export.purpose, facts=facts)
    except BaseException:
        file.close()
        raise
    return file


def _take(export_id: int, at: datetime) -> bool:
    """Take an export for LEASE; only one worker can."""
    rows = Export.objects.filter(pk=export_id, state__in=(State.ASKED, State.WRITING), due_at__lte=at)
    return bool(rows.update(state=State.WRITING, due_at=at + LEASE, attempts=F("attempts") + 1, done=0, of=0))


def _write(found: Export, at: datetime, clock: Callable[[], datetime]) -> int:
    """Write the file under another name and give it its own when it is whole; return its size in bytes."""
    asked = exporting.stretch(since=found.since, until=found.until, organisation=found.organisation)
    exporting.announce(asked, actor=found.asked_by, purpose=found.purpose, at=at)  # told again when begun again
    path = path_of(found)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = path.with_name(f".{found.public_id}.{found.attempts}.partial")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            progress = _progress(found, clock)
            exporting.write(file, asked, at=at, with_csv=found.with_csv, progress=progress)
            file.flush()
            os.fsync(file.fileno())
        size = partial.stat().st_size
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return size


def _progress(found: Export, clock: Callable[[], datetime]) -> exporting.Progress:
    """Return what notes the progress: the entries are gone through once for the lines and once for the table."""
    passes, told = (2 if found.with_csv else 1), {"done": 0, "pass": 0}

    def note_it(done: int, of: int) -> None:
        told["pass"] += done <= told["done"]
        told["done"] = done
        mine = Export.objects.filter(pk=found.pk, state=State.WRITING, attempts=found.attempts)
        if not mine.update(done=told["pass"] * of + done, of=passes * of, due_at=clock() + LEASE):
            raise Lost(TOO_LATE)

    return note_it


def _settle(found: Export, **changes: Any) -> int:
    """Change an export that nobody else has changed meanwhile; return how many rows that was."""
    return Export.objects.filter(pk=found.pk, state=found.state, attempts=found.attempts).update(**changes)


def _sweep_up(found: Export) -> None:
    """Remove what workers that were killed had written of it."""
    for partial in path_of(found).parent.glob(f".{found.public_id}.*.partial"):
        partial.unlink(missing_ok=True)


def _put_off(found: Export, at: datetime) -> None:
    """Let it be tried again later, five times in all."""
    if found.attempts >= MOST_ATTEMPTS:
        _settle(found, state=State.FAILED)
        _sweep_up(found)
    else:
        _settle(found, due_at=at + timedelta(seconds=30) * 2**found.attempts)
