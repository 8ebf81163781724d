"""Says whether this process may serve: the database answers, its migrations are applied,
it was made for this world, its guards stand."""

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from audit import append_only
from contactcentre import demo_lock
from verification import guard


class NotReady(Exception):
    """Something that serving rests on is missing; the message names it in one line."""


def check() -> None:
    """Raise NotReady with the first thing that is missing."""
    check_migrations()
    check_world()
    check_guards()


def check_migrations() -> None:
    """Raise NotReady when the database can't be reached or isn't at the code's migrations."""
    try:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        raise NotReady("The database can't be reached.") from None
    if waiting:
        raise NotReady(f"{len(waiting)} migrations are not applied; run `manage.py migrate`.")


def check_world() -> None:
    """Raise NotReady when DEMO and the database's mark don't agree."""
    try:
        demo_lock.check()
    except demo_lock.WrongWorld as reason:
        raise NotReady(str(reason)) from None


def check_guards() -> None:
    """Raise NotReady when a trigger that refuses ungated writes is missing or altered."""
    try:
        guard.verify()
    except (append_only.Altered, guard.Altered) as reason:
        raise NotReady(str(reason)) from None
