"""`audit verify` finds what somebody with every right in the database has changed, and names the first bad entry."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from audit import log_keys, publishing, sequencing, verifying
from audit.canonical import canonical
from audit.copies import Comparison, Row, differing
from audit.log import record
from audit.models import Checkpoint, Entry, Leaf, SignedCheckpoint, Tile, Tree
from audit.notes import Signer, checkpoint_text, sign
from audit.verifying import Verified, verify
from tests.logs import AT, disarm, fill, grow, publish, sequence, tamper, uid_of
from tests.test_log_notes import TEST_2, private

SIZES = (300, 600)
FLIP = b"\x01"


@pytest.fixture
def tree(db: None, tmp_path: Path, settings: Any) -> Tree:
    """Make a log of 600 entries in three tiles, signed at 300 and at 600, without its guards."""
    settings.DATA_DIR = tmp_path
    made = grow(*SIZES, data_dir=tmp_path)
    disarm()
    return made


def verified(tree: Tree, **given: Any) -> Verified:
    return verify(tree, log_keys.vkeys(tree), **given)


def first_bad(tree: Tree, **given: Any) -> tuple[int, str]:
    found = verified(tree, **given).findings
    assert found, "nothing was found"
    return found[0].leaf_index, found[0].sentence


def entry_of(index: int) -> Entry:
    return Leaf.objects.filter(leaf_index=index).select_related("entry").get().entry


def change_body(index: int, **facts: object) -> None:
    """Rewrite an entry so that everything in its row agrees with everything else in it."""
    entry = entry_of(index)
    body = canonical(json.loads(bytes(entry.body)) | {"facts": facts})
    assert tamper("UPDATE audit_entry SET body = %s WHERE id = %s", body, entry.pk) == 1


def rehash(tree: Tree) -> None:
    """Rewrite the tiles and the unsigned roots as if the entries had always been what they are now."""
    entries = [bytes(entry_of(index).body) for index in range(tree.size)]
    for table in ("audit_tile", "audit_checkpoint", "audit_leaf"):
        tamper(f"DELETE FROM {table}")
    tamper("UPDATE audit_tree SET size = 0, root = %s", sequencing.EMPTY_ROOT)
    assert len(entries) == tree.size
    for size in SIZES:
        emptied = sequencing.locked()
        assert emptied is not None
        rows = Entry.objects.order_by("id")[emptied.size : size]
        sequencing.append(emptied, [sequencing.Ready(row.pk, bytes(row.body), 1, 0) for row in rows])
        emptied.save()


def test_a_good_log_is_good_and_all_of_it_was_looked_at(tree: Tree) -> None:
    seen: list[tuple[int, int]] = []
    done = verified(tree, progress=lambda done, of: seen.append((done, of)))
    assert done == Verified("testserver/log", 600, 2, 2, 600, [])
    assert seen[-1] == (600, 600)
    held = SignedCheckpoint.objects.order_by("size")[0].note
    assert verified(tree, held=[held]) == Verified("testserver/log", 600, 3, 3, 600, [])


def swap_leaves() -> None:
    for index, other in ((17, 9_999), (400, 17), (9_999, 400)):
        tamper("UPDATE audit_leaf SET leaf_index = %s WHERE leaf_index = %s", other, index)


def alter_tile(level: int, n: int, at: int) -> None:
    hashes = bytearray(Tile.objects.get(level=level, n=n).hashes)
    hashes[at] ^= 1
    tamper("UPDATE audit_tile SET hashes = %s WHERE level = %s AND n = %s", bytes(hashes), level, n)


def flip_body(index: int) -> None:
    body = bytearray(entry_of(index).body)
    body[-3] ^= 1
    tamper("UPDATE audit_entry SET body = %s WHERE id = %s", bytes(body), entry_of(index).pk)


def delete_entry(index: int) -> None:
    tamper("DELETE FROM audit_entry WHERE id = %s", entry_of(index).pk)


def cut_the_tail() -> None:
    """Remove the last entry with everything that tells of it but the signed note."""
    delete_entry(599)
    tamper("DELETE FROM audit_leaf WHERE leaf_index = 599")
    tamper("DELETE FROM audit_checkpoint WHERE size = 600")
    tamper("UPDATE audit_tree SET size = 599")
    hashes = bytes(Tile.objects.get(level=0, n=2).hashes)[:-32]
    tamper("UPDATE audit_tile SET hashes = %s WHERE level = 0 AND n = 2", hashes)


def flip_signature() -> None:
    note = SignedCheckpoint.objects.get(size=300).note
    other = note[:-20] + ("A" if note[-20] != "A" else "B") + note[-19:]
    tamper("UPDATE audit_signed_checkpoint SET note = %s WHERE size = 300", other)


def update(column: str, value: object, index: int = 450) -> Callable[[], None]:
    return lambda: tamper(f"UPDATE audit_entry SET {column} = %s WHERE id = %s", value, entry_of(index).pk)


TAMPERED: dict[str, tuple[Callable[[], Any], int, str]] = {
    "a byte of a body": (lambda: flip_body(123), 123, "entry 123"),
    "a whole body, in good form": (lambda: change_body(123, n=0), 123, "entry 123: it isn't what was logged"),
    "a body of the last, partial tile": (lambda: change_body(599, n=0), 599, "entry 599: it isn't what was logged"),
    "two leaves exchanged": (swap_leaves, 17, "entry 17: it isn't what was logged"),
    "the last entry's row": (lambda: delete_entry(599), 599, "entry 599: it is gone"),
    "an entry's row in the middle": (lambda: delete_entry(300), 300, "entry 300: it is gone"),
    "a leaf": (lambda: tamper("DELETE FROM audit_leaf WHERE leaf_index = 5"), 5, "entry 5: it is gone"),
    "the end, carefully": (cut_the_tail, 599, "entry 599 and what follows it are gone"),
    "a hash in a tile": (lambda: alter_tile(0, 1, 32 * 44 + 5), 300, "entry 300: it has another hash in its tile"),
    "a hash in a tile above": (lambda: alter_tile(1, 0, 40), 0, "tile/1/0 was altered"),
    "a tile": (lambda: tamper("DELETE FROM audit_tile WHERE level = 0 AND n = 1"), 256, "tile/0/1"),
    "the tree's root": (lambda: tamper("UPDATE audit_tree SET root = %s", b"\0" * 32), 600, "the tree's own row"),
    "an unsigned root": (
        lambda: tamper("UPDATE audit_checkpoint SET root = %s WHERE size = 300", b"\0" * 32), 299, "isn't the one",
    ),
    "a signature": (
        flip_signature, 299, "checkpoint of 300",
    ),
    "all signatures": (lambda: tamper("DELETE FROM audit_signed_checkpoint"), 0, "no key that is trusted has signed"),
    "all checkpoints": (lambda: tamper("DELETE FROM audit_checkpoint"), 300, "of 300 entries is gone"),
    "the kind": (update("kind", "gate.granted"), 450, "kind isn't what was logged"),
    "the outcome": (update("outcome", "ok"), 450, "outcome isn't what was logged"),
    "the subject": (update("subject_ref", "s-9"), 450, "subject_ref isn't what was logged"),
    "the actor": (update("actor", "staff:a-9"), 450, "actor isn't what was logged"),
    "the organisation": (update("org", ""), 450, "org isn't what was logged"),
    "a payload": (update("payload_ct", b"\0" * 64), 450, "payload_ct isn't what was logged"),
    "a payload taken away": (update("payload_ct", None), 450, "payload_ct isn't what was logged"),
    "a payload added": (update("payload_ct", b"x", 451), 451, "payload_ct isn't what was logged"),
}  # fmt: skip


def test_what_was_altered_is_found_and_the_first_bad_entry_is_named(tree: Tree) -> None:
    for name, (alter, index, sentence) in TAMPERED.items():
        with transaction.atomic():
            alter()
            found, said = first_bad(tree)
            assert (name, found) == (name, index), said
            assert sentence in said, name
            transaction.set_rollback(True)
    assert verified(tree).findings == []


def sentences(tree: Tree) -> list[str]:
    return [found.sentence for found in verified(tree).findings]


def test_everything_that_was_altered_is_listed_not_only_the_first(tree: Tree) -> None:
    change_body(10, n=0)
    change_body(500, n=0)
    right = "it isn't what was logged"
    assert sentences(tree) == [f"entry 10: {right}", f"entry 500: {right}"]
    alter_tile(0, 1, 0)  # now neither the entries up to 300 nor their tiles are what was signed
    either = "it or its hash in the tile was altered, or the checkpoint"
    assert sentences(tree)[:3] == [f"entry {at}: {either}" for at in (10, 256, 500)]


def test_who_rewrites_the_tiles_too_is_found_out_by_the_signature(tree: Tree) -> None:
    change_body(400, n=0)
    rehash(tree)
    found = verified(tree).findings
    assert [finding.sentence for finding in found] == [
        "entries 300 to 599 aren't those of their checkpoint: they and their tiles were altered",
        "the checkpoint of 600 entries isn't the one that was signed",
    ]


def test_who_signs_with_a_key_of_his_own_is_found_out_by_whoever_knows_the_right_one(tree: Tree) -> None:
    right = log_keys.vkeys(tree)
    change_body(400, n=0)
    rehash(tree)
    own = Signer("testserver/log", private(TEST_2))
    for row in Checkpoint.objects.all():
        note = sign(checkpoint_text(own.name, row.size, bytes(row.root)), own)
        tamper("UPDATE audit_signed_checkpoint SET note = %s WHERE size = %s", note, row.size)
    tamper("UPDATE audit_signing_key SET vkey = %s", own.vkey)
    assert verified(tree).findings == []  # nothing inside of this database can tell
    found = [finding.sentence for finding in verify(tree, right).findings]
    assert found[0] == "no key that is trusted has signed this log: nothing but the database vouches for it"
    assert found[1] == "the checkpoint of 300 entries: not signed by a key that is trusted"


def test_a_checkpoint_kept_outside_finds_the_log_that_was_set_back(tree: Tree) -> None:
    kept = SignedCheckpoint.objects.get(size=600).note
    cut_the_tail()
    tamper("DELETE FROM audit_signed_checkpoint WHERE size = 600")
    assert any("a checkpoint counts 600 entries" in found.sentence for found in verified(tree, held=[kept]).findings)
    foreign = sign(checkpoint_text("elsewhere/log", 600, b"\0" * 32), Signer("elsewhere/log", private(TEST_2)))
    assert any("not signed" in found.sentence for found in verified(tree, held=[foreign]).findings)


def test_an_entry_that_the_sequencer_passed_over_is_named(tree: Tree) -> None:
    fill(600, 601)
    assert verified(tree).findings == []  # it waits for its turn
    passed = Entry.objects.get(uid=uid_of(600))
    tamper("UPDATE audit_tree SET last_id = %s", passed.pk)
    assert verified(tree).findings[0].sentence == f"the entry {uid_of(600)} was committed and left out of the log"


def test_of_a_log_full_of_lies_a_hundred_are_told(tree: Tree) -> None:
    tamper("UPDATE audit_entry SET kind = 'gate.granted'")
    found = verified(tree).findings
    assert len(found) == verifying.ENOUGH
    assert found[0].leaf_index == 0


def rows() -> list[Row]:
    body = canonical({
        "v": 1, "uid": "00000000-0000-4000-8000-000000000000", "at": "2026-11-22T00:40:00.000000Z", "kind": "a.b",
        "actor": "staff:a", "subject": "s", "outcome": "ok", "purpose": "p", "org": "o", "facts": {},
        "key_commit": "00",
    })  # fmt: skip
    plain = Row(0, body, None, "00000000-0000-4000-8000-000000000000", "a.b", "s", "staff:a", "ok", "o")
    odd = json.loads(body) | {"org": 'Ä"\\ ', "purpose": ',"purpose":"x",', "subject": '"s"'}
    other = Row(0, canonical(odd), None, "00000000-0000-4000-8000-000000000000", "a.b", '"s"', "staff:a", "ok", 'Ä"\\ ')
    return [plain, other]


@pytest.mark.parametrize("row", rows())
def test_the_quick_comparison_calls_nothing_equal_that_is_not(row: Row) -> None:
    assert differing(row) == []
    for name, column in (
        ("uid", "uid"), ("kind", "kind"), ("subject", "subject_ref"), ("actor", "actor"), ("outcome", "outcome"),
        ("org", "org"),
    ):  # fmt: skip
        for value in ("x", "", f"{getattr(row, name)} ", '","org":"', json.dumps(getattr(row, name))[1:-1] + "\\"):
            changed = row._replace(**{name: value})
            assert not Comparison().equal(changed)
            assert differing(changed) == [column]
    assert not Comparison().equal(row._replace(payload=b"x"))
    assert differing(row._replace(payload=b"x")) == ["payload_ct"]
    for body in (b"{}", b"[]", b"{", b'"\xff"', b""):
        assert not Comparison().equal(row._replace(body=body))
        assert differing(row._replace(body=body))


def test_the_quick_comparison_is_enough_for_what_we_write(db: None) -> None:
    with transaction.atomic():
        record(
            kind="gate.refused", actor="staff:a", subject="s", at=AT, outcome="ok", purpose="Tämä", facts={"a": [1]},
            personal={"name": "Äijö"}, organisation="Kela",
        )  # fmt: skip
    entry = Entry.objects.get()
    row = Row(
        0, bytes(entry.body), bytes(entry.payload_ct or b""), str(entry.uid), entry.kind, entry.subject_ref,
        entry.actor, entry.outcome, entry.org,
    )  # fmt: skip
    assert Comparison().equal(row)


def command(*arguments: str, capsys: pytest.CaptureFixture[str]) -> str:
    call_command("audit", *arguments)
    return capsys.readouterr().out


def test_the_command_verifies_a_log_in_use_and_fails_when_it_was_altered(
    live_database: str, tmp_path: Path, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.DATA_DIR = tmp_path
    assert "no log yet" in command("verify", capsys=capsys)
    with transaction.atomic():
        fill(0, 40)
    while sequencing.sequence():
        pass
    signed = publishing.publish(at=AT)
    assert signed is not None
    said = command("verify", "--vkey", log_keys.vkeys(Tree.objects.get())[0], capsys=capsys)
    assert said.splitlines() == [
        "40 entries of testserver/log, 2 checkpoints, 2 signatures; signed up to 40",  # our files hold one too
        "GOOD: every entry is what was logged, in its place, and none is missing.",
    ]
    assert "give --vkey" in command("verify", "--log", "1", capsys=capsys)
    with pytest.raises(CommandError, match="There is no log 7"):
        command("verify", "--log", "7", capsys=capsys)
    disarm()
    change_body(7, n=0)
    (tmp_path / "kept").write_text(signed.note)
    with pytest.raises(CommandError, match="First: entry 7: it isn't what was logged") as failed:
        command("verify", "--checkpoint", str(tmp_path / "kept"), capsys=capsys)
    assert failed.value.returncode == 1


def test_a_sink_tells_the_command_of_what_the_database_has_forgotten(
    tree: Tree, tmp_path: Path, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    cut_the_tail()
    tamper("DELETE FROM audit_signed_checkpoint WHERE size = 600")
    tamper("UPDATE audit_tree SET root = %s", bytes(verifying_root(599)))
    with pytest.raises(CommandError, match="NOT GOOD"):
        command("verify", capsys=capsys)
    assert "a checkpoint counts 600 entries" in capsys.readouterr().out


def verifying_root(size: int) -> bytes:
    from audit.merkle import root
    from audit.tiles import Tiles

    return root(Tiles(1).read, size)


def test_a_second_log_and_the_one_before_are_both_verified(tree: Tree) -> None:
    from audit import epochs

    epochs.open_log("testserver/second", "A drill", at=AT + timedelta(days=1))
    sequence()
    publish()
    second = Tree.current()
    assert second is not None
    assert (second.log, verified(second).findings) == (2, [])
    assert verified(Tree.objects.get(log=1)).findings == []
    assert connection.in_atomic_block
