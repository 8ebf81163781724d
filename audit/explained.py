"""Why it was decided so: rooms to the left say it of the kinds of entry that they write."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from audit.models import Entry


@dataclass(frozen=True)
class Row:
    """One line: what it is, and what it was, in words of the active language."""

    label: str
    value: str


@dataclass(frozen=True)
class Explanation:
    """What was asked and held against what, which rule decided, and what comes of judging it again now.

    `evidence` is a table of its own: what was proved, when, how old it was then, and what it rested on.
    `again` says in one sentence what judging now gives; `agrees` is None when it could not be judged again.
    """

    rows: tuple[Row, ...]
    evidence: tuple[tuple[str, ...], ...]
    rule: str
    again: str
    agrees: bool | None


Explain = Callable[[Entry, dict[str, Any]], Explanation]
_EXPLAIN: Final[dict[str, Explain]] = {}


def register(kind: str, explain: Explain) -> None:
    """Have the entries of a kind explained. Two explanations of one kind stop the process."""
    if kind in _EXPLAIN:
        raise RuntimeError(f"{kind} is explained twice")
    _EXPLAIN[kind] = explain


def of(entry: Entry) -> Explanation | None:
    """Return the explanation of an entry, None when its kind has none. Writes nothing."""
    explain = _EXPLAIN.get(entry.kind)
    return explain(entry, json.loads(bytes(entry.body))) if explain else None
