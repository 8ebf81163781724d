"""Ask the database for the time, and tell how far our own clock is from it.

Ours decides what has had its time and is destroyed, the database's says when an entry was taken in: where the two part,
one of them is wrong, or was set.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import connection

MOST_APART: Final = timedelta(seconds=30)


def of_database() -> datetime:
    """Return the time of the clock that stamps the entries."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT clock_timestamp()")
            now: datetime = cursor.fetchone()[0]
            return now
        cursor.execute("SELECT strftime('%Y-%m-%dT%H:%M:%f', 'now')")
        return datetime.fromisoformat(cursor.fetchone()[0] + "+00:00")


def apart(now: datetime) -> timedelta:
    """Return how far the clock that says `now` is from the database's, whichever is ahead."""
    return abs(of_database() - now)
