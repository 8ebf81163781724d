"""Go on after the ground has changed: a database restored into another cluster, a log that can't be continued.

Neither happens by itself; an operator says so with `manage.py log epoch` or `manage.py log open` (docs/log.md).
"""

from datetime import datetime

from django.db import connection, transaction

from audit import publishing, sequencing, sinks
from audit.log import record
from audit.merkle import EMPTY_ROOT
from audit.models import Entry, Tree
from audit.notes import NoCheckpoint
from audit.sequencing import Ready

WITHOUT_LEAF = """
    SELECT e.id, e.body, e.epoch, e.xid::text AS xid_text
      FROM audit_entry e LEFT JOIN audit_leaf l ON l.entry_id = e.id AND l.log = %s
     WHERE l.entry_id IS NULL ORDER BY e.epoch, e.xid, e.id"""


class NotPossible(Exception):
    """Tell the operator in one line why it can't be done."""


def begin_epoch(*, at: datetime) -> int:
    """Begin to count transactions anew, as after a restore into another cluster; return how many leaves were made.

    Done as the owner of the tables, on PostgreSQL, in one transaction that no writer gets into: every row that has no
    leaf gets one, those of transaction numbers from the future included; then new rows belong to the next epoch.
    """
    if connection.vendor != "postgresql":
        raise NotPossible("SQLite has no transaction numbers: there is nothing to count anew")
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE audit_entry IN SHARE ROW EXCLUSIVE MODE")
        tree = _locked()
        rows = _without_leaf(tree)
        if rows:
            sequencing.append(tree, rows)
        newest = Entry.objects.order_by("-epoch").values_list("epoch", flat=True).first() or 0
        tree.last_epoch, tree.last_xid, tree.last_id = max(newest, tree.last_epoch) + 1, 0, 0
        tree.cluster, tree.stopped_at, tree.stopped_because = sequencing.cluster(), None, ""
        tree.save()
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE audit_entry ALTER COLUMN epoch SET DEFAULT {tree.last_epoch:d}")
        record(
            kind="log.epoch_begun", actor="system:log", subject="log", at=at, outcome="ok",
            purpose="The log goes on in another database", facts={"epoch": tree.last_epoch, "leaves": len(rows)},
        )  # fmt: skip
    return len(rows)


def open_log(origin: str, because: str, *, at: datetime) -> Tree:
    """Open a new log under a new origin; its first leaf holds the last note that anybody has of the old one.

    All entries that there are become leaves of it, in the old order. Raises NotPossible.
    """
    with transaction.atomic(durable=True):
        before = _locked()
        if Tree.objects.filter(origin=origin).exists():
            raise NotPossible(f"{origin} names a log already; an origin is never used twice")
        follows = _last_note(before)
        opening = _record_opening(before, origin, follows, because, at)
        tree = Tree(log=before.log + 1, origin=origin, root=EMPTY_ROOT, cluster=sequencing.cluster(), follows=follows)
        tree.save(force_insert=True)
        sequencing.append(tree, [opening])
        tree.save(update_fields=sequencing.MOVED)
    return tree


def resume() -> None:
    """Look again: lift the stop, which the next run puts back when its reason still stands."""
    tree = Tree.current()
    if tree is not None:
        Tree.objects.filter(log=tree.log).update(stopped_at=None, stopped_because="")


def _locked() -> Tree:
    tree = sequencing.locked()
    if tree is None:
        raise NotPossible("the log isn't open yet, or its sequencer is at work: try again")
    return tree


def _without_leaf(tree: Tree) -> list[Ready]:
    with connection.cursor() as cursor:
        cursor.execute(WITHOUT_LEAF, [tree.log])
        return [Ready(number, bytes(body), epoch, int(xid)) for number, body, epoch, xid in cursor.fetchall()]


def _last_note(tree: Tree) -> str:
    """Return the largest note of the old log that the database or a sink holds; raises NotPossible if there is none."""
    newest = publishing.latest(tree.log)
    found = {newest.size: newest.note} if newest else {}
    for taker in sinks.all_of_them():
        try:
            note = taker.last()
            held = sinks.checkpoint_of(note) if note else None
        except (OSError, NoCheckpoint):
            continue
        if note and held and held.origin == tree.origin:
            found.setdefault(held.size, note)
    if not found:
        raise NotPossible("the old log was never published: nothing has to be opened anew")
    return found[max(found)]


def _record_opening(before: Tree, origin: str, follows: str, because: str, at: datetime) -> Ready:
    uid = record(
        kind="log.opened", actor="system:log", subject="log", at=at, outcome="ok",
        purpose="A new log goes on where the one before could not",
        facts={"origin": origin, "follows": follows, "because": because, "stopped": before.stopped_because},
    )  # fmt: skip
    number, body, epoch = Entry.objects.values_list("id", "body", "epoch").get(
        uid=uid
    )  # the payload isn't ours to read
    return Ready(number, bytes(body), epoch, 0)
