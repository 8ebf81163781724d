"""What a document's chip holds, and how its issuer vouches for it (ICAO 9303-10 and -11): passive and active checks.

The reader at the desk only fetches bytes. Whether they are genuine is judged here, from the certificates that the
organisation trusts, so that a reader that lies or is talked round gives nothing.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from pyasn1.codec.der import decoder, encoder
from pyasn1.error import PyAsn1Error
from pyasn1.type import namedtype, univ
from pyasn1_modules import rfc5280, rfc5652

from visits import signatures
from visits.revocations import NONE_REVOKED, Revocations
from visits.signatures import HASHES, Digest

SECURITY_OBJECT: Final = "2.23.136.1.1.1"
CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
UNREADABLE: Final = (
    PyAsn1Error,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    RecursionError,
)
"""What the parsers of certificates and DER raise over bytes that are neither."""
LONGEST: Final = 100_000
"""Bytes of one file; a chip's files without its images are far shorter."""


class Forged(ValueError):
    """Refuse what a chip is said to hold; `code`: UNREADABLE, UNSIGNED, ALTERED, NOT_TRUSTED, REVOKED, CLONED."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Files:
    """The bytes that a reader fetched: DG1 (the zone), the document security object, and DG15 with what it signed."""

    dg1: bytes
    sod: bytes
    dg15: bytes = b""
    signed_challenge: bytes = b""


class _Hash(univ.Sequence):  # type: ignore[misc]  # the library has no types
    componentType = namedtype.NamedTypes(  # noqa: N815 - the library's name
        namedtype.NamedType("number", univ.Integer()), namedtype.NamedType("value", univ.OctetString())
    )


class _Hashes(univ.SequenceOf):  # type: ignore[misc]  # as above
    componentType = _Hash()  # noqa: N815


class SecurityObject(univ.Sequence):  # type: ignore[misc]  # as above
    """LDSSecurityObject of ICAO 9303-10, version 0: the hash of every data group."""

    componentType = namedtype.NamedTypes(  # noqa: N815
        namedtype.NamedType("version", univ.Integer()),
        namedtype.NamedType("algorithm", rfc5280.AlgorithmIdentifier()),
        namedtype.NamedType("hashes", _Hashes()),
    )


def verify(
    files: Files,
    *,
    challenge: bytes,
    anchors: Iterable[x509.Certificate],
    revoked: Revocations = NONE_REVOKED,
    at: datetime,
) -> str:
    """Verify the issuer's signature over the files at the moment `at`; return what the active check came to.

    "ok": the chip holds the private key of its DG15, so it is no copy. "unknown": it has none, or one of a kind that
    is not checked. Raises Forged.
    """
    if max(map(len, (files.dg1, files.sod, files.dg15, files.signed_challenge))) > LONGEST:
        raise Forged("UNREADABLE")
    try:
        content = _signed_content(files.sod, list(anchors), revoked, at)
        listed, algorithm = _listed(content)
    except Forged:
        raise
    except UNREADABLE:
        raise Forged("UNREADABLE") from None
    _same(listed.get(1), files.dg1, algorithm)
    if 15 not in listed and not files.dg15:
        return "unknown"
    _same(listed.get(15), files.dg15, algorithm)
    return _active(files, challenge)


def zone_of(dg1: bytes) -> str:
    """Return the machine-readable zone that DG1 holds, one line, as mrz.read takes it. Raises Forged."""
    try:
        text = _value(_value(dg1, b"\x61"), b"\x5f\x1f").decode("ascii")
    except (ValueError, IndexError):
        raise Forged("UNREADABLE") from None
    return text


def _value(data: bytes, tag: bytes) -> bytes:
    """Return the value of one TLV that fills `data` (ISO 7816-4, lengths of up to two bytes)."""
    if not data.startswith(tag):
        raise ValueError("another tag")
    rest = data[len(tag) :]
    wide = {0x81: 1, 0x82: 2}.get(rest[0], 0)
    length = int.from_bytes(rest[1 : 1 + wide], "big") if wide else rest[0]
    value = rest[1 + wide :]
    if len(value) != length:
        raise ValueError("another length")
    return value


def _signed_content(sod: bytes, anchors: list[x509.Certificate], revoked: Revocations, at: datetime) -> bytes:
    """Return the signed LDSSecurityObject, once signature and certificate hold (RFC 5652, 5.4)."""
    outer, left = decoder.decode(_value(sod, b"\x77"), asn1Spec=rfc5652.ContentInfo())
    if left or str(outer["contentType"]) != str(rfc5652.id_signedData):
        raise Forged("UNSIGNED")
    signed, _ = decoder.decode(outer["content"], asn1Spec=rfc5652.SignedData())
    content = bytes(signed["encapContentInfo"]["eContent"])
    if str(signed["encapContentInfo"]["eContentType"]) != SECURITY_OBJECT or len(signed["signerInfos"]) != 1:
        raise Forged("UNSIGNED")
    signer = signed["signerInfos"][0]
    certificate = x509.load_der_x509_certificate(encoder.encode(signed["certificates"][0]["certificate"]))
    _trusted(certificate, anchors, at)
    if certificate.serial_number in revoked:
        raise Forged("REVOKED")
    _signature_holds(certificate, signer, content)
    return content


def _trusted(certificate: x509.Certificate, anchors: list[x509.Certificate], at: datetime) -> None:
    """Demand that a trusted country signing authority issued it, and that both are valid now."""
    if not any(_issued(certificate, anchor) and _valid(anchor, at) for anchor in anchors) or not _valid(
        certificate, at
    ):
        raise Forged("NOT_TRUSTED")


def _issued(certificate: x509.Certificate, anchor: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(anchor)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _valid(certificate: x509.Certificate, at: datetime) -> bool:
    return certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc


def _signature_holds(certificate: x509.Certificate, signer: univ.Sequence, content: bytes) -> None:
    digest = HASHES[str(signer["digestAlgorithm"]["algorithm"])]
    attributes = signer["signedAttrs"]
    kind = decoder.decode(_attribute(attributes, CONTENT_TYPE), asn1Spec=univ.ObjectIdentifier())[0]
    stated = bytes(decoder.decode(_attribute(attributes, MESSAGE_DIGEST), asn1Spec=univ.OctetString())[0])
    if str(kind) != SECURITY_OBJECT or not hmac.compare_digest(stated, signatures.hash_of(digest, content)):
        raise Forged("ALTERED")
    message = b"\x31" + encoder.encode(attributes)[1:]  # signed as a SET OF, sent with an implicit tag
    try:
        signatures.holds(
            certificate.public_key(), bytes(signer["signature"]), message, signer["signatureAlgorithm"], digest
        )
    except InvalidSignature:
        raise Forged("ALTERED") from None


def _attribute(attributes: univ.SetOf, kind: str) -> univ.Any:
    found = [one["attrValues"][0] for one in attributes if str(one["attrType"]) == kind]
    if len(found) != 1:
        raise Forged("UNSIGNED")
    return found[0]


def _listed(content: bytes) -> tuple[dict[int, bytes], Digest]:
    found, _ = decoder.decode(content, asn1Spec=SecurityObject())
    algorithm = HASHES[str(found["algorithm"]["algorithm"])]
    return {int(one["number"]): bytes(one["value"]) for one in found["hashes"]}, algorithm


def _same(listed: bytes | None, file: bytes, algorithm: Digest) -> None:
    if listed is None or not hmac.compare_digest(listed, signatures.hash_of(algorithm, file)):
        raise Forged("ALTERED")


def _active(files: Files, challenge: bytes) -> str:
    """Check that the chip signed our challenge (ICAO 9303-11, 6.1)."""
    try:
        key = serialization.load_der_public_key(_value(files.dg15, b"\x6f"))
    except (ValueError, IndexError, UnsupportedAlgorithm):
        raise Forged("UNREADABLE") from None
    signed = signatures.signed_by_chip(key, files.signed_challenge, challenge)
    if signed is False:
        raise Forged("CLONED")
    return "ok" if signed else "unknown"
