#!/usr/bin/env python3
"""Verify one file from the log of a contact centre: the proof of one entry (.tlog-proof), or an export (.zip).

    pip install cryptography
    python3 standalone.py FILE VKEY
This page is the whole program; it uses nothing else of ours. VKEY is the log's public key: have it from somebody else
than whoever gave you FILE. It ends with 0 if FILE is proven. The forms are public: C2SP signed-note, tlog-checkpoint,
tlog-proof, and RFC 6962 section 2.1. Of an export it verifies entries.jsonl. It can't tell you what nobody wrote down,
nor whether others were shown another log: for that compare checkpoints.
"""

import base64
import hashlib
import json
import re
import sys
import zipfile
from collections.abc import Iterator
from typing import IO

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def require(holds: object, otherwise: str) -> None:
    """Stop with a sentence unless what must hold does."""
    if not holds:
        raise ValueError(otherwise)


def unbase64(text: str) -> bytes:
    """Decode base64, of which only one writing is good."""
    value = base64.b64decode(text, validate=True)
    require(base64.b64encode(value).decode() == text, "base64 that isn't the one form of its bytes")
    return value


def canonical(entry: bytes) -> bytes:
    """Let an entry through only if it is written in the one form that what it says has."""
    again = json.dumps(json.loads(entry), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    require(again.encode() == entry, "an entry isn't in canonical form")
    return entry


def leaf(entry: bytes) -> bytes:
    """Hash an entry."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node(left: bytes, right: bytes) -> bytes:
    """Hash what stands above two hashes."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def half(size: int) -> int:
    """Give the largest power of two that is less than size: so many leaves stand left."""
    return 1 << ((size - 1).bit_length() - 1)


def checkpoint(note: str, vkey: str) -> tuple[str, int, bytes]:
    """Check the signature on a checkpoint; give the log's name, how many entries it had then, and its root."""
    name, key_hash, encoded = vkey.split("+", 2)
    key = unbase64(encoded)
    key_id = hashlib.sha256(name.encode() + b"\n" + key).digest()[:4]
    require(key[0] == 1 and len(key) == 33 and key_id.hex() == key_hash, "VKEY isn't an Ed25519 key with its hash")
    text, empty, signatures = note.rpartition("\n\n")
    require(empty and signatures.endswith("\n") and signatures.count("\n") <= 16, "the checkpoint has no signatures")
    signed = False
    for line in signatures[:-1].split("\n"):
        dash, signer, value = line.split(" ")
        blob = unbase64(value)
        require(dash == "—" and signer and len(blob) > 4, "a line of the checkpoint isn't a signature")
        if signer == name and blob[:4] == key_id:
            Ed25519PublicKey.from_public_bytes(key[1:]).verify(blob[4:], text.encode() + b"\n")
            signed = True
    require(signed, "the checkpoint isn't signed with VKEY")
    origin, size, root = text.split("\n")
    require(origin == name, "the checkpoint is of another log")
    require(re.fullmatch("0|[1-9][0-9]{0,18}", size) and len(unbase64(root)) == 32, "the checkpoint's size or root")
    return origin, int(size), unbase64(root)


def verify_proof(text: str, vkey: str) -> str:
    """Verify that one entry is in the log: climb from its hash to the root."""
    above, _, note = text.partition("\n\n")
    header, extra, index, *path = above.split("\n")
    require(header == "c2sp.org/tlog-proof@v1" and extra.startswith("extra "), "this is no proof with its entry")
    require(re.fullmatch("index (0|[1-9][0-9]{0,18})", index), "the index isn't a number")
    origin, size, root = checkpoint(note, vkey)
    entry, wanted, hashes = unbase64(extra[6:]), int(index[6:]), [unbase64(line) for line in path]
    require(wanted < size and all(len(each) == 32 for each in hashes), "the proof has a wrong index or hash")

    def climb(number: int, size: int) -> bytes:
        if size == 1:
            return leaf(entry)
        require(hashes, "the proof is too short")
        beside, left = hashes.pop(), half(size)
        return node(climb(number, left), beside) if number < left else node(beside, climb(number - left, size - left))

    require(climb(wanted, size) == root and not hashes, "the entry isn't in the log, or the proof was altered")
    return f"PROVEN: entry {wanted} of the {size} of {origin}: {entry.decode()}"


def verify_export(file: zipfile.ZipFile, lines: IO[bytes], vkey: str) -> str:
    """Verify that the entries from `first` up to `end` are all there, unchanged and in order: compute the root."""
    require(len(set(file.namelist())) == len(file.namelist()), "two parts have one name")
    origin, size, root = checkpoint(file.open("checkpoint").read(10**6).decode(), vkey)
    proof = json.loads(file.open("proof.json").read(10**6))
    first, end, outside = proof["first"], proof["end"], [bytes.fromhex(each) for each in proof["outside"]]
    require(proof["size"] == size and all(len(each) == 32 for each in outside), "the proof is of another checkpoint")
    require(type(first) is type(end) is int and 0 <= first < end <= size, "the proof is of no entries")
    rows, given = leaves(lines, first), iter(outside)

    def subtree(start: int, size: int) -> bytes:
        if (start >= end or start + size <= first) and size & (size - 1) == 0:
            return next(given)  # complete, and outside of what was exported
        if size == 1:
            return next(rows)
        left = subtree(start, half(size))
        return node(left, subtree(start + half(size), size - half(size)))

    require(subtree(0, size) == root, "an entry was changed, moved, dropped or added")
    require(next(rows, None) is None and next(given, None) is None, "there is more than there should be")
    return f"PROVEN: entries {first} to {end - 1}, all {end - first}, of the {size} of {origin}: unchanged, in order."


def leaves(lines: IO[bytes], first: int) -> Iterator[bytes]:
    """Hash the entry in each line, whose bytes stand there as they are; of one that is withheld the hash is given."""
    for number, line in enumerate(iter(lambda: lines.readline(10**6), b""), first):
        parts = re.fullmatch(rb'\{"index":(\d+),(?:"entry":(\{.*\})|"leaf":"([0-9a-f]{64})")\}\n', line)
        if parts is None or parts[1] != b"%d" % number:
            raise ValueError(f"the line of entry {number}")
        yield leaf(canonical(parts[2])) if parts[2] else bytes.fromhex(parts[3].decode())


def main(path: str, vkey: str) -> str:
    """Verify one file; raises an exception when it doesn't prove what it says."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as file, file.open("entries.jsonl") as lines:
            return verify_export(file, lines, vkey)
    with open(path, "rb") as proof:
        return verify_proof(proof.read(10**6).decode(), vkey)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        sys.stdout.write(main(*sys.argv[1:]) + "\n")
    except Exception as wrong:  # whatever it is, nothing was proven
        sys.exit(f"NOT PROVEN: {type(wrong).__name__} {wrong}")
