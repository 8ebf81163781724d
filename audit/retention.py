"""How long things are kept: classes as data (retention.toml), and for each table what happens when its time is over.

Each room says it of its own tables: `expires` for rows that go or are emptied by themselves, `stays` for rows that
can't be changed and hold pseudonyms, or that are of use as long as their customer is one. The sweep is safe to repeat.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.apps import apps
from django.db import transaction
from django.db.models import Q

from audit.log import record

FILE: Final = Path(__file__).with_name("retention.toml")
MOST: Final = 1_000  # rows of one table in one transaction


class Nonsense(ValueError):
    """Say which entry of retention.toml makes no sense, and why."""


@dataclass(frozen=True)
class Kept:
    """One class: kept for so long after its clock begins, because of this."""

    lasts: timedelta
    because: str


@dataclass(frozen=True)
class Rule:
    """What happens to the rows of one table, `since` naming the column of their clock; without one they stay.

    `empties` are the columns that are emptied instead of the row going; `only` narrows to what has come to its end.
    """

    model: str
    kept: str
    since: str = ""
    only: Q = field(default_factory=Q)
    empties: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""


_RULES: Final[dict[str, Rule]] = {}


@cache
def classes() -> dict[str, Kept]:
    """Return the classes by name. Raises Nonsense."""
    return {name: _kept(name, entry) for name, entry in tomllib.loads(FILE.read_text(encoding="utf-8")).items()}


def _kept(name: str, entry: Any) -> Kept:
    days, because = (entry.get("days"), entry.get("because")) if isinstance(entry, dict) else (None, None)
    if not isinstance(days, int) or isinstance(days, bool) or not 0 <= days <= 36_525:
        raise Nonsense(f"retention.toml: {name}.days must be a whole number of days up to a hundred years")
    if not isinstance(because, str) or len(because) < 20:
        raise Nonsense(f"retention.toml: {name} doesn't say why (because)")
    return Kept(timedelta(days=days), because)


def lasts(kept: str) -> timedelta:
    """Return how long things of one class are kept. Raises Nonsense for one that there isn't."""
    try:
        return classes()[kept].lasts
    except KeyError:
        raise Nonsense(f"retention.toml has no class {kept!r}") from None


def expires(
    model: str,
    *,
    kept: str,
    since: str,
    only: Q | None = None,
    empties: Mapping[str, Any] | None = None,
    note: str = "",
) -> None:
    """Let rows of a model ("app.Model") go, or be emptied, once their class has passed since `since`."""
    lasts(kept)
    _add(Rule(model, kept, since, only or Q(), empties or {}, note))


def stays(*models: str, kept: str, note: str) -> None:
    """Say why rows of these models stay: they hold pseudonyms only, or go with their customer."""
    lasts(kept)
    for model in models:
        _add(Rule(model, kept, note=note))


def _add(rule: Rule) -> None:
    if rule.model in _RULES:
        raise RuntimeError(f"what happens to {rule.model} is told twice")
    _RULES[rule.model] = rule


def rules() -> list[Rule]:
    """Return every rule, by the name of its model."""
    return [_RULES[model] for model in sorted(_RULES)]


def sweep(at: datetime) -> dict[str, int]:
    """Let go of what has had its time, at most MOST rows a table; return how many by model, those with none left out.

    One entry tells of it, in the same transaction as the deletions.
    """
    with transaction.atomic():
        gone = {rule.model: count for rule in rules() if rule.since and (count := _let_go(rule, at))}
        if gone:
            record(
                kind="retention.swept", actor="system:audit.retention", subject="retention", at=at, outcome="ok",
                purpose="keep nothing longer than it is needed", facts={"rows": gone},
            )  # fmt: skip
    return gone


def _let_go(rule: Rule, at: datetime) -> int:
    model = apps.get_model(rule.model)
    due = model._default_manager.filter(rule.only, **{f"{rule.since}__lt": at - lasts(rule.kept)})
    if rule.empties:
        due = due.exclude(**rule.empties)
    rows = model._default_manager.filter(pk__in=list(due.order_by("pk").values_list("pk", flat=True)[:MOST]))
    count: int = rows.update(**rule.empties) if rule.empties else rows.delete()[1].get(model._meta.label, 0)
    return count


def told() -> Iterator[tuple[str, str, str]]:
    """Yield for each model its class, and in words what happens: for the record of processing (GDPR art. 30)."""
    for rule in rules():
        yield rule.model, rule.kept, _in_words(rule)


def _in_words(rule: Rule) -> str:
    if not rule.since:
        return rule.note
    what = f"{', '.join(rule.empties)} emptied" if rule.empties else "deleted"
    return f"{what}, counted from {rule.since}" + (f"; {rule.note}" if rule.note else "")


stays("audit.Entry", kept="log", note="rows can't be changed; the personal part goes with the subject's key")
stays(
    "audit.SubjectKey", kept="log", note="destroyed once its subject is erased, or nothing was told of it for so long"
)
stays(
    "audit.Checkpoint", "audit.Leaf", "audit.SignedCheckpoint", "audit.SigningKey", "audit.Sink", "audit.Tile",
    "audit.Tree",
    kept="log", note="hashes only",
)  # fmt: skip
stays("audit.Alarm", "audit.Compared", kept="log", note="numbers and moments only")
stays("audit.Flood", kept="trace", note="keyed hashes of networks, which the count itself forgets after two weeks")
expires(
    "audit.Export", kept="trace", since="asked_at",
    note="who took which period out; the file itself goes after a week, and no personal data are in it in clear",
)  # fmt: skip
