"""What one operation asks of the database, statement by statement."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection
from django.test.utils import CaptureQueriesContext

from benchmarks.measuring import Operation

ABOUT_TRANSACTIONS = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")


@dataclass(frozen=True)
class Asked:
    """The statements of one operation; `savepoints` are round trips too, BEGIN rides on the first statement."""

    statements: tuple[str, ...]
    savepoints: int
    commits: int


def asked(operation: Operation) -> Asked:
    """Run one operation and return what it asked."""
    with CaptureQueriesContext(connection) as captured:
        operation()
    said = [str(query["sql"]) for query in captured.captured_queries]
    return Asked(
        tuple(sql for sql in said if not sql.startswith(ABOUT_TRANSACTIONS)),
        sum("SAVEPOINT" in sql for sql in said),
        sum(sql.startswith("COMMIT") for sql in said),
    )
