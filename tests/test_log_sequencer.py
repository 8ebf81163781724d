"""Every committed entry gets its leaf exactly once, and every checkpoint begins with the one before."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection, transaction

from audit import merkle, sequencing
from audit.log import record
from audit.models import Checkpoint, Entry, Leaf, Tile, Tree
from audit.tiles import Growing, Tiles, joined, widths

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
