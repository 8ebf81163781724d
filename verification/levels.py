"""Assurance levels and the one place where evidence becomes a level. Pure: no database, no clock."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Level(IntEnum):
    """How sure we are of who speaks. The eIDAS words, and NONE below them."""

    NONE = 0
    LOW = 1
    SUBSTANTIAL = 2
    HIGH = 3

    @property
    def label(self) -> str:
        return str(LABELS[self])


LABELS = {
    Level.NONE: pgettext_lazy("level of assurance", "none"),
    Level.LOW: _("low"),
    Level.SUBSTANTIAL: _("substantial"),
    Level.HIGH: _("high"),
}


@dataclass(frozen=True)
class Fact:
    """One piece of evidence as the levels see it: what was seen, when, and the contact point it leans on.

    `observed_at` is the moment of the login where a broker told it: what counts is how old the proof itself is.
    `approves` is the digest of the action and parameters that the person saw and approved, "" when he only identified.
    """

    kind: str
    observed_at: datetime
    rests_on_kind: str = ""
    quarantined_until: datetime | None = None
    approves: str = ""


@dataclass(frozen=True)
class Worth:
    """What one kind of evidence gives by itself, and for how long."""

    level: Level
    lasts: timedelta
    because: str


@dataclass(frozen=True)
class Together:
    """A level that no evidence gives alone: all of `base`, and at least one of `one_of`."""

    level: Level
    base: frozenset[str]
    one_of: frozenset[str]
    because: str


@dataclass(frozen=True)
class Held:
    """The level at a moment, and the moment when it will drop if nothing more is seen (None at NONE)."""

    level: Level
    until: datetime | None


NOTHING = Held(Level.NONE, None)


def held(
    facts: Iterable[Fact],
    *,
    worth: dict[str, Worth],
    together: Iterable[Together],
    at: datetime,
    youngest_than: timedelta | None = None,
    not_resting_on: frozenset[str] = frozenset(),
) -> Held:
    """Derive the level held at `at`.

    Only facts that count are weighed: known to the policy, seen by `at`, not outlived, not older than `youngest_than`,
    and leaning neither on a contact kind in `not_resting_on` nor on a contact still in quarantine. Unknown kinds weigh
    nothing: knowledge, caller ID and a voice have no kind, so no number of them can ever raise the level.
    """
    ends: dict[str, datetime] = {}
    for fact in facts:
        value = worth.get(fact.kind)
        if value is not None and _counts(fact, value, at, youngest_than, not_resting_on):
            end = fact.observed_at + min(value.lasts, youngest_than or value.lasts)
            ends[fact.kind] = max(end, ends.get(fact.kind, end))
    reached = [Held(worth[kind].level, end) for kind, end in ends.items()]
    reached += [found for rule in together if (found := _joined(rule, ends))]
    return max(reached, key=_height, default=NOTHING)


def lacking(
    required: Level,
    facts: Iterable[Fact],
    *,
    worth: dict[str, Worth],
    together: Iterable[Together],
    at: datetime,
    youngest_than: timedelta | None = None,
    not_resting_on: frozenset[str] = frozenset(),
) -> str:
    """Return what the evidence lacks for `required` at `at`: LEVEL, STALE, CONTACT, or "" when it lacks nothing.

    Asked in this order: is there enough evidence, is enough of it young enough, and does enough of that not lean on a
    contact that would change?
    """
    seen, rules = list(facts), list(together)
    limits: dict[str, dict[str, Any]] = {
        "LEVEL": {},
        "STALE": {"youngest_than": youngest_than},
        "CONTACT": {"youngest_than": youngest_than, "not_resting_on": not_resting_on},
    }
    for missing, more in limits.items():
        if held(seen, worth=worth, together=rules, at=at, **more).level < required:
            return missing
    return ""


def approved(
    facts: Iterable[Fact], digest: str, *, worth: dict[str, Worth], at: datetime, youngest_than: timedelta | None = None
) -> bool:
    """Tell whether some fact that still counts approves exactly the action and parameters of this digest."""
    return bool(approvals(facts, digest, worth=worth, at=at, youngest_than=youngest_than))


def approvals(
    facts: Iterable[Fact], digest: str, *, worth: dict[str, Worth], at: datetime, youngest_than: timedelta | None = None
) -> list[datetime]:
    """Return the moments of the facts that still count and approve exactly what this digest stands for."""
    return [
        fact.observed_at
        for fact in facts
        if digest
        and hmac.compare_digest(fact.approves, digest)
        and (value := worth.get(fact.kind)) is not None
        and _counts(fact, value, at, youngest_than, frozenset())
    ]


def _counts(
    fact: Fact, value: Worth, at: datetime, youngest_than: timedelta | None, not_resting_on: frozenset[str]
) -> bool:
    age = at - fact.observed_at
    if age < timedelta(0) or age >= value.lasts:
        return False
    if youngest_than is not None and age > youngest_than:
        return False
    if fact.rests_on_kind and fact.rests_on_kind in not_resting_on:
        return False
    return fact.quarantined_until is None or fact.quarantined_until <= at


def _joined(rule: Together, ends: dict[str, datetime]) -> Held | None:
    extra = [ends[kind] for kind in rule.one_of if kind in ends]
    if not extra or not rule.base <= ends.keys():
        return None
    return Held(rule.level, min([*(ends[kind] for kind in rule.base), max(extra)]))


def _height(found: Held) -> tuple[Level, float]:
    return found.level, found.until.timestamp() if found.until else 0.0
