"""Sign and open notes and checkpoints, as C2SP signed-note, tlog-checkpoint and tlog-cosignature write them.

A note is a text, an empty line, and a line for each signature: an em dash, the name of the key, and in base64 four
bytes that identify the key followed by the signature. Ed25519 is deterministic: to sign again gives the same bytes.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = 0x01
COSIGNATURE = 0x04  # of a witness: its signature also covers the time at which it looked
KEY_ID_BYTES = 4
TIME_BYTES = 8
MOST_SIGNATURES = 16
LARGEST_NOTE = 128 * 1024
NAME = re.compile(r"[^\s+]+")
TEXT = re.compile(r"[^\x00-\x09\x0b-\x1f\ud800-\udfff]*\n")
CHECKPOINT = re.compile(r"([^\n]+)\n(0|[1-9][0-9]{0,18})\n([A-Za-z0-9+/]{43}=)\n")


class NotSigned(ValueError):
    """Refuse a note that isn't well-formed, or isn't signed by a key that is trusted."""


class NoCheckpoint(ValueError):
    """Refuse a text that isn't exactly origin, size and root."""


class Checkpoint(NamedTuple):
    """Say of one log, named by its origin, that its first `size` leaves have this root (32 bytes)."""

    origin: str
    size: int
    root: bytes


@dataclass(frozen=True)
class Signer:
    """Hold a log's signing key under its name, which for a checkpoint is the log's origin."""

    name: str
    key: Ed25519PrivateKey

    @property
    def vkey(self) -> str:
        """Write the public key as name, key id and key: what a verifier is given to trust."""
        return _vkey(self.name, ED25519, self.key)

    def line(self, text: str) -> str:
        """Sign a text."""
        return _line(self.name, key_id(self.name, ED25519, _public(self.key)) + self.key.sign(text.encode()))


@dataclass(frozen=True)
class Witness:
    """Hold the key of one who has seen a checkpoint, and says when."""

    name: str
    key: Ed25519PrivateKey

    @property
    def vkey(self) -> str:
        """Write the public key."""
        return _vkey(self.name, COSIGNATURE, self.key)

    def line(self, text: str, seconds: int) -> str:
        """Cosign a checkpoint's text as seen at a time, in seconds since 1970."""
        blob = seconds.to_bytes(TIME_BYTES, "big") + self.key.sign(_cosigned(text, seconds))
        return _line(self.name, key_id(self.name, COSIGNATURE, _public(self.key)) + blob)


class VerifierKey(NamedTuple):
    """Hold what a vkey says."""

    name: str
    id: bytes
    kind: int
    key: Ed25519PublicKey


class Signature(NamedTuple):
    name: str
    id: bytes
    blob: bytes


def checkpoint_text(origin: str, size: int, root: bytes) -> str:
    """Write a checkpoint's text, which is what is signed."""
    text = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"
    parse_checkpoint(text)
    return text


def parse_checkpoint(text: str) -> Checkpoint:
    """Read origin, size and root out of a checkpoint's text and nothing else; raises NoCheckpoint.

    A size with a leading zero, base64 that isn't the one form of its bytes, and lines beyond the third are refused.
    """
    match = CHECKPOINT.fullmatch(text)
    if match is None:
        raise NoCheckpoint("not a checkpoint: its lines are origin, size and root in base64, each ended by a line feed")
    root = base64.b64decode(match[3])
    if base64.b64encode(root).decode() != match[3]:
        raise NoCheckpoint("the root's base64 isn't the one form of its bytes")
    return Checkpoint(match[1], int(match[2]), root)


def sign(text: str, *signers: Signer) -> str:
    """Write the note of a text (which ends with a line feed) with the signature of each signer."""
    if not TEXT.fullmatch(text):
        raise ValueError("a note's text ends with a line feed and holds no other control characters")
    return add(text + "\n", *(signer.line(text) for signer in signers))


def add(note: str, *lines: str) -> str:
    """Add lines of signatures to a note."""
    return note + "".join(lines)


def open_note(note: str, vkeys: Iterable[str]) -> str:
    """Give a note's text if at least one of these keys has signed it; raises NotSigned.

    Signatures of other keys are passed over; a false one of a trusted key spoils the note.
    """
    text, _ = _opened(note, vkeys)
    return text


def open_checkpoint(note: str, vkeys: Iterable[str]) -> Checkpoint:
    """Give a checkpoint signed by one of these keys under the name of its origin; raises NotSigned, NoCheckpoint."""
    text, names = _opened(note, vkeys)
    checkpoint = parse_checkpoint(text)
    if checkpoint.origin not in names:
        raise NotSigned(f"the checkpoint is of {checkpoint.origin}, but signed by {', '.join(sorted(names))}")
    return checkpoint


