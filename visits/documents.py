"""The document rules: documents.toml read into frozen dataclasses.

What is approved by people who don't read code lives in that file alone (docs/decisions/0002).
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

RULES_FILE = Path(__file__).with_name("documents.toml")
ANY_COUNTRY = "any"
NOWHERE = "nowhere"
CERTAINTIES = frozenset({"standard", "secondary", "memory", "own"})
STRENGTHS = ("full", "ordinary", "lesser")
FACTS: Mapping[str, tuple[str, ...]] = {
    "kind": ("person", "company"),
    "representation": ("self", "guardian", "mandate", "signatory"),
    "citizenship": ("fi", "eea", "ie_no_dk", "other", "unknown"),
    "minor": ("yes", "no", "unknown"),
    "name_changed": ("yes", "no", "unknown"),
    "strength": STRENGTHS,
    "desk": ("code_needed", "code_helps"),
}
"""Every fact that a rule may ask for, with every value it can have."""

Facts = Mapping[str, str]
T = TypeVar("T")


class NotRules(ValueError):
    """Says that a file of rules is no such file: a key is unknown, missing or of the wrong kind."""


@dataclass(frozen=True, slots=True)
class Source:
    code: str
    title: str
    certainty: str


@dataclass(frozen=True, slots=True)
class Paper:
    """A kind of thing that can be brought. `expires`: without a last day of validity it isn't accepted.

    `label` speaks to the customer; `at_desk` speaks of him to the clerk, and is the same where it doesn't matter.
    `zone` tells that an identity document has a machine-readable zone; without one only what is printed is compared.
    """

    kind: str
    label: str
    at_desk: str
    note: str
    expires: bool
    issuer: bool
    zone: bool = True


@dataclass(frozen=True, slots=True)
class Shown:
    """What a zone says against its own document: a trait by nationality, and types that are no identity document."""

    nationality: Mapping[str, str]
    not_identity: frozenset[str]
    because: str


@dataclass(frozen=True, slots=True)
class Option:
    """One paper that is enough for its group, and on what terms. `max_age_days` counts to the visit's day."""

    paper: str
    because: str
    source: str
    when: Mapping[str, tuple[str, ...]]
    issuers: str | None
    except_issuers: str | None
    not_accepted: tuple[str, ...]
    despite: tuple[str, ...]
    issued_from: date | None
    max_age_days: int | None


@dataclass(frozen=True, slots=True)
class Group:
    """One thing that must be shown; any one of its options is enough. No `actions` means every errand.

    `label` speaks to the customer, `at_desk` of him to the clerk.
    """

    code: str
    label: str
    at_desk: str
    because: str
    source: str
    mandatory: bool
    actions: tuple[str, ...]
    when: Mapping[str, tuple[str, ...]]
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    version: str
    sources: Mapping[str, Source]
    countries: Mapping[str, frozenset[str]]
    errands: Mapping[str, tuple[str, ...]]
    traits: Mapping[str, str]
    shown: Shown
    longest: Mapping[str, Mapping[str, int]]
    papers: Mapping[str, Paper]
    groups: tuple[Group, ...]

    def strength(self, action: str) -> str:
        """Tell how good an identity document must be for an errand; one that isn't listed needs the best."""
        return next((strength for strength, actions in self.errands.items() if action in actions), "full")

    def accepts_issuer(self, option: Option, country: str) -> bool:
        """Tell whether an option takes a document of this issuer (ISO 3166-1 alpha-3)."""
        if option.issuers is None:
            return True
        if not re.fullmatch(r"[A-Z]{3}", country) or country in self.countries[NOWHERE]:
            return False
        if option.except_issuers and country in self.countries[option.except_issuers]:
            return False
        return option.issuers == ANY_COUNTRY or country in self.countries[option.issuers]

    def longest_years(self, kind: str, issuer: str) -> int | None:
        """Tell for how many years an issuer's document may be valid at most; None when nobody says."""
        years = self.longest.get(kind, {})
        return years.get(issuer, years.get(ANY_COUNTRY))

    def msgids(self) -> set[str]:
        """Give every text that a customer or clerk may read, to be held against the translations."""
        papers = {text for paper in self.papers.values() for text in (paper.label, paper.at_desk, paper.note)}
        groups = {text for group in self.groups for text in (group.label, group.at_desk, group.because)}
        reasons = {option.because for group in self.groups for option in group.options}
        return papers | groups | reasons | set(self.traits.values())


