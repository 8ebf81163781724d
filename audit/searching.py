"""Find entries among tens of millions, a page at a time, newest first.

A page goes on from the number of an entry, so the thousandth costs what the first does. Of what is asked, the narrowest
condition that has an index is walked along, and the others are held against what it yields: at most WINDOW entries a
page. Where that many hold too few, the page says how far it has looked, and the next goes on from there. So no search,
whatever is combined, waits on the whole log.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db import connection, transaction
from django.db.models import Count, Max, Min, QuerySet

from audit.facts import ACTION, CONTACT, Fact
from audit.models import Entry

MOST: Final = 100
WINDOW: Final = 2_000  # an entry that is in no cache costs a read of the disk
COUNTED: Final = 500  # of each condition, to see which is the narrowest
# Entries are numbered in the order of time but for those that were written at the same moment, and for a clock that
# was set back; so much is looked at beyond the period asked for.
SLACK: Final = timedelta(minutes=10)
USUAL: Final = ("ok", "granted")  # outcomes that no index holds, since some of the newest entries have them at any time
# Of an action are the gate's decisions about it: the index holds these, so that other entries don't pay for it.
DECISIONS: Final = (
    "gate.failed", "gate.granted", "gate.malformed", "gate.proposed", "gate.refused", "gate.rejected",
)  # fmt: skip
# Where several conditions yield more than can be counted, the one that is likely to be the narrowest.
BY_GUESS: Final = ("contact", "subject_ref", "action", "actor", "outcome", "kind", "org")
COLUMNS: Final = ("subject_ref", "actor", "kind", "outcome", "contact", "action")
COMPUTED: Final[dict[str, Fact]] = {"contact": CONTACT, "action": ACTION}


@dataclass(frozen=True)
class Asked:
    """What is looked for: exact values by name (COLUMNS), a period, and from which entry on."""

    exact: Mapping[str, str] = field(default_factory=dict)
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None
    after: int | None = None


class Found(NamedTuple):
    """One page, newest first; `older` and `newer` are the numbers to go on from, None at an end.

    `cut` tells that it stopped looking before it had found enough, though there may be more.
    """

    entries: list[Entry]
    older: int | None
    newer: int | None
    cut: bool


def find(asked: Asked, organisation: str, *, most: int = MOST) -> Found:
    """Return a page of one organisation's entries; an entry of no organisation is nobody's to find."""
    if not organisation:
        return Found([], None, None, cut=False)
    with _walking():
        return _found(asked, organisation, most)


def _found(asked: Asked, organisation: str, most: int) -> Found:
    low, high = _range(asked)
    upwards = asked.after is not None
    driver = _narrowest({**asked.exact, "org": organisation}, low, high)
    walked = along(driver, low, high, upwards=upwards)
    entries = _matching(walked, asked, organisation, {*asked.exact, "org"} - {driver[0]}, upwards, most + 1)
    more = len(entries) > most
    stopped = None if more else _last_walked(walked, upwards)
    entries = entries[:most]
    ends = [entry.pk for entry in entries]
    onwards = ends[-1] if more else stopped
    back = ends[0] if ends else (asked.after if upwards else asked.before)
    if upwards:
        return Found(entries[::-1], back, onwards, cut=stopped is not None)
    return Found(entries, onwards, back if asked.before is not None else None, cut=stopped is not None)


def along(driver: tuple[str, str], low: int, high: int, *, upwards: bool = False) -> QuerySet[Entry]:
    """Return the entries that one condition yields between two numbers (both left out), in order, WINDOW at most."""
    name, value = driver
    rows = Entry.objects.filter(pk__gt=low, pk__lt=high)
    rows = rows.alias(**{name: COMPUTED[name]}) if name in COMPUTED else rows
    rows = rows.filter(kind__in=DECISIONS) if name == "action" else rows
    return rows.filter(**{name: value}).order_by("pk" if upwards else "-pk")[:WINDOW]


def _range(asked: Asked) -> tuple[int, int]:
    """Return the numbers between which (both left out) all entries that may match lie."""
    ends = Entry.objects.aggregate(first=Min("pk"), last=Max("pk"))
    low, high = (ends["first"] or 1) - 1, (ends["last"] or 0) + 1
    first, last = low, high
    if asked.since is not None:
        low = _first_at(asked.since - SLACK, first, last) - 1
    if asked.until is not None:
        high = _first_at(asked.until + SLACK, first, last)
    return max(low, asked.after or 0), min(high, high if asked.before is None else asked.before)


def _first_at(moment: datetime, first: int, last: int) -> int:
    """Return the number of the first entry at or after a moment, by halving: some twenty looks through the key."""
    low, high = first + 1, last
    while low < high:
        middle = (low + high) // 2
        row = Entry.objects.filter(pk__gte=middle).order_by("pk").values_list("pk", "at").first()
        if row is not None and row[1] < moment:
            low = row[0] + 1
        else:
            high = middle
    return low


def _narrowest(conditions: Mapping[str, str], low: int, high: int) -> tuple[str, str]:
    """Return the condition that yields the fewest entries, as far as they are counted."""
    indexed = [
        (name, value) for name, value in conditions.items() if not (name == "outcome" and value in USUAL)
    ]  # fmt: skip
    if len(indexed) == 1:
        return indexed[0]
    return min(indexed, key=lambda each: (along(each, low, high)[:COUNTED].count(), BY_GUESS.index(each[0])))


def _matching(
    walked: QuerySet[Entry], asked: Asked, organisation: str, others: set[str], upwards: bool, most: int
) -> list[Entry]:
    """Hold what is walked along against the other conditions, stopping at the first `most` that fit."""
    computed = {name: COMPUTED[name] for name in sorted(others) if name in COMPUTED}
    inner, values = walked.defer("payload_ct").annotate(**computed).query.get_compiler(connection=connection).as_sql()
    wanted: dict[str, Any] = {**asked.exact, "org": organisation}
    conditions = [(f"e.{name} = %s", wanted[name]) for name in sorted(others)]
    if "action" in others:
        conditions.append(("e.kind LIKE %s", "gate.%"))
    adapt = connection.ops.adapt_datetimefield_value
    conditions += [("e.at >= %s", adapt(asked.since))] if asked.since else []
    conditions += [("e.at < %s", adapt(asked.until))] if asked.until else []
    # The names of the columns are ours, the values go as parameters.
    where = " AND ".join(condition for condition, _ in conditions) or "1 = 1"
    order = "ASC" if upwards else "DESC"
    statement = f"SELECT * FROM ({inner}) e WHERE {where} ORDER BY e.id {order} LIMIT %s"  # noqa: S608
    return list(Entry.objects.raw(statement, [*values, *(value for _, value in conditions), most]))


def _last_walked(walked: QuerySet[Entry], upwards: bool) -> int | None:
    """Return the number of the last entry of a window that was walked to its end, or None when there was no more."""
    ends = walked.aggregate(count=Count("pk"), last=Max("pk") if upwards else Min("pk"))
    return int(ends["last"]) if ends["count"] >= WINDOW else None


@contextlib.contextmanager
def _walking() -> Iterator[None]:
    """Have PostgreSQL walk along an index in order, and never gather and sort what may be millions of entries."""
    if connection.vendor != "postgresql":
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            for way in ("bitmapscan", "seqscan", "sort"):
                cursor.execute(f"SET LOCAL enable_{way} = off")
        yield
