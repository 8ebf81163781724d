"""Every signature that documents in circulation bear is checked, and a revoked signer's counts for nothing."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from pyasn1.codec.der import encoder
from pyasn1_modules import rfc4055, rfc5280

from audit.models import Entry
from tests.cast import NOW, Cast
from tests.test_chips import HOME, Lying, compared, level, read, visit
from tests.test_mrz import TD3
from verification.levels import Level
from visits import checks, lds, revocations, signatures
from visits.models import Visit
from visits.stand_in import SHA256, Chip, Country, _certificate, _tlv

__all__ = ["visit"]

SHA1 = "1.3.14.3.2.26"
CHALLENGE = bytes(range(8))


@cache
def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


@dataclass(frozen=True)
class PssCountry(Country):
    """A country whose document signer signs with RSASSA-PSS; `told` and `salt` are what it says of it."""

    own: rsa.RSAPrivateKey | None = None
    told: str = SHA256
    salt: int = 32

    def sign(self, message: bytes) -> tuple[rfc5280.AlgorithmIdentifier, bytes]:
        assert self.own is not None
        filled = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        return pss_algorithm(self.told, self.salt), self.own.sign(message, filled, hashes.SHA256())


def pss_algorithm(of: str, salt: int) -> rfc5280.AlgorithmIdentifier:
    inner, told = rfc5280.AlgorithmIdentifier(), rfc4055.RSASSA_PSS_params()
    inner["algorithm"] = of
    told["hashAlgorithm"]["algorithm"] = of
    told["maskGenAlgorithm"]["algorithm"] = signatures.MGF1
    told["maskGenAlgorithm"]["parameters"] = encoder.encode(inner)
    told["saltLength"] = salt
    named = rfc5280.AlgorithmIdentifier()
    named["algorithm"] = signatures.PSS
    named["parameters"] = encoder.encode(told)
    return named


@cache
def pss_country(told: str = SHA256, salt: int = 32) -> PssCountry:
    """Found a country of RSA-PSS throughout: the authority signs its signer's certificate with it too."""
    authority, own = rsa_key(), rsa_key(3072)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "PSS CSCA")])

    def signed(key: rsa.RSAPrivateKey) -> x509.Certificate:
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(NOW - timedelta(days=9))
        filled = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        return builder.not_valid_after(NOW + timedelta(days=9)).sign(authority, hashes.SHA256(), rsa_padding=filled)

    return PssCountry(signed(authority), signed(own), HOME.key, own, told, salt)


def verified(chip: Chip, country: Country, challenge: bytes = CHALLENGE, **changed: bytes) -> str:
    files = replace(chip.read(challenge), **changed)
    return lds.verify(files, challenge=CHALLENGE, anchors=[country.anchor], at=NOW)


def test_a_document_signed_with_pss_is_genuine() -> None:
    country = pss_country()
    assert verified(country.issue(TD3), country) == "ok"


def test_a_changed_document_signed_with_pss_is_altered() -> None:
    country = pss_country()
    files = country.issue(TD3).read(CHALLENGE)
    broken = files.sod[:-5] + bytes([files.sod[-5] ^ 1]) + files.sod[-4:]
    with pytest.raises(lds.Forged, match="ALTERED"):
        lds.verify(replace(files, sod=broken), challenge=CHALLENGE, anchors=[country.anchor], at=NOW)


@pytest.mark.parametrize(("told", "salt", "code"), [(SHA256, 20, "ALTERED"), (SHA1, 32, "UNREADABLE")])
def test_pss_is_verified_as_its_parameters_say_and_never_with_sha_1(told: str, salt: int, code: str) -> None:
    country = pss_country(told, salt)
    with pytest.raises(lds.Forged, match=code):
        verified(country.issue(TD3), country)


