"""A chip for the demo and the tests: a country that signs documents, made on the fly and trusted nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import NameOID
from pyasn1.codec.der import decoder, encoder
from pyasn1.type import univ
from pyasn1_modules import rfc5280, rfc5652

from visits.lds import CONTENT_TYPE, MESSAGE_DIGEST, SECURITY_OBJECT, Files, SecurityObject

SHA256 = "2.16.840.1.101.3.4.2.1"
ECDSA_SHA256 = "1.2.840.10045.4.3.2"
YEARS = timedelta(days=3650)


@dataclass(frozen=True)
class Country:
    """A signing authority with one document signer."""

    anchor: x509.Certificate
    signer: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def founded(cls, *, at: datetime) -> Country:
        """Make an authority and a signer, valid for ten years on both sides of `at`."""
        authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        anchor = _certificate("Stand-in CSCA", authority, "Stand-in CSCA", authority, at)
        return cls(anchor, _certificate("Stand-in DS", key, "Stand-in CSCA", authority, at), key)

    def issue(self, zone: str) -> Chip:
        """Make the chip of a document with this machine-readable zone."""
        key = ec.generate_private_key(ec.SECP256R1())
        public = key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        dg1 = _tlv(b"\x61", _tlv(b"\x5f\x1f", "".join(zone.split()).encode()))
        dg15 = _tlv(b"\x6f", public)
        return Chip(dg1, dg15, _tlv(b"\x77", self._signed({1: dg1, 15: dg15})), key)

    def _signed(self, groups: dict[int, bytes]) -> bytes:
        content = _security_object(groups)
        attributes = rfc5652.SignedAttributes()
        values = (
            (CONTENT_TYPE, univ.ObjectIdentifier(SECURITY_OBJECT)),
            (MESSAGE_DIGEST, univ.OctetString(_sha256(content))),
        )
        for place, (kind, value) in enumerate(values):
            attributes[place]["attrType"] = kind
            attributes[place]["attrValues"][0] = encoder.encode(value)
        encoded: bytes = encoder.encode(self._wrapped(content, attributes, self.sign(encoder.encode(attributes))))
        return encoded

    def sign(self, message: bytes) -> tuple[rfc5280.AlgorithmIdentifier, bytes]:
        """Sign as the document signer; return the algorithm with the signature."""
        algorithm = rfc5280.AlgorithmIdentifier()
        algorithm["algorithm"] = ECDSA_SHA256
        return algorithm, self.key.sign(message, ec.ECDSA(hashes.SHA256()))

    def _wrapped(
        self, content: bytes, attributes: univ.SetOf, signed_as: tuple[rfc5280.AlgorithmIdentifier, bytes]
    ) -> univ.Sequence:
        own, _ = decoder.decode(self.signer.public_bytes(serialization.Encoding.DER), asn1Spec=rfc5280.Certificate())
        signed = rfc5652.SignedData()
        signed["version"] = 3
        signed["digestAlgorithms"][0]["algorithm"] = SHA256
        signed["encapContentInfo"]["eContentType"] = SECURITY_OBJECT
        signed["encapContentInfo"]["eContent"] = content
        signed["certificates"][0]["certificate"] = own
        one = signed["signerInfos"][0]
        one["version"] = 1
        one["sid"]["issuerAndSerialNumber"]["issuer"] = own["tbsCertificate"]["issuer"]
        one["sid"]["issuerAndSerialNumber"]["serialNumber"] = own["tbsCertificate"]["serialNumber"]
        one["digestAlgorithm"]["algorithm"] = SHA256
        for place, attribute in enumerate(attributes):
            one["signedAttrs"][place] = attribute
        one["signatureAlgorithm"], one["signature"] = signed_as
        outer = rfc5652.ContentInfo()
        outer["contentType"] = rfc5652.id_signedData
        outer["content"] = encoder.encode(signed)
        return outer


@dataclass(frozen=True)
class Chip:
    """One document's chip, with the key that never leaves it."""

    dg1: bytes
    dg15: bytes
    sod: bytes
    key: ec.EllipticCurvePrivateKey

    def read(self, challenge: bytes) -> Files:
        """Give the files, and sign the challenge as a chip does: r and s joined."""
        r, s = decode_dss_signature(self.key.sign(challenge, ec.ECDSA(hashes.SHA256())))
        return Files(self.dg1, self.sod, self.dg15, r.to_bytes(32, "big") + s.to_bytes(32, "big"))


@cache
def country() -> Country:
    """Return this process's own country, founded once."""
    return Country.founded(at=datetime(2026, 1, 1, tzinfo=UTC))


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: str, by: ec.EllipticCurvePrivateKey, at: datetime
) -> x509.Certificate:
    builder = x509.CertificateBuilder().subject_name(_name(name)).issuer_name(_name(issuer))
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(at - YEARS).not_valid_after(at + YEARS)
    return builder.sign(by, hashes.SHA256())


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "FI"), x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _security_object(groups: dict[int, bytes]) -> bytes:
    listed = SecurityObject()
    listed["version"] = 0
    listed["algorithm"]["algorithm"] = SHA256
    for place, (number, data) in enumerate(sorted(groups.items())):
        listed["hashes"][place]["number"] = number
        listed["hashes"][place]["value"] = _sha256(data)
    encoded: bytes = encoder.encode(listed)
    return encoded


def _sha256(data: bytes) -> bytes:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(data)
    return digest.finalize()


def _tlv(tag: bytes, value: bytes) -> bytes:
    size = len(value)
    if size < 0x80:
        return tag + bytes([size]) + value
    width = 1 if size < 0x100 else 2
    return tag + bytes([0x80 + width]) + size.to_bytes(width, "big") + value
