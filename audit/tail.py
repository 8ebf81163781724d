"""How far the tree is behind the entries: what is committed and has no leaf yet is protected by triggers alone.

Both questions look at one row through an index, however long the tail is, and use the database's own clock.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import connection

# The first entry after the cursor of the log that grows; without a tree, the first of all.
FIRST: Final = {
    "postgresql": """
    SELECT extract(epoch FROM clock_timestamp() - e.at) FROM audit_entry e
     WHERE (e.epoch, e.xid, e.id) > (
        SELECT coalesce(t.last_epoch, 0), coalesce(t.last_xid, 0)::text::xid8, coalesce(t.last_id, 0)
          FROM (SELECT max(log) AS newest FROM audit_tree) n LEFT JOIN audit_tree t ON t.log = n.newest)
     ORDER BY e.epoch, e.xid, e.id LIMIT 1""",
    "sqlite": """
    SELECT (julianday('now') - julianday(e.at)) * 86400 FROM audit_entry e
     WHERE e.id > coalesce((SELECT last_id FROM audit_tree ORDER BY log DESC LIMIT 1), 0)
     ORDER BY e.id LIMIT 1""",
}
# The same, of those that no sequencer may take yet, since a transaction older than theirs is still open.
HELD_BACK: Final = FIRST["postgresql"].replace(
    "ORDER BY", "AND e.xid >= pg_snapshot_xmin(pg_current_snapshot()) ORDER BY"
)


def age() -> timedelta:
    """Return how long the first committed entry without a leaf has been waiting for it; none waiting is no time."""
    return _seconds(FIRST[connection.vendor])


def held_back() -> timedelta:
    """Return how long committed entries have been waiting behind a transaction that is still open."""
    return _seconds(HELD_BACK) if connection.vendor == "postgresql" else timedelta(0)


def _seconds(statement: str) -> timedelta:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        row = cursor.fetchone()
    return timedelta(seconds=max(0.0, float(row[0]))) if row else timedelta(0)
