"""A visit's list as its readers see it: frozen at booking, with what was confirmed, accepted and kept since."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from visits import documents
from visits.checklist import Checklist, Item, PersonFacts, Text, checklist_for
from visits.hours import abilities_at
from visits.models import ChecklistItem, ItemAccepted, ItemConfirmed, Visit, VisitEvent

EVERY_TIME = frozenset({"identity", "visit_code", "visit_code_if_at_hand"})
"""Groups that are shown anew at every visit, however well the person is known."""


@dataclass(frozen=True)
class Paper:
    """One paper of the list. `verdict` is the newest that still counts on the visit's day, from this visit or kept."""

    item: ChecklistItem
    label: Text
    at_desk: Text
    note: Text
    dated: bool
    confirmed: ItemConfirmed | None
    verdict: ItemAccepted | None

    @property
    def accepted(self) -> bool:
        return self.verdict is not None and self.verdict.accepted

    @property
    def kept(self) -> bool:
        """Tell whether an earlier visit had accepted it."""
        return self.verdict is not None and self.accepted and self.verdict.item.visit_id != self.item.visit_id


@dataclass(frozen=True)
class PaperGroup:
    """One thing to be shown; any one of its papers is enough. `label` is for the customer, `at_desk` for the clerk."""

    code: str
    label: Text
    at_desk: Text
    because: Text
    mandatory: bool
    papers: list[Paper]

    @property
    def accepted(self) -> bool:
        return any(paper.accepted for paper in self.papers)

    @property
    def confirmed(self) -> bool:
        return any(paper.confirmed for paper in self.papers)

    def line(self) -> str:
        """Write the group to the customer in the active language: what it proves, and what would do."""
        return f"{self.label}: {_any_of(str(paper.label) for paper in self.papers)}"

    def desk_line(self) -> str:
        """Write the same to the clerk."""
        return f"{self.at_desk}: {_any_of(str(paper.at_desk) for paper in self.papers)}"


def _any_of(labels: Iterable[str]) -> str:
    *some, last = dict.fromkeys(labels)
    return gettext("%(some)s or %(last)s") % {"some": ", ".join(some), "last": last} if some else last


def groups_of(visit: Visit, *, on: date | None = None) -> list[PaperGroup]:
    """Read a visit's list. `on` is the day on which papers must be valid: the visit's own unless it is told."""
    items = list(visit.items.all())
    verdicts, confirmed = _verdicts(visit, on or visit.on), _confirmed(visit)
    rules = documents.load()
    known = {group.code: group for group in rules.groups}
    found: dict[str, PaperGroup] = {}
    for item in items:
        rule, paper = known.get(item.group), rules.papers.get(item.code)
        group = found.setdefault(
            item.group,
            PaperGroup(
                code=item.group,
                label=_(rule.label) if rule else item.group,
                at_desk=_(rule.at_desk) if rule else item.group,
                because=_(rule.because) if rule else "",
                mandatory=item.mandatory,
                papers=[],
            ),
        )
        group.papers.append(
            Paper(
                item=item,
                label=_(paper.label) if paper else item.code,
                at_desk=_(paper.at_desk) if paper else item.code,
                note=_(paper.note) if paper else "",
                dated=bool(paper and paper.expires),
                confirmed=confirmed.get(item.pk),
                verdict=verdicts.get((item.group, item.code)),
            )
        )
    return list(found.values())


def missing(visit: Visit, *, on: date) -> list[PaperGroup]:
    """Return the mandatory groups that no accepted paper satisfies on the day."""
    return [group for group in groups_of(visit, on=on) if group.mandatory and not group.accepted]


def unconfirmed(visit: Visit) -> list[PaperGroup]:
    """Return the mandatory groups of which the customer has confirmed no paper."""
    return [group for group in groups_of(visit) if group.mandatory and not group.confirmed and not group.accepted]


def rule_of(item: ChecklistItem, visit: Visit, *, on: date) -> Item | None:
    """Return the rule by which a paper of the list is judged today, or None when it has been withdrawn since."""
    for group in list_of(visit, on=on).groups:
        for option in group.items:
            if group.code == item.group and option.code == item.code:
                return option
    return None


def list_of(visit: Visit, *, on: date) -> Checklist:
    """Compile the visit's list anew under today's rules, from the caller's own answers and the desk at its hour."""
    office = visit.office
    abilities = abilities_at(office.calendar(), visit.starts_at, length_minutes=office.slot_minutes, tz=office.tz)
    return checklist_for(visit.action, person=PersonFacts(**visit.answers), office=abilities, on=on)


def _confirmed(visit: Visit) -> dict[int, ItemConfirmed]:
    rows = ItemConfirmed.objects.filter(item__visit=visit).order_by("pk")
    return {item: row for item, row in {row.item_id: row for row in rows}.items() if not row.withdrawn}


def _verdicts(visit: Visit, on: date) -> dict[tuple[str, str], ItemAccepted]:
    """Return the newest verdict of each paper; a kept acceptance counts only for the same refusal, while it is good."""
    rows = ItemAccepted.objects.select_related("item__visit").filter(item__visit=visit)
    if visit.refusal_id is not None:
        rows |= ItemAccepted.objects.select_related("item__visit").filter(
            item__visit__refusal=visit.refusal, item__visit__customer=visit.customer
        )
    here_since = _checked_in_at(visit)
    newest: dict[tuple[str, str], ItemAccepted] = {}
    for row in rows.order_by("pk"):
        anew = row.item.group in EVERY_TIME
        if anew and (row.item.visit_id != visit.pk or here_since is None or row.judged_at < here_since):
            continue
        newest[row.item.group, row.item.code] = row
    return {key: row for key, row in newest.items() if row.valid_until is None or row.valid_until >= on}


def _checked_in_at(visit: Visit) -> datetime | None:
    arrivals = visit.events.filter(kind__in=(VisitEvent.Kind.ARRIVED, VisitEvent.Kind.EARLY)).order_by("-pk")
    return arrivals.values_list("at", flat=True).first()
