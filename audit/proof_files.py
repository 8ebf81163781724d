"""Write and read the files in which evidence leaves the house: the proof of one entry, and an export's parts.

The proof of one entry is a C2SP tlog-proof: its `extra` line carries the entry's stored bytes, from which the leaf's
hash is computed, so that one file and the log's public key are all that a verifier needs.

An export holds entries `first` to `end - 1` of a tree without a gap. Instead of a path for each it carries the hashes
of the few complete subtrees left and right of them: with these and the entries themselves the root can be computed,
which proves every one of them, their order, and that none between them is missing.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from audit.merkle import HASH_BYTES, Frontier, Read, blocks

HEADER = "c2sp.org/tlog-proof@v1"
CHECKPOINT = "checkpoint"
PROOF = "proof.json"
JSON_LINES = "entries.jsonl"
CSV = "entries.csv"
COLUMNS = ("index", "leaf", "uid", "at", "kind", "actor", "subject", "outcome", "org", "purpose", "facts", "entry")
NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
LINE = re.compile(rb'\{"index":(0|[1-9][0-9]{0,18}),(?:"entry":(\{.*\})|"leaf":"([0-9a-f]{64})")\}\n')
RUNS_AS_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Malformed(ValueError):
    """Refuse a file that isn't of the form that we write."""


class Proof(NamedTuple):
    """Prove that the entry's bytes are leaf `leaf_index` of the tree that the note (a signed checkpoint) is of."""

    entry: bytes
    leaf_index: int
    path: list[bytes]
    note: str


class Span(NamedTuple):
    """Prove what lies from leaf `first` up to `end` of a tree of `size`; `outside` are the hashes left and right."""

    first: int
    end: int
    size: int
    outside: list[bytes]


class Row(NamedTuple):
    """Give one line of an export: an entry's stored bytes, or of an entry that is withheld the hash of its leaf."""

    leaf_index: int
    entry: bytes | None
    hashed: bytes | None


def write_proof(proof: Proof) -> str:
    """Write a tlog-proof with the entry in its `extra` line."""
    above = [HEADER, f"extra {_encode(proof.entry)}", f"index {proof.leaf_index}", *map(_encode, proof.path)]
    return "\n".join(above) + "\n\n" + proof.note


def read_proof(text: str) -> Proof:
    """Read a tlog-proof that carries its entry; raises Malformed."""
    above, between, note = text.partition("\n\n")
    lines = above.split("\n")
    if not between or lines[0] != HEADER:
        raise Malformed(f"not a proof: it doesn't begin with {HEADER}, or holds no checkpoint")
    extra = lines[1].removeprefix("extra ") if len(lines) > 2 else ""
    index = lines[2].removeprefix("index ") if len(lines) > 2 else ""
    if lines[1:3] != [f"extra {extra}", f"index {index}"] or not NUMBER.fullmatch(index):
        raise Malformed("not a proof of ours: its second and third line are the entry and its index")
    return Proof(_decode(extra), int(index), [_hash(line) for line in lines[3:]], note)


def span(read: Read, first: int, end: int, size: int) -> Span:
    """Prove the leaves from `first` up to `end` of a tree of `size`."""
    outside = [*blocks(0, first), *blocks(end, size)]
    return Span(first, end, size, [read(level, index) for level, index in outside])


def push(tree: Frontier, hashes: Sequence[bytes], start: int, end: int) -> int:
    """Let a tree grow over the leaves from start up to end by the hashes of its blocks; return how many that were."""
    covered = [*blocks(start, end)]
    for (level, _), each in zip(covered, hashes, strict=False):
        tree.push(level, each)
    return len(covered)


