"""The chip of the document on the desk: read, verified, and held against what was typed from the same document.

A chip says that the document is genuine; who holds it, a clerk sees. So it is evidence only beside the identity list,
under the same claim, and worth nothing alone.
"""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit
from uuid import UUID

import httpx
from cryptography import x509
from django.conf import settings
from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from audit.log import record
from verification.evidence import identity_of, see_chip
from verification.models import Claim, Evidence, Staff
from visits import desk, documents_seen, lds, mrz, revocations, stand_in
from visits.confirming import subject_of
from visits.models import Office, Visit
from visits.names import name_matches
from visits.revocations import NONE_REVOKED, NoList, Revocations

STAND_IN: Final = "loopback"
"""The address of the demo's stand-in, which reads whatever was typed; refused outside the demo."""
PATIENCE: Final = httpx.Timeout(20, connect=4)
OUTCOMES: dict[str, Promise] = {
    "MATCHED": _("The chip was read. Its signature holds, and it says what the document says."),
    "NO_DOCUMENT": _("Compare the document first; then its chip."),
    "NO_READER": _("This office has no chip reader."),
    "AWAY": _("The reader does not answer. Lay the document down anew, or let a second clerk confirm."),
    "UNREADABLE": _("The chip could not be read. Lay the document down anew, or let a second clerk confirm."),
    "UNSIGNED": _("The chip's data are not signed as they must be. Do not count it; ask a supervisor."),
    "ALTERED": _("The chip's data were altered. Keep calm, do not count it, and ask a supervisor."),
    "NOT_TRUSTED": _(
        "The authority that signed the chip is not one that we trust. A second clerk can confirm instead."
    ),
    "REVOKED": _("The country has revoked what signed this chip. Do not count it; ask a supervisor."),
    "REVOCATIONS_UNKNOWN": _(
        "The country's list of revoked signers could not be read. A second clerk can confirm instead."
    ),
    "CLONED": _("The chip could not prove that it is no copy. Do not count it; ask a supervisor."),
    "DIFFERS": _("The chip does not say what was typed from the document. Do not count it; ask a supervisor."),
}


class Away(RuntimeError):
    """Tell that the reader gave no usable answer."""


@dataclass(frozen=True, slots=True)
class ChipRead:
    """What a chip says, once its issuer's signature held.

    `active` is "ok" when it proved to be no copy, `revocation` how new the issuer's list of revoked signers is.
    """

    issuer: str
    expires_on: date
    active: str
    revocation: str
    number: str = field(repr=False)
    zone: mrz.Mrz = field(repr=False)


class Reader(Protocol):
    """Fetches a chip's files. It judges nothing: whatever stands behind it may lie."""

    def read(self, visit: Visit, challenge: bytes) -> lds.Files:
        """Fetch the files of the document that lies on the reader, and let its chip sign the challenge. Raises Away."""
        ...


@dataclass(frozen=True)
class Outcome:
    """What came of one reading; `field` says in what the chip differs."""

    code: str
    field: str = ""

    @property
    def matched(self) -> bool:
        return self.code == "MATCHED"

    @property
    def text(self) -> str:
        return str(OUTCOMES[self.code])


class AtAddress:
    """A reader's own program at an address inside the office: one POST, answered in JSON with base64."""

    def __init__(self, address: str) -> None:
        self.address = address

    def read(self, visit: Visit, challenge: bytes) -> lds.Files:
        try:
            answer = httpx.post(
                f"{self.address.rstrip('/')}/read",
                json={"challenge": base64.b64encode(challenge).decode()},
                timeout=PATIENCE,
                follow_redirects=False,
            )
            told = answer.raise_for_status().json()
            return lds.Files(*(_bytes(told, name) for name in ("dg1", "sod", "dg15", "signed_challenge")))
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as failure:
            raise Away from failure


@dataclass(frozen=True)
class StandIn:
    """The demo's reader: it makes the chip of the document that was typed, signed by a country of this process."""

    speaker: UUID | None = None

    def read(self, visit: Visit, challenge: bytes) -> lds.Files:
        here = visit.desk_interaction
        claim = desk.claimed(here, self.speaker) if here else None
        seen = identity_of(claim) if claim else None
        if claim is None or claim.person is None or seen is None:
            raise Away
        return stand_in.country().issue(documents_seen.as_zone(seen, claim.person)).read(challenge)


def problem(address: str) -> str:
    """Tell what is wrong with a reader's address, "" when nothing is: it is called by us, so it must be meant."""
    if address in ("", STAND_IN):
        return "" if settings.DEMO or not address else "the stand-in is for the demo alone"
    parts = urlsplit(address)
    local = parts.hostname in ("127.0.0.1", "::1", "localhost")
    if parts.scheme == "https" or (parts.scheme == "http" and local):
        return "" if parts.hostname and not parts.username else "no host, or a password in the address"
    return "https, or http on this machine"


