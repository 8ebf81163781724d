"""One file proves one entry, to our verifier and to the one that an auditor reads in a sitting; nothing else does."""

import base64
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import offline, proofs, standalone
from audit.merkle import Read, blocks, complete_hash, inclusion_path, leaf_hash, root
from audit.models import Leaf, SignedCheckpoint, Tile, Tree
from audit.notes import Signer, checkpoint_text, sign
from audit.offline import NotProven
from audit.proof_files import Malformed, Proof, read_proof, write_proof
from audit.tiles import Damaged
from tests.logs import disarm, fill, grow, sequence, tamper, uid_of
from tests.test_log_notes import LOG, TEST_2, private

STANDALONE = Path(standalone.__file__)


def verdicts(path: Path, vkey: str) -> bool:
    """Ask both verifiers, which must agree."""
    try:
        offline.verify(path, [vkey])
        ours = True
    except NotProven:
        ours = False
    try:
        standalone.main(str(path), vkey)
        theirs = True
    except Exception:
        theirs = False
    assert ours is theirs
    return ours


def reader(leaves: list[bytes]) -> Read:
    return lambda level, index: complete_hash(leaves[index << level : (index + 1) << level])


ENTRIES = [b'{"n":%d}' % number for number in range(11)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]


def proof_of(index: int, size: int = 11, signer: Signer = LOG, origin: str = LOG.name) -> Proof:
    read = reader(LEAVES)
    note = sign(checkpoint_text(origin, size, root(read, size)), signer)
    return Proof(ENTRIES[index], index, inclusion_path(read, index, size), note)


def test_every_entry_of_every_small_log_is_proven_to_both_verifiers(tmp_path: Path) -> None:
    file = tmp_path / "one.tlog-proof"
    for size in range(1, 12):
        for index in range(size):
            file.write_text(write_proof(proof_of(index, size)))
            assert verdicts(file, LOG.vkey)


def changed(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new, 1)


def line(number: int, change: Callable[[list[str]], list[str]]) -> Callable[[str], str]:
    def spoil(text: str) -> str:
        lines = text.split("\n")
        return "\n".join([*lines[:number], *change(lines[number:])])

    return spoil


GOOD = write_proof(proof_of(6))
SPOILT: dict[str, Callable[[str], str]] = {
    "another header": changed("@v1", "@v2"),
    "another entry": line(1, lambda rest: ["extra " + base64.b64encode(ENTRIES[5]).decode(), *rest[1:]]),
    "no entry": line(1, lambda rest: rest[1:]),
    "an entry in unclean base64": changed("eyJuIjo2fQ==", "eyJuIjo2fR=="),
    "another index": changed("index 6", "index 7"),
    "an index with a zero before it": changed("index 6", "index 06"),
    "an index beyond the log": changed("index 6", "index 11"),
    "a path without its first hash": line(3, lambda rest: rest[1:]),
    "a path without its last hash": line(3, lambda rest: [*rest[:3], *rest[4:]]),
    "a path with one hash more": line(3, lambda rest: [rest[0], *rest]),
    "a path with two hashes exchanged": line(3, lambda rest: [rest[1], rest[0], *rest[2:]]),
    "a hash that is cut": line(3, lambda rest: [base64.b64encode(b"x" * 31).decode(), *rest[1:]]),
    "another size": changed("\n11\n", "\n12\n"),
    "another origin": changed("centre/2026\n11", "centre/2027\n11"),
    "no signature": lambda text: text[: text.index("\n—")],
    "a checkpoint of a smaller log": lambda text: text[: text.index("audit.")] + proof_of(6, 9).note,
    "a checkpoint of somebody else": lambda text: (
        text[: text.index("audit.")] + proof_of(6, signer=Signer(LOG.name, private(TEST_2))).note
    ),
    "a checkpoint of another log under our key": lambda text: (
        text[: text.index("audit.")] + proof_of(6, origin="audit.example.org/other").note
    ),
    "other line ends": lambda text: text.replace("\n", "\r\n"),
    "nothing": lambda _: "",
    "a tail": lambda text: text + "x",
}


@pytest.mark.parametrize("name", SPOILT)
def test_no_spoilt_proof_is_believed_by_either(tmp_path: Path, name: str) -> None:
    file = tmp_path / "one.tlog-proof"
    spoilt = SPOILT[name](GOOD)
    assert spoilt != GOOD
    file.write_bytes(spoilt.encode())
    assert not verdicts(file, LOG.vkey)


@settings(deadline=None, max_examples=150)
@given(st.integers(0, len(GOOD.encode()) - 1), st.integers(1, 255))
def test_a_flipped_byte_anywhere_is_found_by_both(place: int, flip: int) -> None:
    spoilt = bytearray(GOOD.encode())
    spoilt[place] ^= flip
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "flipped.tlog-proof"
        file.write_bytes(bytes(spoilt))
        assert not verdicts(file, LOG.vkey)


