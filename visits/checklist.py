"""What one person must bring to one desk for one errand: compiled from the rules, and held against what was brought.

Facts of the person are what he told himself before LOW, never the record: guardianship must not show through.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from functools import reduce
from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from visits import documents
from visits.documents import Facts, Group, Option, Paper, Rules
from visits.hours import OfficeAbilities

Text = str | Promise
Kind = Literal["person", "company"]
Representation = Literal["self", "guardian", "mandate", "signatory"]
Citizenship = Literal["fi", "eea", "ie_no_dk", "other", "unknown"]


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """What is known of the caller and the customer; None and "unknown" mean that nobody has said."""

    kind: Kind = "person"
    representation: Representation = "self"
    citizenship: Citizenship = "unknown"
    minor: bool | None = None
    name_changed: bool | None = None

    def __post_init__(self) -> None:
        for fact in ("kind", "representation", "citizenship"):
            if getattr(self, fact) not in documents.FACTS[fact]:
                raise ValueError(f"{fact} is never {getattr(self, fact)!r}")


@dataclass(frozen=True, slots=True)
class Document:
    """A paper as the clerk holds it. `issuer_country` is ISO 3166-1 alpha-3; `traits` are the rules' own words."""

    kind: str
    issuer_country: str = ""
    expires_on: date | None = None
    traits: frozenset[str] = frozenset()
    issued_on: date | None = None


PHOTO_TRAITS = ("damaged", "copy", "mobile", "temporary", "alien", "emergency", "former_name")
"""What may speak against a document with a photograph, in the order in which a clerk is asked."""


class Objection(StrEnum):
    """Why a paper isn't accepted. The later ones stand nearer to being accepted."""

    OTHER_PAPER = "OTHER_PAPER"
    ISSUER = "ISSUER"
    TRAIT = "TRAIT"
    NO_DATES = "NO_DATES"
    TOO_OLD = "TOO_OLD"
    EXPIRED = "EXPIRED"

    @property
    def text(self) -> Promise:
        return _OBJECTIONS[self]


_OBJECTIONS: dict[Objection, Promise] = {
    Objection.OTHER_PAPER: _("This paper does not serve this matter."),
    Objection.ISSUER: _("A document of this country does not serve this matter."),
    Objection.TRAIT: _("The document is of a kind that is not accepted here."),
    Objection.NO_DATES: _("The document does not show from when, or until when, it is valid."),
    Objection.TOO_OLD: _("The document was issued too long ago."),
    Objection.EXPIRED: _("The document is no longer valid on that day."),
}
_NEARNESS = list(Objection)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to one paper: the groups it satisfies, or the objection that came nearest. True when accepted."""

    groups: tuple[str, ...] = ()
    objection: Objection | None = None
    trait: Text | None = None

    def __bool__(self) -> bool:
        return bool(self.groups)

    @property
    def reason(self) -> Text | None:
        """Give the words for the customer, or None when the paper is accepted."""
        if self.objection is None:
            return None
        return self.trait or self.objection.text


@dataclass(frozen=True, slots=True)
class Item:
    """One paper that would do, with its terms in the reader's language."""

    rules: Rules = field(repr=False)
    option: Option

    @property
    def code(self) -> str:
        return self.option.paper

    @property
    def label(self) -> Promise:
        return _(self._paper.label)

    @property
    def note(self) -> Promise:
        return _(self._paper.note)

    @property
    def not_accepted(self) -> tuple[Promise, ...]:
        return tuple(_(self.rules.traits[trait]) for trait in self.option.not_accepted)

    @property
    def reason(self) -> Promise:
        return _(self.option.because)

    @property
    def _paper(self) -> Paper:
        return self.rules.papers[self.option.paper]

    def objection(self, document: Document, on: date) -> Objection | None:
        """Tell the first thing that stands against this document on the day `on`, or None."""
        if document.kind != self.option.paper:
            return Objection.OTHER_PAPER
        if not self.rules.accepts_issuer(self.option, document.issuer_country):
            return Objection.ISSUER
        if self.unstood(document):
            return Objection.TRAIT
        return self._dates_objection(document, on)

    def good_until(self, document: Document) -> date | None:
        """Tell the last day on which this document serves: by its own validity, and by its age where that counts."""
        days = [document.expires_on] if document.expires_on else []
        if self.option.max_age_days is not None and document.issued_on is not None:
            days.append(document.issued_on + timedelta(days=self.option.max_age_days))
        return min(days, default=None)

    def unstood(self, document: Document) -> list[str]:
        """Give the document's traits that this option doesn't stand, in order; one nobody knows is among them."""
        return sorted(document.traits - set(self.option.despite))

    def _dates_objection(self, document: Document, on: date) -> Objection | None:
        if self._paper.expires and document.expires_on is None:
            return Objection.NO_DATES
        if (issued := self._issue_objection(document.issued_on, on)) is not None:
            return issued
        if document.expires_on is not None and document.expires_on < on:
            return Objection.EXPIRED
        return None

    def _issue_objection(self, issued_on: date | None, on: date) -> Objection | None:
        earliest = [self.option.issued_from] if self.option.issued_from else []
        if self.option.max_age_days is not None:
            if issued_on is None:
                return Objection.NO_DATES
            earliest.append(on - timedelta(days=self.option.max_age_days))
        if issued_on is None:
            return None  # the zone of a card shows no day of issue; one that is valid today was issued late enough
        if issued_on > on:
            return Objection.NO_DATES
        return Objection.TOO_OLD if any(issued_on < day for day in earliest) else None


