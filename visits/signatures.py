"""The signatures that stand on documents' chips: ECDSA, RSA with PKCS #1 v1.5 and PSS, and what a chip itself signs.

Which algorithms are taken is decided here alone; whatever is not listed fails as unreadable.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from pyasn1.codec.der import decoder
from pyasn1_modules import rfc4055, rfc5280

Digest = type[hashes.HashAlgorithm]

HASHES: Final[Mapping[str, Digest]] = {
    "2.16.840.1.101.3.4.2.1": hashes.SHA256,
    "2.16.840.1.101.3.4.2.2": hashes.SHA384,
    "2.16.840.1.101.3.4.2.3": hashes.SHA512,
}
"""SHA-1 and SHA-224 are left out: documents that are valid today no longer need them."""
ECDSA: Final[Mapping[str, Digest]] = {
    "1.2.840.10045.4.3.2": hashes.SHA256,
    "1.2.840.10045.4.3.3": hashes.SHA384,
    "1.2.840.10045.4.3.4": hashes.SHA512,
}
RSA: Final[Mapping[str, Digest | None]] = {
    "1.2.840.113549.1.1.1": None,  # then the digest's own algorithm says which
    "1.2.840.113549.1.1.11": hashes.SHA256,
    "1.2.840.113549.1.1.12": hashes.SHA384,
    "1.2.840.113549.1.1.13": hashes.SHA512,
}
PSS: Final = "1.2.840.113549.1.1.10"
MGF1: Final = "1.2.840.113549.1.1.8"
OF_CHIPS: Final[tuple[Digest, ...]] = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
"""Which of them an ECDSA chip uses stands in DG14, which is not read: each is tried."""
TRAILERS: Final[Mapping[bytes, Digest]] = {
    b"\xbc": hashes.SHA1,
    b"\x34\xcc": hashes.SHA256,
    b"\x36\xcc": hashes.SHA384,
    b"\x35\xcc": hashes.SHA512,
}
"""The trailer of ISO/IEC 9796-2 names its hash (ISO/IEC 10118-3). SHA-1 is taken here alone: to copy a chip takes a
second preimage, which it still withstands."""
SHORTEST_RSA: Final = 1024
"""Bits of a chip's own RSA key, the shortest that ICAO 9303-11 allowed."""


def holds(
    key: PublicKeyTypes, signature: bytes, message: bytes, algorithm: rfc5280.AlgorithmIdentifier, digest: Digest
) -> None:
    """Verify an issuer's signature. Raises InvalidSignature; LookupError or ValueError for one that is not taken."""
    kind = str(algorithm["algorithm"])
    if isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, message, ec.ECDSA(ECDSA[kind]()))
    elif not isinstance(key, rsa.RSAPublicKey):
        raise ValueError("a key of another kind")
    elif kind == PSS:
        filled, of = _pss(bytes(algorithm["parameters"]))
        key.verify(signature, message, filled, of())
    else:
        key.verify(signature, message, padding.PKCS1v15(), (RSA[kind] or digest)())


def _pss(parameters: bytes) -> tuple[padding.PSS, Digest]:
    """Read RSASSA-PSS-params (RFC 4055, 3.1); what is left out there means SHA-1, which is not taken."""
    told, left = decoder.decode(parameters, asn1Spec=rfc4055.RSASSA_PSS_params())
    mask = told["maskGenAlgorithm"]
    inner, _ = decoder.decode(bytes(mask["parameters"]), asn1Spec=rfc5280.AlgorithmIdentifier())
    if left or str(mask["algorithm"]) != MGF1 or int(told["trailerField"]) != 1:
        raise ValueError("another mask or trailer")
    of, of_mask = HASHES[str(told["hashAlgorithm"]["algorithm"])], HASHES[str(inner["algorithm"])]
    return padding.PSS(padding.MGF1(of_mask()), int(told["saltLength"])), of


def signed_by_chip(key: PublicKeyTypes, signature: bytes, challenge: bytes) -> bool | None:
    """Tell whether the chip that holds the key signed our challenge (ICAO 9303-11, 6.1).

    None when the key is of a kind, or so short, that its signature would tell nothing.
    """
    if isinstance(key, ec.EllipticCurvePublicKey):
        return _plain_ecdsa(key, signature, challenge)
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= SHORTEST_RSA:
        return _recovers(key, signature, challenge)
    return None


def _plain_ecdsa(key: ec.EllipticCurvePublicKey, signature: bytes, challenge: bytes) -> bool:
    """Verify r and s joined (BSI TR-03111, 5.2.1)."""
    half, odd = divmod(len(signature), 2)
    if odd or not half:
        return False
    r, s = (int.from_bytes(part, "big") for part in (signature[:half], signature[half:]))
    return any(_ecdsa(key, encode_dss_signature(r, s), challenge, digest) for digest in OF_CHIPS)


def _ecdsa(key: ec.EllipticCurvePublicKey, signature: bytes, challenge: bytes, digest: Digest) -> bool:
    try:
        key.verify(signature, challenge, ec.ECDSA(digest()))
    except InvalidSignature:
        return False
    return True


def _recovers(key: rsa.RSAPublicKey, signature: bytes, challenge: bytes) -> bool:
    """Verify scheme 1 of ISO/IEC 9796-2 with partial recovery: 6A, M1, the hash of M1 and challenge, trailer.

    The signer may have sent n - s for s: what ends in no trailer is taken from n first.
    """
    numbers, size = key.public_numbers(), (key.key_size + 7) // 8
    value = int.from_bytes(signature, "big")
    if len(signature) != size or value >= numbers.n:
        return False
    opened = pow(value, numbers.e, numbers.n)
    if opened & 0xF != 0xC:
        opened = numbers.n - opened
    return _ends_in_hash(opened.to_bytes(size, "big"), challenge)


def _ends_in_hash(block: bytes, challenge: bytes) -> bool:
    trailer = block[-1:] if block[-1:] == b"\xbc" else block[-2:]
    digest = TRAILERS.get(trailer)
    if digest is None or block[:1] != b"\x6a":
        return False
    end = len(block) - len(trailer)
    start = end - len(hash_of(digest, b""))
    return start > 1 and hmac.compare_digest(block[start:end], hash_of(digest, block[1:start] + challenge))


def hash_of(digest: Digest, data: bytes) -> bytes:
    """Return the hash of some bytes."""
    made = hashes.Hash(digest())
    made.update(data)
    return made.finalize()