def cosigned_at(note: str, vkey: str) -> int:
    """Tell when a witness saw the checkpoint, in seconds since 1970; raises NotSigned."""
    text, signatures = _parts(note)
    trusted = parse_vkey(vkey)
    for signature in signatures:
        if (signature.name, signature.id) == (trusted.name, trusted.id) and trusted.kind == COSIGNATURE:
            _check(trusted, text, signature.blob)
            return int.from_bytes(signature.blob[:TIME_BYTES], "big")
    raise NotSigned(f"{trusted.name} has not cosigned")


def parse_vkey(vkey: str) -> VerifierKey:
    """Read a vkey: name+hash+base64(type, key); raises ValueError."""
    match = re.fullmatch(r"([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)", vkey.strip())
    if match is None:
        raise ValueError("not a verifier key: it is written as name+hash+key")
    kind_and_key = _base64(match[3])
    kind, public = kind_and_key[0], kind_and_key[1:]
    if kind not in (ED25519, COSIGNATURE) or len(public) != 32:
        raise ValueError("not an Ed25519 verifier key")
    if key_id(match[1], kind, public).hex() != match[2]:
        raise ValueError("the verifier key's hash isn't that of its name and key")
    return VerifierKey(match[1], bytes.fromhex(match[2]), kind, Ed25519PublicKey.from_public_bytes(public))


def key_id(name: str, kind: int, public: bytes) -> bytes:
    """Hash a name and a public key into the four bytes that stand before its signatures."""
    return hashlib.sha256(f"{name}\n".encode() + bytes([kind]) + public).digest()[:KEY_ID_BYTES]


def _opened(note: str, vkeys: Iterable[str]) -> tuple[str, set[str]]:
    """Give the text, and the names of those trusted keys of a log that have signed it: at least one."""
    text, signatures = _parts(note)
    trusted = {(key.name, key.id): key for key in map(parse_vkey, vkeys) if key.kind == ED25519}
    names = set()
    for signature in signatures:
        if key := trusted.get((signature.name, signature.id)):
            _check(key, text, signature.blob)
            names.add(key.name)
    if not names:
        raise NotSigned("not signed by a key that is trusted")
    return text, names


def _parts(note: str) -> tuple[str, list[Signature]]:
    """Split a note into its text and its signatures, all of them well-formed."""
    text, between, below = note.rpartition("\n\n")
    text += "\n"
    if not between or len(note) > LARGEST_NOTE or not TEXT.fullmatch(text) or not below.endswith("\n"):
        raise NotSigned("not a note: a text, an empty line, and lines of signatures")
    lines = below[:-1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise NotSigned(f"more than {MOST_SIGNATURES} signatures")
    return text, [_signature(line) for line in lines]


def _signature(line: str) -> Signature:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    if dash != "—" or not NAME.fullmatch(name):
        raise NotSigned("not a line of a signature")
    try:
        blob = _base64(encoded)
    except ValueError:
        raise NotSigned("a signature that isn't base64") from None
    if len(blob) <= KEY_ID_BYTES:
        raise NotSigned("a signature too short to be one")
    return Signature(name, blob[:KEY_ID_BYTES], blob[KEY_ID_BYTES:])


def _check(key: VerifierKey, text: str, blob: bytes) -> None:
    signed, signature = text.encode(), blob
    if key.kind == COSIGNATURE:
        signed, signature = _cosigned(text, int.from_bytes(blob[:TIME_BYTES], "big")), blob[TIME_BYTES:]
    try:
        key.key.verify(signature, signed)
    except InvalidSignature:
        raise NotSigned(f"a false signature of {key.name}") from None


def _cosigned(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def _vkey(name: str, kind: int, key: Ed25519PrivateKey) -> str:
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} can't name a key: it is empty, or holds a space or a plus")
    public = _public(key)
    return f"{name}+{key_id(name, kind, public).hex()}+{base64.b64encode(bytes([kind]) + public).decode()}"


def _line(name: str, blob: bytes) -> str:
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} can't name a key: it is empty, or holds a space or a plus")
    return f"— {name} {base64.b64encode(blob).decode()}\n"


def _public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def _base64(encoded: str) -> bytes:
    """Decode base64 that is the one form of its bytes; raises ValueError."""
    try:
        decoded = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("not base64") from None
    if base64.b64encode(decoded).decode() != encoded:
        raise ValueError("base64 that isn't the one form of its bytes")
    return decoded
