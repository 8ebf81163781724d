"""Number the entries: give each committed one its leaf, exactly once, in an order that nothing is inserted into later.

On PostgreSQL the order is (epoch, transaction, id), and an entry is ready when no transaction that could still commit
is older than its own: pg_snapshot_xmin is the watermark. `id` alone would lose entries, since transactions don't commit
in the order in which they drew their ids. SQLite has one writer at a time, so there `id` is the order of commits.

One batch is one transaction: leaves, tiles, cursor, root and the checkpoint, unsigned, are committed together. Whoever
is killed leaves nothing behind, and two at once exclude each other by the lock on the tree's row.
"""

from typing import NamedTuple

from django.conf import settings
from django.db import connection, transaction

from audit.merkle import EMPTY_ROOT, leaf_hash, root
from audit.models import Checkpoint, Leaf, Tree
from audit.tiles import Damaged, Growing

MOST = 5_000
MOVED = ("size", "root", "last_epoch", "last_xid", "last_id")

# The text form of xid must not be called xid: ORDER BY would take the output column, and sort 10 before 9.
# Nobody writes into an epoch that is followed by another (audit/epochs.py), so its rows are all ready.
READY = """
    SELECT e.id, e.body, e.epoch, e.xid::text AS xid_text
      FROM audit_entry e
     WHERE (e.epoch, e.xid, e.id) > (%s, %s::xid8, %s)
       AND (e.epoch, e.xid) < ((SELECT max(epoch) FROM audit_entry), pg_snapshot_xmin(pg_current_snapshot()))
     ORDER BY e.epoch, e.xid, e.id LIMIT %s"""
READY_ON_SQLITE = "SELECT id, body, epoch, '0' FROM audit_entry WHERE id > %s ORDER BY id LIMIT %s"


class OtherCluster(Exception):
    """Tell that the database was restored into another cluster, whose transaction numbers are not ours."""


class Ready(NamedTuple):
    """Hold one committed entry that has no leaf yet."""

    id: int
    body: bytes
    epoch: int
    xid: int


def sequence(*, most: int = MOST) -> int:
    """Give leaves to the next entries, at most `most`, in one transaction; return how many.

    0 also when another sequencer is at work. Raises OtherCluster, and Damaged when the tiles aren't those of the root.
    """
    if Tree.current() is None:
        open_first()
    with transaction.atomic():
        tree = locked()
        if tree is None:
            return 0
        check_cluster(tree)
        rows = _ready(tree, most)
        if rows:
            append(tree, _without_the_opening(tree, rows))
            last = rows[-1]
            tree.last_epoch, tree.last_xid, tree.last_id = last.epoch, last.xid, last.id
            tree.save(update_fields=MOVED)
        return len(rows)


def open_first() -> None:
    """Open the first log, under LOG_ORIGIN; of two at once one does."""
    first = Tree(log=1, origin=settings.LOG_ORIGIN, root=EMPTY_ROOT, cluster=cluster())
    Tree.objects.bulk_create([first], ignore_conflicts=True)


def locked() -> Tree | None:
    """Lock the log that grows until the end of the transaction; None when somebody else has it."""
    newest = Tree.objects.order_by("-log").values("log")[:1]
    rows = Tree.objects.filter(log=newest)
    if connection.vendor == "postgresql":
        rows = rows.select_for_update(skip_locked=True)
    return rows.first()


def append(tree: Tree, rows: list[Ready]) -> None:
    """Append entries to the tree, and its checkpoint; the caller holds the lock and saves the row. Raises Damaged."""
    tiles = Growing(tree.log, tree.size)
    if root(tiles.read, tree.size) != bytes(tree.root):
        raise Damaged(f"the tiles of log {tree.log} aren't those of its root at {tree.size}")
    tiles.append([leaf_hash(row.body) for row in rows])
    tiles.store()
    _store_leaves(tree, rows)
    tree.size, tree.root = tiles.size, root(tiles.read, tiles.size)
    if rows:
        Checkpoint.of_every_log.create(log=tree.log, size=tree.size, root=tree.root)


def check_cluster(tree: Tree) -> None:
    """Raise OtherCluster unless the cursor's transaction number is one of this cluster's."""
    here = cluster()
    if tree.cluster != here:
        raise OtherCluster(f"the log was numbered in cluster {tree.cluster}, this is {here}: `manage.py log epoch`")


def cluster() -> str:
    """Identify the cluster whose transaction numbers are counted; "" on SQLite, which counts none."""
    if connection.vendor != "postgresql":
        return ""
    with connection.cursor() as cursor:
        cursor.execute("SELECT system_identifier::text FROM pg_control_system()")
        return str(cursor.fetchone()[0])


def _ready(tree: Tree, most: int) -> list[Ready]:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(READY, [tree.last_epoch, str(tree.last_xid), tree.last_id, most])
        else:
            cursor.execute(READY_ON_SQLITE, [tree.last_id, most])
        return [Ready(number, bytes(body), epoch, int(xid)) for number, body, epoch, xid in cursor.fetchall()]


def _without_the_opening(tree: Tree, rows: list[Ready]) -> list[Ready]:
    """Leave out the entry that opened a later log: it is that log's first leaf, and is met again in its turn."""
    if not tree.follows:
        return rows
    opening = Leaf.of_every_log.filter(log=tree.log, leaf_index=0).values_list("entry_id", flat=True).first()
    return [row for row in rows if row.id != opening]


def _store_leaves(tree: Tree, rows: list[Ready]) -> None:
    numbered = enumerate((row.id for row in rows), start=tree.size)
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            values = [(tree.log, index, entry) for index, entry in numbered]
            cursor.executemany("INSERT INTO audit_leaf (log, leaf_index, entry_id) VALUES (%s, %s, %s)", values)
            return
        with cursor.copy("COPY audit_leaf (log, leaf_index, entry_id) FROM STDIN") as copy:
            copy.write("".join([f"{tree.log}\t{index}\t{entry}\n" for index, entry in numbered]))