def reader_of(office: Office, speaker: UUID | None = None) -> Reader | None:
    """Return the reader of an office, or None when it has none that may be asked.

    Which speaker's document lies on it, a real one sees; the demo's is told.
    """
    if not office.chip_reader or problem(office.chip_reader):
        return None
    return StandIn(speaker) if office.chip_reader == STAND_IN else AtAddress(office.chip_reader)


def anchors(issuer: str) -> list[x509.Certificate]:
    """Return the signing authorities that are trusted for documents of an issuer (ISO 3166-1 alpha-3).

    One file for each country, `FIN.pem`, in CHIP_TRUST: an authority vouches for its own country's documents alone.
    """
    file = _trust(issuer, "pem")
    named = x509.load_pem_x509_certificates(file.read_bytes()) if file is not None and file.is_file() else []
    return [*stand_in_anchors(), *named]


def revoked(issuer: str, trusted: list[x509.Certificate]) -> Revocations:
    """Return what an issuer's lists revoke, `FIN.crl` beside its authorities. Raises revocations.NoList."""
    file = _trust(issuer, "crl")
    return revocations.of_country(file, trusted) if file is not None else NONE_REVOKED


def _trust(issuer: str, kind: str) -> Path | None:
    return Path(settings.CHIP_TRUST) / f"{issuer}.{kind}" if settings.CHIP_TRUST and issuer.isalpha() else None


def stand_in_anchors() -> list[x509.Certificate]:
    """Return the stand-in's own authority, in the demo alone."""
    return [stand_in.country().anchor] if settings.DEMO else []


def read_chip(
    visit: Visit, *, by: Staff, at: datetime, reader: Reader | None = None, speaker: UUID | None = None
) -> Outcome:
    """Read the chip of the speaker's document that was compared, and note it as evidence when all of it agrees.

    Nothing is locked while the reader is asked. Raises desk.NotHere, evidence.NotSeen and interactions.Ended.
    """
    here = desk.at_desk(visit, by=by, speaker=speaker)
    asked, claim = reader or reader_of(visit.office, speaker), desk.claimed(here, speaker)
    seen = identity_of(claim) if claim else None
    if asked is None:
        return Outcome("NO_READER")
    if claim is None or seen is None:
        return Outcome("NO_DOCUMENT")
    try:
        read = _verified(asked, visit, at)
    except Away:
        return _noted(visit, Outcome("AWAY"), by, at)
    except lds.Forged as forged:
        return _noted(visit, Outcome(forged.code), by, at)
    if differs := _difference(read, seen, claim):
        return _noted(visit, Outcome("DIFFERS", differs), by, at)
    with transaction.atomic():
        see_chip(here.public_id, by=by, beside=seen, at=at, speaker=speaker, passive="ok", active=read.active)
        return _noted(visit, Outcome("MATCHED"), by, at, active=read.active, revocation=read.revocation)


def _verified(reader: Reader, visit: Visit, at: datetime) -> ChipRead:
    challenge = os.urandom(8)  # as long as ICAO 9303-11 has it
    files = reader.read(visit, challenge)
    try:
        zone = mrz.read(lds.zone_of(files.dg1), on=desk.today(visit, at))
    except mrz.Unreadable:
        raise lds.Forged("UNREADABLE") from None
    trusted = anchors(zone.issuer)
    try:
        lists = revoked(zone.issuer, trusted)
    except NoList:
        raise lds.Forged("REVOCATIONS_UNKNOWN") from None
    active = lds.verify(files, challenge=challenge, anchors=trusted, revoked=lists, at=at)
    return ChipRead(zone.issuer, zone.expires_on, active, lists.state(at), zone.number, zone)


def _difference(read: ChipRead, seen: Evidence, claim: Claim) -> str:
    """Name the first thing in which the chip differs from what was typed, or from who is claimed; "" for nothing."""
    document, person = documents_seen.of(seen), claim.person
    if document is None or person is None or person.birth_date is None:
        return "document"
    same = {
        "number": read.number == document.number,
        "issuer": read.issuer == document.issuer,
        "expires_on": read.expires_on == document.expires_on,
        "name": name_matches(read.zone, person.family_name, person.given_names),
        "birth_date": read.zone.born_on(person.birth_date),
    }
    return next((name for name, agrees in same.items() if not agrees), "")


def _noted(visit: Visit, outcome: Outcome, by: Staff, at: datetime, **read: str) -> Outcome:
    """Write what came of it."""
    with transaction.atomic():
        record(
            kind="visit.chip_read",
            actor=by.actor,
            subject=subject_of(visit),
            at=at,
            outcome=outcome.code.lower(),
            purpose="make sure that the document at the desk is genuine",
            organisation=str(visit.organisation_id),
            facts={"visit": str(visit.public_id), "field": outcome.field, "active": "", **read},
        )
    return outcome


def _bytes(told: object, name: str) -> bytes:
    if not isinstance(told, dict):
        raise TypeError(name)
    return base64.b64decode(told.get(name) or "", validate=True)