@dataclass(frozen=True, slots=True)
class ItemGroup:
    """Any one of `items` is enough. A group that isn't mandatory only helps."""

    group: Group = field(repr=False)
    items: tuple[Item, ...]

    @property
    def code(self) -> str:
        return self.group.code

    @property
    def label(self) -> Promise:
        return _(self.group.label)

    @property
    def reason(self) -> Promise:
        return _(self.group.because)

    @property
    def mandatory(self) -> bool:
        return self.group.mandatory

    def satisfied_by(self, document: Document, on: date) -> bool:
        return any(item.objection(document, on) is None for item in self.items)


@dataclass(frozen=True, slots=True)
class Checklist:
    """Every mandatory group must be satisfied, on the day of the visit and not on the day it is asked about."""

    action: str
    on: date
    version: str
    groups: tuple[ItemGroup, ...]

    def missing(self, brought: Iterable[Document], *, on: date | None = None) -> list[ItemGroup]:
        """Give the mandatory groups that nothing brought satisfies on `on` (the visit's day), in the list's order."""
        papers, day = list(brought), on or self.on
        return [
            group
            for group in self.groups
            if group.mandatory and not any(group.satisfied_by(paper, day) for paper in papers)
        ]

    def satisfied(self, brought: Iterable[Document], *, on: date | None = None) -> bool:
        """Tell whether nothing is missing."""
        return not self.missing(brought, on=on)

    def judge(self, document: Document, *, on: date | None = None) -> Verdict:
        """Tell which groups a paper satisfies, or what stands against it."""
        day = on or self.on
        groups = tuple(group.code for group in self.groups if group.satisfied_by(document, day))
        if groups:
            return Verdict(groups=groups)
        return _nearest_objection([item for group in self.groups for item in group.items], document, day)

    def lines(self) -> list[str]:
        """Write the list in the active language, a line a mandatory group: what it proves, and what would do."""
        return [
            f"{group.label}: {_alternatives([str(item.label) for item in group.items])}"
            for group in self.groups
            if group.mandatory
        ]

    def snapshot(self) -> dict[str, object]:
        """Give the list as JSON values, to be kept with the visit: codes only, beside the rules' version."""
        return {
            "version": self.version,
            "action": self.action,
            "on": self.on.isoformat(),
            "groups": [
                {"code": group.code, "mandatory": group.mandatory, "items": [item.code for item in group.items]}
                for group in self.groups
            ],
        }


