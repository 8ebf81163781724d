"""Erase a subject: the one thing that makes the log forget, and which the log itself records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Exists, OuterRef

from audit import append_only, keys, retention
from audit.log import record
from audit.models import Entry, SubjectKey

MOST: Final = 200  # subjects at a time
_KEEPERS: Final[list[Callable[[list[str]], Iterable[str]]]] = []


def erase(*, subject: str, actor: str, purpose: str, at: datetime, organisation: str = "") -> UUID:
    """Record that a subject is erased and destroy his key, in the caller's transaction; returns the receipt.

    The rows, their hashes and every proof over them stay as they were: only the personal payloads become unreadable.
    """
    uid = record(
        kind="audit.erased", actor=actor, subject=subject, at=at, outcome="ok", purpose=purpose, facts={},
        organisation=organisation,
    )  # fmt: skip
    keys.erase(subject)
    return uid


def keep(of: Callable[[list[str]], Iterable[str]]) -> None:
    """Ask `of`, given subjects of whom nothing was told for long, which of them are still somebody's: these stay."""
    _KEEPERS.append(of)


def sweep(at: datetime) -> int:
    """Erase subjects of whom nothing was told for as long as the log is kept; return how many. Safe to repeat."""
    gone = 0
    for subjects in _long_silent(at - retention.lasts("log")):
        kept = {subject for of in _KEEPERS for subject in of(subjects)}
        for subject in (each for each in subjects if each not in kept):
            _forget(subject, at)
            gone += 1
    return gone


def _long_silent(before: datetime) -> Iterator[list[str]]:
    """Yield the subjects of whom nothing was told since `before`, some at a time, in the order of their names."""
    told = Entry.objects.filter(subject_ref=OuterRef("subject_ref"), at__gte=before)
    silent = SubjectKey.objects.filter(~Exists(told), created_at__lt=before).order_by("subject_ref")
    last = ""
    while subjects := list(silent.filter(subject_ref__gt=last).values_list("subject_ref", flat=True)[:MOST]):
        yield subjects
        last = subjects[-1]


def _forget(subject: str, at: datetime) -> None:
    with transaction.atomic():
        erase(subject=subject, actor="system:audit.erasure", at=at, purpose="keep nothing longer than it is needed")


def _is_told(connection: BaseDatabaseWrapper) -> str:
    """Write, over OLD, that the log tells of this very erasure: whoever destroys a key leaves that trace."""
    entry = Entry._meta.db_table
    if connection.vendor == "postgresql":
        return (
            f"EXISTS (SELECT 1 FROM {entry} e WHERE e.subject_ref = OLD.subject_ref"  # noqa: S608 - constants
            " AND e.kind = 'audit.erased' AND e.xid = pg_current_xact_id())"
        )
    newest = f'(SELECT kind FROM "{entry}" WHERE subject_ref = OLD.subject_ref ORDER BY id DESC LIMIT 1)'  # noqa: S608
    return f"coalesce({newest} = 'audit.erased', 0)"


append_only.goes_only(SubjectKey._meta.db_table, when=_is_told)