@cache
def load(path: Path = RULES_FILE) -> Rules:
    """Read the rules. Raises NotRules; what can be read may still be nonsense, see soundness.problems()."""
    try:
        return parse(tomllib.loads(path.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise NotRules(f"{path.name}: {error}") from error


def parse(data: Mapping[str, Any]) -> Rules:
    """Make rules of a parsed TOML table. Raises NotRules."""
    top = _Table(data, "the file")
    rules = Rules(
        version=top.take("version", str),
        sources={code: _source(code, row) for code, row in top.take("sources", dict).items()},
        countries={name: frozenset(codes) for name, codes in top.take("countries", dict).items()},
        errands={strength: tuple(actions) for strength, actions in top.take("errands", dict).items()},
        traits=top.take("traits", dict),
        shown=_shown(top.take("shown", dict)),
        longest=_longest(top.take("longest", dict)),
        papers={kind: _paper(kind, row) for kind, row in top.take("papers", dict).items()},
        groups=tuple(_group(row) for row in top.take("groups", list)),
    )
    top.end()
    return rules


class _Table:
    """One table of the file; what isn't asked for by its end is a misspelling."""

    def __init__(self, data: object, name: str) -> None:
        if not isinstance(data, dict):
            raise NotRules(f"{name} is no table")
        self._left = dict(data)
        self._name = name

    def take(self, key: str, kind: type[T], default: T | None = None) -> T:
        value = self._left.pop(key, default)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise NotRules(f"{self._name}: {key} should be {kind.__name__}, it is {value!r}")
        return value

    def maybe(self, key: str, kind: type[T]) -> T | None:
        return self.take(key, kind) if key in self._left else None

    def end(self) -> None:
        if self._left:
            raise NotRules(f"{self._name}: {', '.join(sorted(self._left))} means nothing here")


def _source(code: str, row: object) -> Source:
    table = _Table(row, f"source {code}")
    source = Source(code=code, title=table.take("title", str), certainty=table.take("certainty", str))
    table.end()
    return source


def _paper(kind: str, row: object) -> Paper:
    table = _Table(row, f"paper {kind}")
    label = table.take("label", str)
    paper = Paper(
        kind=kind,
        label=label,
        at_desk=table.take("at_desk", str, label),
        note=table.take("note", str),
        expires=table.take("expires", bool),
        issuer=table.take("issuer", bool, False),
        zone=table.take("zone", bool, True),
    )
    table.end()
    return paper


def _shown(row: object) -> Shown:
    table = _Table(row, "shown")
    shown = Shown(
        nationality=table.take("nationality", dict),
        not_identity=frozenset(table.take("not_identity", list)),
        because=table.take("because", str),
    )
    table.end()
    return shown


def _longest(row: dict[str, Any]) -> dict[str, dict[str, int]]:
    """Read the longest validities; the table's own reason is kept in the file."""
    table = _Table(row, "longest")
    if not table.take("because", str).strip():
        raise NotRules("longest has no because")
    return {kind: _years(kind, years) for kind, years in row.items() if kind != "because"}


def _years(kind: str, row: object) -> dict[str, int]:
    table = _Table(row, f"longest {kind}")
    if not isinstance(row, dict):
        raise NotRules(f"longest {kind} is no table")
    years = {issuer: table.take(issuer, int) for issuer in row}
    if any(not 1 <= count <= 50 for count in years.values()):
        raise NotRules(f"longest {kind}: a document is valid for 1 to 50 years")
    return years


def _group(row: object) -> Group:
    table = _Table(row, "a group")
    code = table.take("code", str)
    group = Group(
        code=code,
        label=table.take("label", str),
        at_desk=table.take("at_desk", str),
        because=table.take("because", str),
        source=table.take("source", str),
        mandatory=table.take("mandatory", bool, True),
        actions=tuple(table.take("actions", list, [])),
        when=_when(table.take("when", dict, {})),
        options=tuple(_option(option, f"an option of {code}") for option in table.take("options", list)),
    )
    table.end()
    return group


def _option(row: object, name: str) -> Option:
    table = _Table(row, name)
    option = Option(
        paper=table.take("paper", str),
        because=table.take("because", str),
        source=table.take("source", str),
        when=_when(table.take("when", dict, {})),
        issuers=table.maybe("issuers", str),
        except_issuers=table.maybe("except_issuers", str),
        not_accepted=tuple(table.take("not_accepted", list, [])),
        despite=tuple(table.take("despite", list, [])),
        issued_from=table.maybe("issued_from", date),
        max_age_days=table.maybe("max_age_days", int),
    )
    table.end()
    return option


def _when(table: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    return {fact: tuple(values) for fact, values in table.items()}


def applies(when: Mapping[str, tuple[str, ...]], facts: Facts) -> bool:
    """Tell whether every fact that is asked for has one of the values asked for."""
    return all(facts[fact] in values for fact, values in when.items())
