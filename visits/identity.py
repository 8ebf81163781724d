"""The identity check at the desk: the document's zone is held against the record by the server, unseen by the clerk."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from audit.log import record
from verification.authority import grown_up
from verification.evidence import CONFIRMATIONS, NotSeen, see_identity_list
from verification.models import Claim, Customer, Interaction, Staff
from visits import desk, documents, documents_seen, mrz
from visits.checklist import Citizenship, Document, PersonFacts, checklist_for, citizenship_of, strength_of
from visits.confirming import subject_of
from visits.hours import abilities_at
from visits.models import IdentityTry, Visit
from visits.names import name_matches
from visits.printed import Printed, bare, impossible
from visits.whose import contacts_about, mark_of, speaker_mark_of

# Failed comparisons: of one visit for good, of one named customer and of one clerk in a day.
MOST_TRIES = 5
MOST_TRIES_OF_CUSTOMER = 10
MOST_TRIES_OF_STAFF = 30
DAY = timedelta(days=1)
AGAINST_RECORD = ("NAME", "BIRTH_DATE", "NOT_COMPARABLE")  # the rest tells of the document alone

# One answer, whatever does not agree or isn't there: which of them it was would tell a stranger half of the record.
DISAGREES = _(
    "The document and what it is compared with do not agree. Hold each line against the document once more, and ask "
    "the customer for his number again; if all of it is right, ask a supervisor."
)
WITH_ZONE = ""  # a passport or card, told from its zone
FIELDS: dict[str, Promise] = {
    "lines": _("The zone has two or three lines; count their characters."),
    "line_1": _("Look at the first line again."),
    "line_2": _("Look at the second line again."),
    "line_3": _("Look at the third line again."),
    "document_type": _("Look at the first two characters again."),
    "issuer": _("Look at the country that issued the document."),
    "nationality": _("Look at the nationality."),
    "name": _("Look at the name."),
    "number": _("Look at the number of the document."),
    "birth_date": _("Look at the date of birth."),
    "sex": _("Look at the sex."),
    "expires_on": _("Look at the last day of validity."),
    "optional": _("Look at the characters after the last day of validity."),
    "composite": _("A character is wrong somewhere; compare every line from the beginning."),
    "printed_number": _("Look at the number of the document."),
    "printed_expires_on": _("Look at the last day of validity."),
    "printed_birth_date": _("Look at the date of birth."),
    "printed_name": _("Look at the name."),
}
OUTCOMES: dict[str, Promise] = {
    "MATCHED": _("The document was compared, and everything agrees."),
    "UNREADABLE": _("The zone does not read."),
    "PRINTED": _("What is printed is not what the zone says. If both were read rightly, ask a supervisor."),
    "IMPOSSIBLE": _("No such document is valid for so long, or its dates stand in the wrong order."),
    "NOT_ALLOWED": _("This document does not serve this matter."),
    "EXPIRED": _("The document is no longer valid."),
    **dict.fromkeys(AGAINST_RECORD, DISAGREES),
    "TOO_MANY": _(
        "Documents did not agree too often in this visit, or today for this customer or at your desk. Ask a supervisor."
    ),
    "INCOMPLETE": _("Confirm all four: the document, its data, the person and the matter."),
}


@dataclass(frozen=True)
class Compared:
    """What came of one comparison; `field` names where to look again, `why` tells more."""

    outcome: str
    field: str = ""
    why: str = ""

    @property
    def matched(self) -> bool:
        return self.outcome == "MATCHED"

    @property
    def text(self) -> str:
        """Tell the clerk, in the active language; never what the record says."""
        return " ".join(
            part for part in (str(OUTCOMES[self.outcome]), self.why, str(FIELDS.get(self.field, ""))) if part
        )


@dataclass(frozen=True)
class Laid:
    """A document as it lies on the desk: its zone as typed, what is printed, and what a clerk ticked against it.

    `kind` names the paper where it has no zone.
    """

    printed: Printed
    zone: str = field(default="", repr=False)
    kind: str = WITH_ZONE
    traits: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _Shown:
    """What a document shows, from its zone or from its print, to be judged and to be held against the record."""

    document: Document
    citizenship: Citizenship | None
    number: str = field(repr=False)
    read: mrz.Mrz | None = field(default=None, repr=False)


def compare(
    visit: Visit,
    laid: Laid,
    *,
    confirmed: frozenset[str],
    by: Staff,
    at: datetime,
    speaker: UUID | None = None,
) -> Compared:
    """Compare a document for a checked-in visit, and note the identity list when everything agrees.

    It is held against the record of the `speaker` whom the clerk names, of several who came together, and proves nobody
    but him; without it, of the first.

    Judged on the office's day: check digits, zone against print, validity, the allow-list of this errand, name and date
    of birth. Tries are counted whatever comes of them, and whether or not the number that was named is anybody's.
    Raises desk.NotHere, verification.evidence.NotSeen and interactions.Ended.
    """
    here = desk.at_desk(visit, by=by, speaker=speaker)
    if confirmed != CONFIRMATIONS:
        return Compared("INCOMPLETE")
    with transaction.atomic(durable=True):
        locked = Interaction.objects.select_for_update().get(pk=here.pk)
        claim = _claim(locked, speaker)
        if _too_many(visit, claim, by, at):
            return Compared("TOO_MANY")
        found, shown = _held_against(visit, claim.person, laid, at)
        if found.matched and shown is not None:
            _accept(visit, locked, shown, laid.printed, confirmed, by, at, speaker)
        IdentityTry.objects.create(interaction=locked, tried_by=by, tried_at=at, outcome=found.outcome)
        _entry(visit, found, by, at)
        return found


def _claim(here: Interaction, speaker: UUID | None) -> Claim:
    claim = desk.claimed(here, speaker)
    if claim is None or not mark_of(claim) or not speaker_mark_of(claim):
        raise NotSeen("CLAIM")
    return claim


def _too_many(visit: Visit, claim: Claim, by: Staff, at: datetime) -> bool:
    failed = IdentityTry.objects.exclude(outcome="MATCHED")
    today = failed.filter(tried_at__gt=at - DAY)
    of_visit = failed.filter(interaction__in=visit.events.values("interaction"))
    of_customer = today.filter(contacts_about(speaker_mark_of(claim)))
    of_staff = today.filter(tried_by=by, outcome__in=AGAINST_RECORD)
    return (
        of_visit.count() >= MOST_TRIES
        or of_customer.count() >= MOST_TRIES_OF_CUSTOMER
        or of_staff.count() >= MOST_TRIES_OF_STAFF
    )


def _held_against(visit: Visit, person: Customer | None, laid: Laid, at: datetime) -> tuple[Compared, _Shown | None]:
    on = desk.today(visit, at)
    try:
        shown = _by_zone(laid, on) if laid.kind == WITH_ZONE else _by_print(laid)
    except mrz.Unreadable as unreadable:
        return Compared("UNREADABLE", unreadable.field), None
    if shown.read is not None and (differs := laid.printed.differs(shown.read)):
        return Compared("PRINTED", differs), None
    document = shown.document
    if document.expires_on is not None and document.expires_on < on:
        return Compared("EXPIRED", "expires_on"), None
    if _impossible(document, on):
        return Compared("IMPOSSIBLE", "expires_on"), None
    if (why := _not_allowed(visit, shown, on)) is not None:
        return Compared("NOT_ALLOWED", why=why), None
    return _against_record(shown, laid.printed, person), shown


def _by_zone(laid: Laid, on: date) -> _Shown:
    """Read the zone; what it says against its own document counts as if a clerk had ticked it."""
    read, marks = mrz.read(laid.zone, on=on), documents.load().shown
    kind = "passport" if read.format is mrz.Format.TD3 else "id_card"
    told = marks.nationality.get(read.nationality)
    document = Document(
        kind="" if read.document_type in marks.not_identity else kind,
        issuer_country=read.issuer,
        expires_on=read.expires_on,
        traits=laid.traits | ({told} if told else frozenset()),
        issued_on=laid.printed.issued_on,
    )
    return _Shown(document, citizenship_of(read.nationality), bare(read.number), read)


def _by_print(laid: Laid) -> _Shown:
    """Take what is printed, for the papers that have no zone; any other kind is no identity document."""
    paper, printed = documents.load().papers.get(laid.kind), laid.printed
    document = Document(
        kind=laid.kind if paper is not None and not paper.zone else "",
        issuer_country=printed.issuer.upper(),
        expires_on=printed.expires_on,
        traits=laid.traits,
        issued_on=printed.issued_on,
    )
    return _Shown(document, None, printed.bare_number)


def _impossible(document: Document, on: date) -> bool:
    return impossible(
        document.kind, document.issuer_country, issued_on=document.issued_on, expires_on=document.expires_on, on=on,
        rules=documents.load(),
    )  # fmt: skip


def _person(visit: Visit, shown: _Shown) -> PersonFacts:
    """Judge by the document's own nationality: what the caller said of his citizenship was only for his list."""
    facts = PersonFacts(**visit.answers)
    return facts if shown.citizenship is None else replace(facts, citizenship=shown.citizenship)