def write_span(proven: Span, about: Mapping[str, Any]) -> str:
    """Write proof.json: the span, and `about` it what nobody has to believe."""
    document = {**about, **proven._asdict(), "outside": [each.hex() for each in proven.outside]}
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def read_span(text: str) -> tuple[Span, dict[str, Any]]:
    """Read proof.json; raises Malformed."""
    try:
        document = json.loads(text)
        first, end, size = (document.pop(name) for name in ("first", "end", "size"))
        outside = [bytes.fromhex(each) for each in document.pop("outside")]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Malformed(f"{PROOF} doesn't hold first, end, size and outside") from None
    if not all(type(number) is int for number in (first, end, size)) or not 0 <= first < end <= size:
        raise Malformed(f"{PROOF} is of no span of leaves")
    if len(outside) != len([*blocks(0, first), *blocks(end, size)]) or any(len(h) != HASH_BYTES for h in outside):
        raise Malformed(f"{PROOF} has another number of hashes than its span needs")
    return Span(first, end, size, outside), document


def write_line(row: Row) -> bytes:
    """Write a row as one line of JSON in which the entry's stored bytes stand as they are."""
    if row.entry is None:
        return b'{"index":%d,"leaf":"%s"}\n' % (row.leaf_index, (row.hashed or b"").hex().encode())
    envelope_of(row.entry)
    return b'{"index":%d,"entry":%s}\n' % (row.leaf_index, row.entry)


def read_line(line: bytes) -> Row:
    """Read what write_line wrote; raises Malformed."""
    match = LINE.fullmatch(line)
    if match is None:
        raise Malformed("a line that is neither an entry nor the hash of one")
    return Row(int(match[1]), match[2], bytes.fromhex(match[3].decode()) if match[3] else None)


def write_cells(row: Row) -> list[str]:
    """Write a row as the cells of a table: copies of the entry to read, and its stored bytes in the last."""
    if row.entry is None:
        return [str(row.leaf_index), (row.hashed or b"").hex(), *[""] * (len(COLUMNS) - 2)]
    shown = envelope_of(row.entry)
    shown["facts"] = json.dumps(shown.get("facts"), ensure_ascii=False)
    return [str(row.leaf_index), "", *(_inert(shown.get(name, "")) for name in COLUMNS[2:-1]), row.entry.decode()]


def read_cells(cells: list[str]) -> Row:
    """Read what write_cells wrote; raises Malformed, also when a copy differs from the entry."""
    if len(cells) != len(COLUMNS) or not NUMBER.fullmatch(cells[0]):
        raise Malformed(f"a row that hasn't {len(COLUMNS)} cells, or no index")
    try:
        hashed = bytes.fromhex(cells[1]) if cells[1] else None
    except ValueError:
        raise Malformed(f"row {cells[0]}: the hash isn't one") from None
    if hashed is not None and len(hashed) != HASH_BYTES:  # a longer one might hold a part of its neighbour's
        raise Malformed(f"row {cells[0]}: a hash of {len(hashed)} bytes")
    row = Row(int(cells[0]), None if hashed else cells[-1].encode(), hashed)
    if write_cells(row) != cells:
        raise Malformed(f"row {cells[0]}: what it shows isn't what its entry says")
    return row


def envelope_of(entry: bytes) -> dict[str, Any]:
    """Parse an entry's stored bytes; raises Malformed unless they are the one canonical form of what they say."""
    try:
        envelope = json.loads(entry)
        written = json.dumps(envelope, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise Malformed("an entry that isn't JSON") from None
    if written != entry or not isinstance(envelope, dict):
        raise Malformed("an entry that isn't in canonical form")
    return envelope


def _inert(value: object) -> str:
    """Write a cell that no spreadsheet runs as a formula."""
    text = str(value)
    return f"'{text}" if text.startswith(RUNS_AS_FORMULA) else text


def _encode(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _decode(text: str) -> bytes:
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("a line that isn't base64") from None
    if _encode(value) != text:
        raise Malformed("base64 that isn't the one form of its bytes")
    return value


def _hash(line: str) -> bytes:
    value = _decode(line)
    if len(value) != HASH_BYTES:
        raise Malformed(f"a hash of {len(value)} bytes")
    return value
