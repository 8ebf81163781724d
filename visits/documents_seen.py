"""What is kept of a compared document: type, issuer, last day, and its number under the customer's own key."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from audit import keys
from verification.models import Customer, Evidence
from visits.models import SeenDocument
from visits.mrz import check_digit


@dataclass(frozen=True, slots=True)
class Seen:
    """One document as it was compared."""

    kind: str
    issuer: str
    expires_on: date | None
    number: str = field(repr=False)


def keep(evidence: Evidence, document: Seen, *, at: datetime) -> None:
    """Keep a document beside its evidence, inside the caller's transaction."""
    secret = keys.subject_key(_subject(evidence), at=at).secret
    SeenDocument.objects.create(
        evidence=evidence,
        kind=document.kind,
        issuer=document.issuer,
        expires_on=document.expires_on,
        sealed_number=keys.encrypt(secret, document.number.encode(), context=_context(evidence)),
    )


def of(evidence: Evidence) -> Seen | None:
    """Return the document behind an identity list; None when none was kept, or the customer's key is erased."""
    row, key = SeenDocument.objects.filter(evidence=evidence).first(), keys.find(_subject(evidence))
    if row is None or key is None:
        return None
    number = keys.decrypt(key.secret, bytes(row.sealed_number), context=_context(evidence))
    return Seen(row.kind, row.issuer, row.expires_on, number.decode())


def as_zone(evidence: Evidence, person: Customer) -> str:
    """Write the zone of a passport (ICAO 9303-4) as it must have been typed: for the demo's chip."""
    seen = of(evidence)
    if seen is None or seen.expires_on is None or person.birth_date is None:
        return ""
    name = f"{_spelt(person.family_name)}<<{_spelt(person.given_names)}"
    plain = (seen.number.ljust(9, "<")[:9], f"{person.birth_date:%y%m%d}", f"{seen.expires_on:%y%m%d}", "<" * 14)
    fields = [text + check_digit(text) for text in plain]
    second = f"{fields[0]}{seen.issuer}{fields[1]}<{fields[2]}{fields[3]}{check_digit(''.join(fields))}"
    return f"{f'P<{seen.issuer}{name}'[:44].ljust(44, '<')}\n{second}"


def _spelt(name: str) -> str:
    spelt = str.maketrans({"Å": "AA", "Ä": "AE", "Ö": "OE", " ": "<", "-": "<"})
    return name.upper().translate(spelt)


def _subject(evidence: Evidence) -> str:
    person = evidence.claim.person
    return str(person.pseudonym) if person else ""


def _context(evidence: Evidence) -> str:
    return f"document:{evidence.pk}"
