"""What a bribed or careless colleague leaves behind in the record: seven reports for auditors, each over a period.

A report accuses nobody: it says where to look. Each row names whom and what it is about by the pseudonyms of the log,
so that it leads to its entries. Nothing is written here, and nothing is stored.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean, pstdev
from typing import Any, Final

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import TruncHour
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from audit.facts import CONTACT
from audit.models import Entry
from verification.models import Batch, Claim, Grant, Prompt, PromptEnd, Refusal, Staff, StaffChangeApproval

MOST: Final = 50  # rows of one report
OFTEN: Final = 3
MANY_READS: Final = 10  # in one hour, below which nobody's hour is called unusual
REVERSED_WITHIN: Final = timedelta(days=7)


@dataclass(frozen=True)
class Period:
    """The entries of one organisation from `since` up to `until`."""

    organisation: int
    since: datetime
    until: datetime


@dataclass(frozen=True)
class Row:
    """One line: who and what in words, how many, out of how many (0 when that says nothing), and where its entries are.

    `entries` are the exact filters of the auditor's list: kind, actor, subject_ref, contact.
    """

    who: str
    what: str
    count: int
    of: int
    entries: Mapping[str, str]

    @property
    def share(self) -> int:
        """Return `count` of `of` in per cent."""
        return round(100 * self.count / self.of) if self.of else 0


@dataclass(frozen=True)
class Pattern:
    """One report: its title, what to think of it, and its rows, the most striking first."""

    code: str
    title: Promise
    meaning: Promise
    rows: Callable[[Period], list[Row]]


def _who(staff: Staff | None) -> str:
    return staff.username if staff else ""


def _most(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (-row.count, row.who, row.what))[:MOST]


def _staff(period: Period) -> dict[str, Staff]:
    return {staff.actor: staff for staff in Staff.objects.filter(organisation_id=period.organisation)}


def _reads(period: Period) -> QuerySet[Entry]:
    return Entry.objects.filter(
        kind="record.read", org=str(period.organisation), at__gte=period.since, at__lt=period.until
    )


def reads_without_contact(period: Period) -> list[Row]:
    """Count who read records outside of a contact that he had taken or opened himself."""
    his = Entry.objects.filter(
        kind__in=("interaction.taken", "interaction.opened", "interaction.resumed"), actor=OuterRef("actor")
    ).alias(of=CONTACT)
    outside = _reads(period).annotate(contact=CONTACT).filter(~Exists(his.filter(of=OuterRef("contact"))))
    all_reads = Counter(_reads(period).values_list("actor", flat=True))
    names = _staff(period)
    return _most(
        Row(_who(names.get(actor)), "", count, all_reads[actor], {"actor": actor, "kind": "record.read"})
        for actor, count in Counter(outside.values_list("actor", flat=True)).items()
    )


def affinity(period: Period) -> list[Row]:
    """Find customers who come to one and the same of us again and again, out of all their contacts with us."""
    contacts = Claim.objects.filter(
        customer__isnull=False, claimed_at__gte=period.since, claimed_at__lt=period.until,
        speaker__interaction__organisation=period.organisation,
    )  # fmt: skip
    of_customer = dict(_contacts_by(contacts, "customer__pseudonym"))
    pairs = _contacts_by(contacts, "customer__pseudonym", "speaker__interaction__served_by")
    staff = Staff.objects.in_bulk({by for (_customer, by), _count in pairs if by})
    return _most(
        Row(
            staff[by].username, str(customer), count, of_customer[customer],
            {"actor": staff[by].actor, "subject_ref": str(customer)},
        )
        for (customer, by), count in pairs
        if by and count >= OFTEN and 2 * count > of_customer[customer]
    )  # fmt: skip


def _contacts_by(claims: QuerySet[Claim], *by: str) -> list[tuple[Any, int]]:
    counted = claims.order_by().values_list(*by).annotate(n=Count("speaker__interaction", distinct=True))
    return [(row[0] if len(by) == 1 else tuple(row[:-1]), row[-1]) for row in counted]


def approver_pairs(period: Period) -> list[Row]:
    """Count which two decide together: who asks, and who approves as the second person."""
    between = Q(decided_at__gte=period.since, decided_at__lt=period.until)
    grants = Grant.objects.filter(between, organisation=period.organisation, proposal__isnull=False)
    pairs: Counter[tuple[int | None, int | None]] = Counter(grants.values_list("proposal__asked_by", "asked_by"))
    approved = {"approved_at__gte": period.since, "approved_at__lt": period.until}
    batches = Batch.objects.filter(organisation=period.organisation, **approved)
    pairs.update(batches.values_list("prepared_by", "approved_by"))
    changes = StaffChangeApproval.objects.filter(change__staff__organisation=period.organisation, **approved)
    pairs.update(changes.values_list("change__proposed_by", "approved_by"))
    return _pairs(pairs)


def _pairs(pairs: Counter[tuple[int | None, int | None]]) -> list[Row]:
    """Return the pairs that met often, each out of all that its first person asked."""
    asked: Counter[int | None] = Counter()
    for (first, _second), count in pairs.items():
        asked[first] += count
    staff = Staff.objects.in_bulk({pk for pair in pairs for pk in pair if pk})
    return _most(
        Row(staff[first].username, staff[second].username, count, asked[first], {"actor": staff[second].actor})
        for (first, second), count in pairs.items()
        if first in staff and second in staff and count >= OFTEN
    )


def reversed_by_the_same_two(period: Period) -> list[Row]:
    """Count which two turned a refusal into a grant: the same asker, then with the same second person."""
    refused = Refusal.objects.filter(
        action=OuterRef("action"), customer=OuterRef("customer"), asked_by=OuterRef("proposal__asked_by"),
        decided_at__lt=OuterRef("decided_at"), decided_at__gte=OuterRef("decided_at") - REVERSED_WITHIN,
    )  # fmt: skip
    grants = Grant.objects.filter(
        Exists(refused), organisation=period.organisation, proposal__isnull=False, customer__isnull=False,
        decided_at__gte=period.since, decided_at__lt=period.until,
    )  # fmt: skip
    return _pairs(Counter(grants.values_list("proposal__asked_by", "asked_by")))


def prompts_declined(period: Period) -> list[Row]:
    """Count whose requests to identify oneself were declined: by customers who had not called."""
    asked = Prompt.objects.filter(
        interaction__organisation=period.organisation, asked_at__gte=period.since, asked_at__lt=period.until
    )
    sent = Counter(asked.values_list("asked_by", flat=True))
    declined = Counter(asked.filter(end__outcome=PromptEnd.Outcome.DECLINED).values_list("asked_by", flat=True))
    staff = Staff.objects.in_bulk({pk for pk in declined if pk})
    return _most(
        Row(staff[pk].username, "", count, sent[pk], {"actor": staff[pk].actor, "kind": "prompt.asked"})
        for pk, count in declined.items()
        if pk
    )


def claims_in_a_row(period: Period) -> list[Row]:
    """Find contacts in which one customer after another was named, and how many of the numbers were nobody's."""
    named = Claim.objects.filter(
        speaker__interaction__organisation=period.organisation,
        claimed_at__gte=period.since, claimed_at__lt=period.until,
    )  # fmt: skip
    counted = (
        named.order_by()
        .values("speaker__interaction__public_id", by=F("speaker__interaction__served_by__username"))
        .annotate(n=Count("mark", distinct=True), nobody=Count("mark", filter=Q(customer__isnull=True), distinct=True))
        .filter(n__gte=OFTEN)
    )
    return _most(
        Row(
            row["by"] or "", str(row["speaker__interaction__public_id"]), row["n"], 0,
            {"contact": str(row["speaker__interaction__public_id"]), "kind": "claim.made"},
        )
        for row in counted
    )  # fmt: skip


