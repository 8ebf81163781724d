"""Every committed entry gets its leaf exactly once, and every checkpoint begins with the one before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction

from audit import epochs, merkle, sequencing, tasks
from audit.log import record
from audit.models import Checkpoint, Entry, Leaf, Tile, Tree
from audit.tiles import Damaged, Growing, Tiles, joined, widths

AT = datetime(2026, 11, 22, 0, 40, tzinfo=UTC)
POSTGRESQL = connection.vendor == "postgresql"


def write(count: int = 1, **facts: Any) -> list[Any]:
    with transaction.atomic():
        return [
            record(
                kind="test.written", actor="system:test", subject="s-1", at=AT, outcome="ok", purpose="A test",
                facts={"number": number, **facts},
            )
            for number in range(count)
        ]  # fmt: skip


def all_of_it() -> int:
    """Sequence until nothing is ready; return how many."""
    total = 0
    while batch := sequencing.sequence():
        total += batch
    return total


def check_the_log() -> None:
    """Compare rows with leaves as sets, the root with one made from the rows alone, each checkpoint with the next."""
    tree = Tree.objects.get()
    leaves = list(Leaf.objects.order_by("leaf_index").values_list("leaf_index", "entry_id"))
    assert [index for index, _ in leaves] == list(range(tree.size))
    assert {entry for _, entry in leaves} == set(Entry.objects.values_list("pk", flat=True))
    bodies = dict(Entry.objects.values_list("pk", "body"))
    hashes = [merkle.leaf_hash(bytes(bodies[entry])) for _, entry in leaves]
    assert from_the_definition(hashes) == bytes(tree.root)
    check_checkpoints(hashes)


def check_checkpoints(hashes: list[bytes]) -> None:
    tree, tiles = Tree.objects.get(), Tiles(1)
    checkpoints = list(Checkpoint.objects.order_by("size"))
    assert checkpoints[-1].size == tree.size
    for older, newer in pairwise(checkpoints):
        path = merkle.consistency_path(tiles.read, older.size, newer.size)
        assert merkle.verify_consistency(older.size, newer.size, path, bytes(older.root), bytes(newer.root))
    for checkpoint in checkpoints[:: max(1, len(checkpoints) // 10)]:
        assert from_the_definition(hashes[: checkpoint.size]) == bytes(checkpoint.root)


def from_the_definition(hashes: list[bytes]) -> bytes:
    """Hash leaves as RFC 6962 section 2.1 defines it, without tiles."""
    if len(hashes) < 2:
        return hashes[0] if hashes else merkle.EMPTY_ROOT
    left = 1 << (len(hashes) - 1).bit_length() - 1
    return merkle.node_hash(from_the_definition(hashes[:left]), from_the_definition(hashes[left:]))


def digits_ahead(late: int | None = None) -> int:
    """Return how many digits transaction numbers have; first use them up until `late` before the next digit."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text")
        number = str(cursor.fetchone()[0])
        if late is not None:
            burn(10 ** len(number) - int(number) - late)
    return len(number)