def _not_allowed(visit: Visit, shown: _Shown, on: date) -> str | None:
    office = visit.office
    abilities = abilities_at(office.calendar(), visit.starts_at, length_minutes=office.slot_minutes, tz=office.tz)
    asked = checklist_for(visit.action, person=_person(visit, shown), office=abilities, on=on)
    verdict = asked.judge(shown.document)
    if "identity" in verdict.groups:
        return None
    identity = [str(item.label) for group in asked.groups if group.code == "identity" for item in group.items]
    serves = gettext("These serve it: %(papers)s.") % {"papers": ", ".join(dict.fromkeys(identity))}
    return f"{verdict.reason or ''} {serves}".strip()


def _against_record(shown: _Shown, printed: Printed, person: Customer | None) -> Compared:
    if person is None:
        return Compared("NAME")  # a number that is nobody's answers like a stranger's document
    if person.kind != Customer.Kind.PERSON:
        return Compared("NOT_COMPARABLE")
    read = shown.read
    named = (
        name_matches(read, person.family_name, person.given_names)
        if read is not None
        else printed.names(person.family_name, person.given_names)
    )
    if not named:
        return Compared("NAME")
    if person.birth_date is None:
        return Compared("MATCHED")  # by name alone, and worth so much less: see _strength
    born = read.born_on(person.birth_date) if read is not None else printed.birth_date == person.birth_date
    return Compared("MATCHED" if born else "BIRTH_DATE")