@dataclass(frozen=True)
class RsaChip(Chip):
    """A chip that signs as ISO/IEC 9796-2 scheme 1 has it; `head` and `minus` make the odd ones."""

    own: rsa.RSAPrivateKey | None = None
    digest: signatures.Digest = hashes.SHA256
    trailer: bytes = b"\x34\xcc"
    head: bytes = b"\x6a"
    minus: bool = False

    def read(self, challenge: bytes) -> lds.Files:
        return lds.Files(self.dg1, self.sod, self.dg15, self.signed(challenge))

    def signed(self, challenge: bytes) -> bytes:
        assert self.own is not None
        numbers, size = self.own.private_numbers(), self.own.key_size // 8
        first = os.urandom(size - len(self.head) - len(self.trailer) - self.digest.digest_size)
        block = self.head + first + signatures.hash_of(self.digest, first + challenge) + self.trailer
        modulus = numbers.public_numbers.n
        made = pow(int.from_bytes(block, "big"), numbers.d, modulus)
        return (modulus - made if self.minus else made).to_bytes(size, "big")


def rsa_chip(bits: int = 2048, **more: Any) -> RsaChip:
    own = rsa_key(bits)
    public = own.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    plain = HOME.issue(TD3)
    dg15 = _tlv(b"\x6f", public)
    sod = _tlv(b"\x77", HOME._signed({1: plain.dg1, 15: dg15}))
    return RsaChip(plain.dg1, dg15, sod, plain.key, own, **more)


@pytest.mark.parametrize(
    ("digest", "trailer"),
    [
        (hashes.SHA1, b"\xbc"),
        (hashes.SHA256, b"\x34\xcc"),
        (hashes.SHA384, b"\x36\xcc"),
        (hashes.SHA512, b"\x35\xcc"),
    ],
)
@pytest.mark.parametrize("minus", [False, True])
def test_a_chip_with_an_rsa_key_proves_that_it_is_no_copy(
    digest: signatures.Digest, trailer: bytes, minus: bool
) -> None:
    assert verified(rsa_chip(digest=digest, trailer=trailer, minus=minus), HOME) == "ok"


@pytest.mark.parametrize(
    "odd",
    [
        {"trailer": b"\x38\xcc"},
        {"trailer": b"\x34\xcd"},
        {"trailer": b"\x36\xcc"},
        {"head": b"\x4b"},
        {"head": b"\x00\x6a"},
    ],
)
def test_what_an_rsa_chip_signs_in_another_form_is_a_copy(odd: dict[str, Any]) -> None:
    with pytest.raises(lds.Forged, match="CLONED"):
        verified(rsa_chip(**odd), HOME)


def test_an_rsa_chip_that_answers_another_challenge_is_a_copy() -> None:
    chip = rsa_chip()
    with pytest.raises(lds.Forged, match="CLONED"):
        verified(chip, HOME, challenge=b"yesterday")
    for nothing in (b"", b"\x00" * 256, b"\xff" * 256, chip.signed(CHALLENGE)[1:], chip.signed(CHALLENGE) + b"\x00"):
        with pytest.raises(lds.Forged, match="CLONED"):
            verified(chip, HOME, signed_challenge=nothing)


def test_a_key_too_short_to_prove_anything_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signatures, "SHORTEST_RSA", 3000)
    assert verified(rsa_chip(), HOME) == "unknown"


@pytest.mark.parametrize("digest", [hashes.SHA256(), hashes.SHA384(), hashes.SHA512()])
def test_an_ecdsa_chip_may_hash_as_its_curve_asks(digest: hashes.HashAlgorithm) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    r, s = signatures_of(key, digest)
    assert signatures.signed_by_chip(key.public_key(), r + s, CHALLENGE) is True
    assert signatures.signed_by_chip(key.public_key(), s + r, CHALLENGE) is False


def signatures_of(key: ec.EllipticCurvePrivateKey, digest: hashes.HashAlgorithm) -> tuple[bytes, bytes]:
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    r, s = decode_dss_signature(key.sign(CHALLENGE, ec.ECDSA(digest)))
    return r.to_bytes(32, "big"), s.to_bytes(32, "big")


# What a country has revoked.

AUTHORITY = ec.generate_private_key(ec.SECP256R1())
SIGNER = ec.generate_private_key(ec.SECP256R1())
LAND = Country(
    _certificate("Land CSCA", AUTHORITY, "Land CSCA", AUTHORITY, NOW),
    _certificate("Land DS", SIGNER, "Land CSCA", AUTHORITY, NOW),
    SIGNER,
)


