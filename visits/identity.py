"""The identity check at the desk: the document's zone is held against the record by the server, unseen by the clerk."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from audit.log import record
from verification.evidence import CONFIRMATIONS, NotSeen, see_identity_list
from verification.models import Claim, Customer, Interaction, Staff
from visits import desk, mrz
from visits.checklist import Document, PersonFacts, checklist_for, citizenship_of
from visits.confirming import subject_of
from visits.hours import abilities_at
from visits.models import IdentityTry, Visit
from visits.names import name_matches
from visits.whose import contacts_about, mark_of

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
}
OUTCOMES: dict[str, Promise] = {
    "MATCHED": _("The document was compared, and everything agrees."),
    "UNREADABLE": _("The zone does not read."),
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


def compare(
    visit: Visit, *, zone: str, traits: frozenset[str], confirmed: frozenset[str], by: Staff, at: datetime
) -> Compared:
    """Compare a document for a checked-in visit, and note the identity list when everything agrees.

    Judged on the office's day: check digits, validity, the allow-list of this errand, name and date of birth. Tries
    are counted whatever comes of them, and whether or not the number that was named is anybody's. Raises
    desk.NotHere, verification.evidence.NotSeen and interactions.Ended.
    """
    here = desk.at_desk(visit, by=by)
    if confirmed != CONFIRMATIONS:
        return Compared("INCOMPLETE")
    with transaction.atomic(durable=True):
        locked = Interaction.objects.select_for_update().get(pk=here.pk)
        claim = _claim(locked)
        if _too_many(visit, claim, by, at):
            return Compared("TOO_MANY")
        found, document = _held_against(visit, claim.customer, zone, traits, at)
        if found.matched and document is not None:
            _accept(visit, locked, document, confirmed, by, at)
        IdentityTry.objects.create(interaction=locked, tried_by=by, tried_at=at, outcome=found.outcome)
        _entry(visit, found, by, at)
        return found


def _claim(here: Interaction) -> Claim:
    claim = desk.claimed(here)
    if claim is None or not mark_of(claim):
        raise NotSeen("CLAIM")
    return claim


def _too_many(visit: Visit, claim: Claim, by: Staff, at: datetime) -> bool:
    failed = IdentityTry.objects.exclude(outcome="MATCHED")
    today = failed.filter(tried_at__gt=at - DAY)
    of_visit = failed.filter(interaction__in=visit.events.values("interaction"))
    of_customer = today.filter(contacts_about(mark_of(claim)))
    of_staff = today.filter(tried_by=by, outcome__in=AGAINST_RECORD)
    return (
        of_visit.count() >= MOST_TRIES
        or of_customer.count() >= MOST_TRIES_OF_CUSTOMER
        or of_staff.count() >= MOST_TRIES_OF_STAFF
    )


def _held_against(
    visit: Visit, customer: Customer | None, zone: str, traits: frozenset[str], at: datetime
) -> tuple[Compared, Document | None]:
    on = desk.today(visit, at)
    try:
        read = mrz.read(zone, on=on)
    except mrz.Unreadable as unreadable:
        return Compared("UNREADABLE", unreadable.field), None
    document = Document(
        kind="passport" if read.format is mrz.Format.TD3 else "id_card",
        issuer_country=read.issuer,
        expires_on=read.expires_on,
        traits=traits,
    )
    if read.expired(on):
        return Compared("EXPIRED", "expires_on"), document
    if (why := _not_allowed(visit, read, document, at)) is not None:
        return Compared("NOT_ALLOWED", why=why), document
    return _against_record(read, customer), document


def _not_allowed(visit: Visit, read: mrz.Mrz, document: Document, at: datetime) -> str | None:
    """Judge by the document's own nationality: what the caller said of his citizenship was only for his list."""
    office, on = visit.office, desk.today(visit, at)
    person = replace(PersonFacts(**visit.answers), citizenship=citizenship_of(read.nationality))
    abilities = abilities_at(office.calendar(), visit.starts_at, length_minutes=office.slot_minutes, tz=office.tz)
    verdict = checklist_for(visit.action, person=person, office=abilities, on=on).judge(document)
    return None if "identity" in verdict.groups else str(verdict.reason or OUTCOMES["NOT_ALLOWED"])


def _against_record(read: mrz.Mrz, customer: Customer | None) -> Compared:
    if customer is None:
        return Compared("NAME")  # a number that is nobody's answers like a stranger's document
    if customer.kind != Customer.Kind.PERSON or customer.birth_date is None:
        return Compared("NOT_COMPARABLE")
    if not name_matches(read, customer.family_name, customer.given_names):
        return Compared("NAME")
    return Compared("MATCHED" if read.born_on(customer.birth_date) else "BIRTH_DATE")


def _accept(
    visit: Visit, here: Interaction, document: Document, confirmed: frozenset[str], by: Staff, at: datetime
) -> None:
    last_day = document.expires_on.isoformat() if document.expires_on else ""
    seen = {"type": document.kind, "issuer": document.issuer_country, "expires_on": last_day}
    see_identity_list(here.public_id, by=by, confirmed=confirmed, document=seen, at=at)
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