def burn(count: int) -> None:
    """Use up transaction numbers, about 100,000 a second."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE OR REPLACE PROCEDURE burn(count int) LANGUAGE plpgsql AS 'BEGIN"
            " FOR i IN 1..count LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END'"
        )
        cursor.execute(f"CALL burn({count:d})")


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    """Give the tasks a DATA_DIR of their own."""
    settings.DATA_DIR = tmp_path
    return tmp_path


@pytest.mark.django_db
@pytest.mark.parametrize("steps", [[1], [255, 1, 1], [256, 256], [3, 700, 1, 65_000, 600]])
def test_a_tree_that_grew_in_steps_has_the_root_of_the_definition(steps: list[int]) -> None:
    hashes = [merkle.leaf_hash(str(number).encode()) for number in range(sum(steps))]
    done = 0
    for step in steps:
        tree = Growing(1, done)
        tree.append(hashes[done : done + step])
        tree.store()
        done += step
        assert merkle.root(Tiles(1).read, done) == from_the_definition(hashes[:done])
    assert [Tile.of_every_log.filter(level=level).count() for level, _ in widths(done)] == [
        -(-count // 256) for _, count in widths(done)
    ]


def test_joining_a_tile_is_hashing_pairs_up_to_one() -> None:
    hashes = [merkle.leaf_hash(bytes([number])) for number in range(256)]
    assert joined(b"".join(hashes)) == from_the_definition(hashes)
    assert joined(hashes[7]) == hashes[7]


def test_committed_entries_get_their_leaves_and_a_checkpoint_in_one_batch(live_database: str) -> None:
    write(3)
    with transaction.atomic():
        write(1)
        transaction.set_rollback(True)
    write(2)
    assert sequencing.sequence() == 5
    assert sequencing.sequence() == 0
    assert list(Checkpoint.objects.values_list("size", flat=True)) == [5]
    check_the_log()


def test_batches_are_no_larger_than_asked_and_lose_nothing(live_database: str) -> None:
    write(300)
    assert [sequencing.sequence(most=most) for most in (100, 7, 150)] == [100, 7, 150]
    assert all_of_it() == 43
    assert list(Checkpoint.objects.order_by("size").values_list("size", flat=True)) == [100, 107, 257, 300]
    check_the_log()


@pytest.mark.parametrize("table", ["audit_leaf", "audit_checkpoint"])
def test_leaves_and_checkpoints_can_be_neither_changed_nor_taken_away(live_database: str, table: str) -> None:
    write(2)
    sequencing.sequence()
    for statement in (f"UPDATE {table} SET log = log + 1", f"DELETE FROM {table}"):
        with pytest.raises(DatabaseError, match="append-only"), connection.cursor() as cursor:
            cursor.execute(statement)


def test_a_tile_that_was_altered_stops_the_sequencer_before_it_builds_on_it(live_database: str, folder: Path) -> None:
    write(5)
    sequencing.sequence()
    tile = Tile.objects.get(level=0, n=0)
    Tile.objects.filter(level=0, n=0).update(hashes=bytes(32) + bytes(tile.hashes)[32:])
    write(1)
    with pytest.raises(Damaged, match="aren't those of its root at 5"):
        sequencing.sequence()
    tasks.sequence()
    assert "aren't those of its root" in Tree.objects.get().stopped_because
    Tile.objects.filter(level=0, n=0).update(hashes=tile.hashes)
    epochs.resume()
    assert all_of_it() == 2, "the entry, and the alarm"
    assert Entry.objects.filter(kind="alarm.log_stopped").count() == 1
    check_the_log()


def test_only_one_of_two_at_once_is_at_work_on_a_machine(live_database: str, folder: Path) -> None:
    write(1)
    with tasks.alone() as first, tasks.alone() as second:
        assert (first, second) == (True, False)
        tasks.sequence()
    assert not Leaf.objects.exists()
    tasks.sequence()
    assert Leaf.objects.count() == 1


if not POSTGRESQL:

    def test_sqlite_counts_no_transactions_and_begins_no_epoch(live_database: str) -> None:
        with pytest.raises(epochs.NotPossible):
            epochs.begin_epoch(at=AT)


if POSTGRESQL:

    def insert(*xids: str, epoch: int = 1) -> None:
        """Put entries of these transaction numbers there, as only the server's superuser can."""
        with connection.cursor() as cursor:
            for xid in xids:
                cursor.execute(
                    "INSERT INTO audit_entry (epoch, xid, uid, kind, subject_ref, actor, outcome, body)"
                    " VALUES (%s, %s::xid8, gen_random_uuid(), 'test.put', 's-1', 'system:test', 'ok', %s)",
                    [epoch, xid, f'{{"xid":{xid}}}'.encode()],
                )

    @pytest.fixture
    def elsewhere(live_database: str) -> Iterator[psycopg.Connection[Any]]:
        """Yield a connection of somebody else to the same cluster."""
        with psycopg.connect(live_database) as other:
            yield other

    def order() -> list[int]:
        bodies = dict(Entry.objects.values_list("pk", "body"))
        entries = Leaf.objects.order_by("leaf_index").values_list("entry_id", flat=True)
        return [json.loads(bytes(bodies[entry]))["xid"] for entry in entries]

    def test_transaction_numbers_are_ordered_as_numbers_when_they_gain_a_digit(live_database: str) -> None:
        insert("100", "9", "99", "10", "8", "101")
        assert [sequencing.sequence(most=2) for _ in range(4)] == [2, 2, 2, 0]
        assert order() == [8, 9, 10, 99, 100, 101]
        check_the_log()

    def test_what_is_ready_is_found_by_the_index_without_sorting(live_database: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO audit_entry (uid, kind, subject_ref, actor, outcome, body) SELECT gen_random_uuid(),"
                " 'test.many', 's-1', 'system:test', 'ok', convert_to(%s, 'UTF8') "
                " FROM generate_series(1, 20000)",
                [json.dumps({"x": "y" * 340})],
            )
            cursor.execute("ANALYZE audit_entry")
            cursor.execute(f"EXPLAIN {sequencing.READY}", [1, "5", 5, 5000])
            plan = "\n".join(line for (line,) in cursor.fetchall())
        assert "Index Scan using audit_entry_cursor" in plan
        assert "pg_snapshot_xmin" in plan.partition("Index Cond: ")[2].partition("\n")[0]
        assert "Sort" not in plan
        assert "Seq Scan" not in plan

    def test_a_long_transaction_anywhere_holds_up_the_log_and_loses_nothing(
        elsewhere: psycopg.Connection[Any],
    ) -> None:
        write(2)
        assert sequencing.sequence() == 2
        elsewhere.execute("SELECT pg_current_xact_id()")
        write(3)
        assert sequencing.sequence() == 0
        elsewhere.rollback()
        assert sequencing.sequence() == 3
        check_the_log()

    def test_an_entry_committed_after_a_later_one_gets_its_leaf(elsewhere: psycopg.Connection[Any]) -> None:
        elsewhere.execute(
            "INSERT INTO audit_entry (uid, kind, subject_ref, actor, outcome, body)"
            " VALUES (gen_random_uuid(), 'test.slow', 's-1', 'system:test', 'ok', '{}')"
        )
        write(2)
        assert sequencing.sequence() == 0, "the earlier one could still commit"
        elsewhere.commit()
        assert sequencing.sequence() == 3
        check_the_log()

    def test_transactions_that_only_read_hold_up_nothing(elsewhere: psycopg.Connection[Any]) -> None:
        elsewhere.execute("SELECT count(*) FROM audit_entry")
        write(1)
        assert sequencing.sequence() == 1

    def test_the_log_goes_on_after_a_long_silence(live_database: str) -> None:
        write(2)
        all_of_it()
        burn(5_000)
        assert sequencing.sequence() == 0
        write(2)
        assert sequencing.sequence() == 2
        check_the_log()

    def test_a_second_sequencer_passes_while_the_first_holds_the_tree(elsewhere: psycopg.Connection[Any]) -> None:
        write(1)
        sequencing.open_first()
        elsewhere.execute("SELECT * FROM audit_tree FOR UPDATE")
        write(1)
        assert sequencing.sequence() == 0
        elsewhere.rollback()
        assert sequencing.sequence() == 2

    def test_a_database_restored_into_another_cluster_waits_for_an_operator(live_database: str, folder: Path) -> None:
        write(3)
        all_of_it()
        Tree.objects.update(cluster="1")
        write(1)
        with pytest.raises(sequencing.OtherCluster):
            sequencing.sequence()
        tasks.sequence()
        assert "manage.py log epoch" in Tree.objects.get().stopped_because
        insert("8000000000000000000", "3")  # not yet due in the old cluster; overlooked, by the old cluster's cursor
        assert epochs.begin_epoch(at=AT) == 4, "those two, the one before, and the alarm"
        assert Tree.objects.get().stopped_because == ""
        write(2)
        assert all_of_it() == 3, "the beginning of the epoch, and what was written in it"
        assert list(Entry.objects.order_by("-id").values_list("epoch", flat=True)[:3]) == [2, 2, 2]
        assert sequencing.sequence() == 0
        check_the_log()