def crl(*serials: int, by: Any = AUTHORITY, until: datetime = NOW + timedelta(days=90)) -> bytes:
    builder = x509.CertificateRevocationListBuilder().issuer_name(LAND.anchor.subject)
    builder = builder.last_update(NOW - timedelta(days=30)).next_update(until)
    for serial in serials:
        one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(NOW - timedelta(days=1))
        builder = builder.add_revoked_certificate(one.build())
    return builder.sign(by, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@pytest.fixture
def trust(settings: Any, tmp_path: Path) -> Path:
    (tmp_path / "FIN.pem").write_bytes(LAND.anchor.public_bytes(serialization.Encoding.PEM))
    settings.CHIP_TRUST = str(tmp_path)
    return tmp_path


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("listed", "code", "fact"),
    [
        (None, "MATCHED", "none"),
        (crl(4711), "MATCHED", "current"),
        (crl(4711, until=NOW - timedelta(days=3)), "MATCHED", "stale"),
        (crl(4711, LAND.signer.serial_number), "REVOKED", None),
        (crl(LAND.signer.serial_number, until=NOW - timedelta(days=3)), "REVOKED", None),
        (crl(4711) + crl(LAND.signer.serial_number), "REVOKED", None),
        (crl(4711, by=SIGNER), "REVOCATIONS_UNKNOWN", None),
        (crl(4711) + crl(4712, by=SIGNER), "REVOCATIONS_UNKNOWN", None),
        (b"", "REVOCATIONS_UNKNOWN", None),
        (b"-----BEGIN X509 CRL-----", "REVOCATIONS_UNKNOWN", None),
        (b"<html>not found</html>", "REVOCATIONS_UNKNOWN", None),
    ],
)
def test_a_revoked_signers_chip_does_not_count(
    visit: Visit, cast: Cast, trust: Path, listed: bytes | None, code: str, fact: str | None
) -> None:
    (trust / "FIN.pem").write_bytes(LAND.anchor.public_bytes(serialization.Encoding.PEM))
    if listed is not None:
        (trust / "FIN.crl").write_bytes(listed)
    zone = compared(visit, cast)
    assert read(visit, cast, Lying(LAND.issue(zone))).code == code
    assert level(visit) is (Level.HIGH if code == "MATCHED" else Level.SUBSTANTIAL)
    entry = Entry.objects.get(kind="visit.chip_read")
    assert (entry.outcome, json.loads(entry.body)["facts"].get("revocation")) == (code.lower(), fact)


def test_a_list_may_be_der_and_signed_by_the_authoritys_next_key(tmp_path: Path) -> None:
    listed = x509.load_pem_x509_crl(crl(7)).public_bytes(serialization.Encoding.DER)
    (tmp_path / "FIN.crl").write_bytes(listed)
    found = revocations.of_country(tmp_path / "FIN.crl", [HOME.anchor, LAND.anchor])
    assert 7 in found
    assert 8 not in found


def test_the_operator_is_told_of_lists_that_are_late_or_unreadable(trust: Path) -> None:
    assert checks.revocation_lists_are_current() == []
    (trust / "FIN.crl").write_bytes(crl(7))
    assert checks.revocation_lists_are_current(at=NOW) == []
    late = checks.revocation_lists_are_current(at=NOW + timedelta(days=91))
    assert [(found.id, "FIN" in str(found.msg)) for found in late] == [("visits.W001", True)]
    (trust / "FIN.crl").write_bytes(b"nonsense")
    assert [found.id for found in checks.revocation_lists_are_current()] == ["visits.E003"]
    (trust / "FIN.crl").unlink()
    (trust / "SWE.crl").write_bytes(crl(7))
    assert [found.id for found in checks.revocation_lists_are_current()] == ["visits.E003"], "of no authority here"


def test_trust_that_is_configured_but_not_there_is_told(settings: Any, tmp_path: Path) -> None:
    settings.CHIP_TRUST = str(tmp_path / "nowhere")
    assert [found.id for found in checks.revocation_lists_are_current()] == ["visits.E004"]
    settings.CHIP_TRUST = ""
    assert checks.revocation_lists_are_current() == []