def unusual_hours(period: Period) -> list[Row]:
    """Find hours in which somebody read far more records than in his own other hours of the period."""
    hours: defaultdict[str, dict[datetime, int]] = defaultdict(dict)
    counted = _reads(period).order_by().annotate(hour=TruncHour("at")).values("actor", "hour").annotate(n=Count("id"))
    for row in counted:
        hours[row["actor"]][row["hour"]] = row["n"]
    names = _staff(period)
    return _most(
        Row(
            _who(names.get(actor)), f"{hour:%Y-%m-%d %H}", count, 0,
            {"actor": actor, "kind": "record.read", "at__gte": str(hour), "at__lt": str(hour + timedelta(hours=1))},
        )
        for actor, counts in hours.items()
        for hour, count in counts.items()
        if _stands_out(count, [each for when, each in counts.items() if when != hour])
    )  # fmt: skip


def _stands_out(count: int, others: list[int]) -> bool:
    """Tell whether one hour is beyond three standard deviations above his other hours in which he read at all."""
    usual = fmean(others) + 3 * max(pstdev(others), 1.0) if others else 0.0
    return count >= MANY_READS and count > usual


PATTERNS: Final = (
    Pattern(
        "reads_without_contact", _("Records read outside of a contact"),
        _("A record opens in a contact only. Whatever stands here went another way, and is looked into at once."),
        reads_without_contact,
    ),
    Pattern(
        "affinity", _("Customers who always come to the same of us"),
        _("Three contacts or more, and more than half of all: it may be a good memory, or an arrangement."),
        affinity,
    ),
    Pattern(
        "approver_pairs", _("The same two decide together"),
        _("How often one person's requests were approved by the same other. Two who always agree are one."),
        approver_pairs,
    ),
    Pattern(
        "reversed", _("Refusals turned round by the same two"),
        _("First the gate refused it, within a week the same person asked again and the same other approved."),
        reversed_by_the_same_two,
    ),
    Pattern(
        "prompts_declined", _("Requests that customers declined"),
        _("Who did not call declines when he is asked to identify himself. Many of one colleague are a sign of danger."),  # noqa: E501
        prompts_declined,
    ),
    Pattern(
        "claims_in_a_row", _("One customer after another named"),
        _("Three numbers or more in one contact: a slip of the tongue, or somebody who tries numbers."),
        claims_in_a_row,
    ),
    Pattern(
        "unusual_hours", _("Hours with unusually many reads"),
        _("Held against the colleague's own other hours of the period, never against others."),
        unusual_hours,
    ),
)  # fmt: skip