def test_a_key_of_another_name_or_kind_is_no_reason_to_believe(tmp_path: Path) -> None:
    file = tmp_path / "one.tlog-proof"
    file.write_text(GOOD)
    assert verdicts(file, LOG.vkey)
    for vkey in (Signer(LOG.name, private(TEST_2)).vkey, Signer("audit.example.org/other", LOG.key).vkey):
        assert not verdicts(file, vkey)


def test_a_proof_without_its_entry_is_for_others_and_is_refused_in_words() -> None:
    with pytest.raises(Malformed, match="second and third line"):
        read_proof(GOOD.replace(GOOD.split("\n")[1] + "\n", ""))
    assert read_proof(GOOD) == proof_of(6)


def test_the_verifier_for_auditors_is_one_short_page_without_anything_of_ours() -> None:
    text = STANDALONE.read_text()
    assert len(text.splitlines()) <= 150
    imported = {words.split()[1].split(".")[0] for words in text.splitlines() if words.startswith(("import ", "from "))}
    assert imported <= {"base64", "hashlib", "json", "re", "sys", "zipfile", "collections", "typing", "cryptography"}


@pytest.fixture
def tree(db: None, tmp_path: Path, settings: Any) -> Tree:
    settings.DATA_DIR = tmp_path
    return grow(300, data_dir=tmp_path)


def test_the_command_proves_an_entry_by_its_receipt(
    tree: Tree, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("audit", "prove", str(uid_of(137)))
    file = tmp_path / "entry.tlog-proof"
    file.write_text(capsys.readouterr().out)
    call_command("log", "vkey")
    vkey = capsys.readouterr().out.strip()
    assert verdicts(file, vkey)
    assert offline.verify(file, [vkey])[1:] == (137, 138, 0)
    assert str(uid_of(137)) in standalone.main(str(file), vkey)


def test_what_is_not_there_or_not_signed_yet_is_said_in_words(tree: Tree) -> None:
    with pytest.raises(CommandError, match="no entry has the receipt"):
        call_command("audit", "prove", str(uuid4()))
    fill(300, 301)
    with pytest.raises(CommandError, match="no signed checkpoint covers"):
        call_command("audit", "prove", str(uid_of(300)))
    sequence()
    with pytest.raises(proofs.NotYet):
        proofs.prove(uid_of(300))


def test_no_proof_is_given_of_an_entry_that_was_altered(tree: Tree) -> None:
    disarm()
    tamper("UPDATE audit_entry SET body = %s WHERE id = %s", b"{}", Leaf.objects.get(leaf_index=9).entry_id)
    with pytest.raises(Damaged, match="isn't what was logged"):
        proofs.prove(uid_of(9))


def test_a_proof_from_a_log_of_ten_million_takes_no_longer_than_a_blink(tree: Tree) -> None:
    """Give a log the tiles of ten million leaves that one path needs, and prove from them."""
    size, index = 10_000_000, 7_654_321
    disarm()
    body = bytes(Leaf.objects.get(leaf_index=9).entry.body)
    tamper("UPDATE audit_leaf SET leaf_index = %s WHERE leaf_index = 9", index)
    tamper("DELETE FROM audit_tile")
    for (level, n), hashes in synthetic(body, index, size).items():
        Tile.of_every_log.create(log=1, level=level, n=n, hashes=hashes)
    above = root(lambda level, at: tile_hash(level, at, body, index), size)
    signer = Signer(tree.origin, LOG.key)
    tamper(
        "UPDATE audit_signed_checkpoint SET size = %s, note = %s",
        size,
        sign(checkpoint_text(tree.origin, size, above), signer),
    )
    assert SignedCheckpoint.objects.get().size == size
    taken = []
    for _ in range(5):
        began = time.perf_counter()
        proven = proofs.prove(uid_of(9))
        taken.append(time.perf_counter() - began)
    assert offline.verify_proof(read_proof(proven), [signer.vkey]).first == index
    assert min(taken) < 0.02


def tile_hash(level: int, at: int, body: bytes, index: int) -> bytes:
    """Give any hash of a log whose leaves are zeros but for one."""
    zero = b"\0" * 32
    for _ in range(level):
        zero = complete_hash([zero, zero])
    if index >> level != at:
        return zero
    if level == 0:
        return leaf_hash(body)
    return complete_hash([tile_hash(level - 1, 2 * at + side, body, index) for side in (0, 1)])


def synthetic(body: bytes, index: int, size: int) -> dict[tuple[int, int], bytes]:
    """Make the tiles along a leaf's path, and those along the right edge."""
    made = {}
    for level in range(3):
        count = size >> 8 * level
        for n in {index >> 8 * (level + 1), (count - 1) >> 8} if count else set():
            end = min(count, (n + 1) << 8)
            made[level, n] = b"".join(tile_hash(8 * level, at, body, index) for at in range(n << 8, end))
    assert [*blocks(0, size)]
    return made