def _strength(visit: Visit, shown: _Shown, person: Customer | None, on: date) -> str:
    """Tell what the document is good for: where the record has no date of birth, its name alone was compared."""
    found = strength_of(shown.document, on, person=_person(visit, shown)) or "lesser"
    undated = person is not None and person.birth_date is None
    return "undated" if undated and found != "lesser" else found


def _of_age(shown: _Shown, printed: Printed, person: Customer | None, at: datetime) -> bool | None:
    """Tell by the document whether he is of age, of whom the record can't tell; None where it can, or nobody can."""
    born = (shown.read.birth_date if shown.read is not None else None) or printed.birth_date
    if person is None or person.birth_date is not None or born is None:
        return None
    return grown_up(born, at)


def _accept(
    visit: Visit,
    here: Interaction,
    shown: _Shown,
    printed: Printed,
    confirmed: frozenset[str],
    by: Staff,
    at: datetime,
    speaker: UUID | None,
) -> None:
    document, on, person = shown.document, desk.today(visit, at), _claim(here, speaker).person
    last_day = document.expires_on.isoformat() if document.expires_on else ""
    seen = {"type": document.kind, "issuer": document.issuer_country, "expires_on": last_day}
    evidence = see_identity_list(
        here.public_id, by=by, confirmed=confirmed, document=seen, at=at,
        strength=_strength(visit, shown, person, on), of_age=_of_age(shown, printed, person, at), speaker=speaker,
    )  # fmt: skip
    kept = documents_seen.Seen(document.kind, document.issuer_country, document.expires_on, shown.number)
    documents_seen.keep(evidence, kept, at=at)
    if evidence.claim != desk.claimed(here):
        return  # the list is of the first; another's document fills nothing in on it
    asked = visit.items.filter(group="identity")
    item = asked.filter(code=document.kind).first() or asked.first()
    if item is not None:
        desk.judged(item, accepted=True, valid_until=document.expires_on, by=by, at=at)


def _entry(visit: Visit, found: Compared, by: Staff, at: datetime) -> None:
    record(
        kind="visit.identity_compared",
        actor=by.actor,
        subject=subject_of(visit),
        at=at,
        outcome=found.outcome.lower(),
        purpose="make sure that the right person is served at the desk",
        organisation=str(visit.organisation_id),
        facts={"visit": str(visit.public_id), "field": found.field},
    )
