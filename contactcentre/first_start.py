"""The first start of a database: what was begun and broken off is told from what is finished, and gone on with."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import connection

from contactcentre import demo_lock
from contactcentre.models import Mark


def check_the_mark(**_: Any) -> None:
    """Raise WrongWorld when the database is marked as of the other world; a new one has no mark yet."""
    if _marked():
        demo_lock.check()


def refuse_to_migrate(**_: Any) -> None:
    """Stop `migrate` before it alters a database of the other world (a pre_migrate receiver)."""
    try:
        check_the_mark()
    except demo_lock.WrongWorld as wrong:
        raise CommandError(str(wrong)) from None


def finished() -> bool:
    """Tell whether a first start came to its end here: the mark is written and, in the demo, the world is built."""
    return _marked() and (not settings.DEMO or demo_lock.reached(demo_lock.BUILT))


def discard_half_made_demo() -> bool:
    """Remove a demo's SQLite file when its world was begun and never finished; tell whether there was one.

    Only a file that is marked as a demo and lies in our own DATA_DIR: everything in it is made up. The caller holds
    DATA_DIR's lock, so nobody else is building it.
    """
    if not (settings.DEMO and _half_made()):
        return False
    path = Path(str(connection.settings_dict["NAME"])).resolve()
    if connection.vendor != "sqlite" or path.parent != settings.DATA_DIR:
        raise demo_lock.WrongWorld(
            "The demo world was left half made; give an empty database in DATABASE_URL, or empty this one."
        )
    connection.close()
    for ending in ("-wal", "-shm", ""):  # the file itself last: broken off here, the next start comes back
        path.with_name(path.name + ending).unlink(missing_ok=True)
    return True


def _half_made() -> bool:
    return (
        _marked()
        and Mark.objects.filter(demo=True).exists()
        and demo_lock.reached(demo_lock.BEGUN)
        and not demo_lock.reached(demo_lock.BUILT)
    )


def _marked() -> bool:
    return Mark._meta.db_table in connection.introspection.table_names() and Mark.objects.exists()
