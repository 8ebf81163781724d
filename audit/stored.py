"""Read the log's rows as they are stored now, in the order of the leaves, a stretch at a time."""

from collections.abc import Sequence
from typing import Any, cast

from django.db import connection

from audit.copies import Row
from audit.judging import Mark
from audit.models import Tree

LEAVES = """
    SELECT l.leaf_index, e.body, e.payload_ct, {uid}, e.kind, e.subject_ref, e.actor, e.outcome, e.org, {second}
      FROM audit_leaf l LEFT JOIN audit_entry e ON e.id = l.entry_id
     WHERE l.log = %s AND l.leaf_index >= %s AND l.leaf_index < %s ORDER BY l.leaf_index"""
TILES = "SELECT n, hashes FROM audit_tile WHERE log = %s AND level = %s AND n >= %s AND n < %s ORDER BY n"
CHECKPOINTS = """
    SELECT c.size, c.root, s.note
      FROM audit_checkpoint c LEFT JOIN audit_signed_checkpoint s ON s.log = c.log AND s.size = c.size
     WHERE c.log = %s AND c.size > %s AND c.size <= %s ORDER BY c.size"""
# A note without the checkpoint that it signs would otherwise not be met.
NOTES = """
    SELECT s.size, s.note FROM audit_signed_checkpoint s
     WHERE s.log = %s AND NOT EXISTS (SELECT 1 FROM audit_checkpoint c WHERE c.log = s.log AND c.size = s.size)
     ORDER BY s.size LIMIT 10"""
LEFT_OUT = """
    SELECT {uid} FROM audit_entry e
     WHERE {before}
       AND NOT EXISTS (SELECT 1 FROM audit_leaf l WHERE l.entry_id = e.id AND l.log = %s AND l.leaf_index >= 0)
     ORDER BY e.id LIMIT 10"""


def count(log: int) -> int:
    """Give the index after the last leaf."""
    (last,) = _rows("SELECT max(leaf_index) FROM audit_leaf WHERE log = %s", [log])[0]
    return 0 if last is None else int(last) + 1


def leaves(log: int, start: int, end: int) -> list[Row]:
    """Give the leaves from start up to end, as many as there are, as tuples in the form of Row."""
    return cast("list[Row]", _rows(LEAVES.format(uid=_uid(), second=_second()), [log, start, end]))


def tiles(log: int, level: int, start: int, end: int) -> dict[int, bytes]:
    """Give the tiles of a level from number start up to end, by number."""
    return dict(cast("list[tuple[int, bytes]]", _rows(TILES, [log, level, start, end])))


def checkpoints(log: int, after: int, upto: int) -> list[Mark]:
    """Give the checkpoints of more than `after` and at most `upto` leaves."""
    return [Mark(size, root, note or "") for size, root, note in _rows(CHECKPOINTS, [log, after, upto])]


def notes_alone(log: int) -> list[tuple[int, str]]:
    """Give size and note of what was signed and has no checkpoint any more, ten at most."""
    return [(size, note) for size, note in _rows(NOTES, [log])]


def left_out(tree: Tree) -> list[str]:
    """Give the receipts of entries that stand before the log's cursor and have no leaf in it, ten at most."""
    if connection.vendor == "postgresql":
        before = "(e.epoch, e.xid, e.id) <= (%s, %s::xid8, %s)"
        cursor: list[int | str] = [tree.last_epoch, str(tree.last_xid), tree.last_id]
    else:
        before, cursor = "e.id <= %s", [tree.last_id]
    return [uid for (uid,) in _rows(LEFT_OUT.format(uid=_uid(), before=before), [*cursor, tree.log])]


def _rows(statement: str, values: Sequence[int | str]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # as bytes, not as hexadecimal digits: that halves what a row costs
            return list(cursor.cursor.execute(statement, values, binary=True).fetchall())
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def _uid() -> str:
    """Write the receipt as text with hyphens, as bodies have it."""
    if connection.vendor == "postgresql":
        return "e.uid::text"
    parts = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
    return " || '-' || ".join(f"substr(e.uid, {start}, {length})" for start, length in parts)


def _second() -> str:
    """Write the database's moment of an entry in whole seconds."""
    if connection.vendor == "postgresql":
        return "extract(epoch from e.at)::bigint"
    return "CAST(strftime('%%s', e.at) AS INTEGER)"
