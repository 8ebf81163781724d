"""Which signers of documents a country has revoked: its CRL beside its authorities (ICAO 9303-12, 7.1.3).

A list counts when one of the country's own trusted authorities signed it. One that is out of date still revokes what
it names, and is told to the operator; one that can't be read, or that somebody else signed, closes the road: what it
would have said is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

PEM: Final = re.compile(rb"-----BEGIN X509 CRL-----.+?-----END X509 CRL-----", re.S)


class NoList(ValueError):
    """Tell that a file is no revocation list, or none that a trusted authority of the country signed."""


@dataclass(frozen=True, slots=True)
class Revocations:
    """What a country's lists revoke. `due` is the moment when the oldest of them should have been replaced."""

    serials: frozenset[int] = frozenset()
    due: datetime | None = None
    given: bool = False

    def __contains__(self, serial: int) -> bool:
        return serial in self.serials

    def state(self, at: datetime) -> str:
        """Return "none" without a list, "stale" when one is past its day, else "current"."""
        if not self.given:
            return "none"
        return "stale" if self.due is None or self.due < at else "current"


NONE_REVOKED: Final = Revocations()


def of_country(file: Path, anchors: Iterable[x509.Certificate]) -> Revocations:
    """Read the lists of a country, DER or any number in PEM. A file that isn't there revokes nothing. Raises NoList."""
    if not file.is_file():
        return NONE_REVOKED
    lists, trusted = [*_parsed(file.read_bytes())], list(anchors)
    if not lists or not all(_signed(each, trusted) for each in lists):
        raise NoList(file.name)
    due = [each.next_update_utc for each in lists]
    oldest = None if None in due else min(moment for moment in due if moment)
    return Revocations(frozenset(entry.serial_number for each in lists for entry in each), oldest, given=True)


def _parsed(data: bytes) -> Iterator[x509.CertificateRevocationList]:
    try:
        if data.lstrip().startswith(b"-----BEGIN"):
            yield from (x509.load_pem_x509_crl(block) for block in PEM.findall(data))
        else:
            yield x509.load_der_x509_crl(data)
    except ValueError as unreadable:
        raise NoList(str(unreadable)) from None


def _signed(listed: x509.CertificateRevocationList, anchors: list[x509.Certificate]) -> bool:
    """Tell whether one of the authorities signed it, by its key: a country's authority may have changed its name."""
    return any(_by(listed, anchor) for anchor in anchors)


def _by(listed: x509.CertificateRevocationList, anchor: x509.Certificate) -> bool:
    try:
        return listed.is_signature_valid(anchor.public_key())  # type: ignore[arg-type]  # another kind raises TypeError
    except (InvalidSignature, UnsupportedAlgorithm, TypeError, ValueError):
        return False