def checklist_for(
    action: str, *, person: PersonFacts, office: OfficeAbilities, on: date, rules: Rules | None = None
) -> Checklist:
    """Make the checklist for an errand, a person and a desk, for a visit on `on`.

    An errand that the rules don't name gets the strictest identity and no papers of its own.
    """
    rules = rules or documents.load()
    facts = _facts(rules, action, person, office)
    chosen = (group for group in rules.groups if _asked(group, action, facts))
    return Checklist(
        action=action, on=on, version=rules.version, groups=tuple(_compiled(rules, group, facts) for group in chosen)
    )


def allowed(
    document: Document, action: str, on: date, *, person: PersonFacts | None = None, rules: Rules | None = None
) -> Verdict:
    """Tell a clerk whether a paper serves an errand on the day, and for which groups; else why not."""
    checklist = checklist_for(action, person=person or PersonFacts(), office=OfficeAbilities(), on=on, rules=rules)
    return checklist.judge(document)


def strength_of(document: Document, on: date, *, person: PersonFacts, rules: Rules | None = None) -> str | None:
    """Tell the most that an identity document is good for on the day: full, ordinary, lesser, or None for nothing.

    What it opens for one errand must not open another that asks for more.
    """
    rules = rules or documents.load()
    facts = dict(_facts(rules, "", person, OfficeAbilities()))
    group = next(group for group in rules.groups if group.code == "identity")
    for strength in documents.STRENGTHS:
        if _compiled(rules, group, facts | {"strength": strength}).satisfied_by(document, on):
            return strength
    return None


def citizenship_of(nationality: str, rules: Rules | None = None) -> Citizenship:
    """Give the group of a nationality as a document shows it (ISO 3166-1 alpha-3)."""
    countries = (rules or documents.load()).countries
    if nationality in countries["finland"]:
        return "fi"
    if nationality in countries["ie_no_dk"]:
        return "ie_no_dk"
    return "eea" if nationality in countries["eea"] else "other"


def _facts(rules: Rules, action: str, person: PersonFacts, office: OfficeAbilities) -> Facts:
    return {
        # Who signs, signs for a company, whatever else was said: otherwise no paper of his right would be asked.
        "kind": "company" if person.representation == "signatory" else person.kind,
        "representation": person.representation,
        "citizenship": person.citizenship,
        "minor": _told(person.minor),
        "name_changed": _told(person.name_changed),
        "strength": rules.strength(action),
        "desk": "code_helps" if office.second_clerk or office.chip else "code_needed",
    }


def _told(answer: bool | None) -> str:
    return {True: "yes", False: "no", None: "unknown"}[answer]


def _asked(group: Group, action: str, facts: Facts) -> bool:
    return (not group.actions or action in group.actions) and documents.applies(group.when, facts)


def _compiled(rules: Rules, group: Group, facts: Facts) -> ItemGroup:
    options = (option for option in group.options if documents.applies(option.when, facts))
    return ItemGroup(group=group, items=tuple(Item(rules, option) for option in options))


def _nearest_objection(items: list[Item], document: Document, on: date) -> Verdict:
    """Name the objection that is nearest to acceptance: of several noes, the one that can be helped."""
    objections = [(item.objection(document, on) or Objection.OTHER_PAPER, item) for item in items]
    nearest, item = max(objections, key=lambda pair: _NEARNESS.index(pair[0]), default=(Objection.OTHER_PAPER, None))
    if nearest is not Objection.TRAIT or item is None:
        return Verdict(objection=nearest)
    known = [item.rules.traits[trait] for trait in item.unstood(document) if trait in item.rules.traits]
    return Verdict(objection=nearest, trait=_(known[0]) if known else None)


def _alternatives(labels: list[str]) -> str:
    return reduce(_either, dict.fromkeys(labels))


def _either(some: str, last: str) -> str:
    return gettext("%(some)s or %(last)s") % {"some": some, "last": last}
