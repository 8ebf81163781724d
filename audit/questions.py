"""The standing questions that the log asks about itself (audit.alarms)."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audit import append_only, clock, floods, role_findings, sinks, tail
from audit.alarms import Question, register
from audit.checks import named
from audit.models import Checkpoint, Compared, Entry, Leaf, SignedCheckpoint, Sink, Tree

GRACE: Final = timedelta(minutes=5)  # within which an entry may be without its leaf
OVERLAP: Final = timedelta(minutes=15)  # longer than a transaction may take from writing an entry to its commit
TRIES: Final = 10  # of a sink one after another, with pauses that add up to half an hour
AT_ONCE: Final = timedelta(hours=6)  # of entries compared in one look, so that the first look at an old log is short


def without_leaf(_at: datetime) -> int:
    """Count committed entries of before the grace that no tree has, and go on from where all had one.

    It compares the two sets and asks nothing of the sequencer's cursor, whose mistakes it shall find. Each entry is
    looked at once or twice; where some are missing the comparison stays until they are there.
    """
    first = Entry.objects.order_by("id").values_list("at", flat=True).first()
    with transaction.atomic():
        known = Compared.objects.select_for_update().first() or (Compared(until=first) if first else None)
        if known is None:
            return 0
        now = clock.of_database()
        if first and known.until > now:  # a clock was set back, or somebody would rather that nothing is compared
            known.until = first
        upto = min(known.until + AT_ONCE, now - GRACE)
        leaves = Leaf.of_every_log.filter(entry_id=OuterRef("pk"), leaf_index__gte=0)
        missing = Entry.objects.filter(~Exists(leaves), at__gte=known.until - OVERLAP, at__lt=upto).count()
        if not missing:
            known.until = max(upto, known.until)
            known.save()
        return missing


def oldest_unsequenced(_at: datetime) -> int:
    """Return for how many seconds the first entry without a leaf has been waiting for one."""
    return round(tail.age().total_seconds())


def held_back(_at: datetime) -> int:
    """Return for how many seconds an open transaction has been holding committed entries back from the tree."""
    return round(tail.held_back().total_seconds())


def stopped(_at: datetime) -> int:
    """Tell whether the log has stopped signing because it is no continuation of what others hold."""
    tree = Tree.current()
    return int(tree is not None and bool(tree.stopped_because))


def unsigned_for(_at: datetime) -> int:
    """Return for how many seconds a checkpoint has been waiting to be signed, in a log that is signed at all."""
    tree = Tree.current()
    signed = SignedCheckpoint.objects.order_by("-size").first()
    if tree is None or (signed is None and not SignedCheckpoint.of_every_log.exists()):
        return 0
    waiting = Checkpoint.objects.filter(size__gt=signed.size if signed else 0).order_by("size").first()
    return max(0, round((clock.of_database() - waiting.made_at).total_seconds())) if waiting else 0


def failing_sinks(_at: datetime) -> int:
    """Count those who should be given our checkpoints and for long could not be, or not be asked for their last."""
    names = [taker.name for taker in sinks.all_of_them()]
    return Sink.objects.filter(name__in=names, attempts__gte=TRIES).count()


def clocks_apart(_at: datetime) -> int:
    """Return for how many seconds our clock is ahead of the database's, or behind it."""
    return int(clock.apart(timezone.now()).total_seconds())  # noqa: TID251 - the clock itself is in question


def unguarded(_at: datetime) -> int:
    """Count triggers that are missing or altered, and what the database's roles may do beyond their own."""
    found = len(append_only.findings(connection))
    if connection.vendor != "postgresql" or settings.DEMO:
        return found
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        application = str(cursor.fetchone()[0])
    names = named(application)
    if not names.sequencer:  # who serves people needn't know the sequencer's address
        return found + len(role_findings.of_application_alone(connection, application))
    return found + len(role_findings.findings(connection, names))


def disk(_at: datetime) -> int:
    """Return how full the disk of DATA_DIR is, in per cent, as who isn't root meets it."""
    folder = next(place for place in (settings.DATA_DIR, *settings.DATA_DIR.parents) if place.exists())
    usage = shutil.disk_usage(folder)
    return 100 - int(100 * usage.free / (usage.used + usage.free or 1))


def unsigned(at: datetime) -> int:
    """Count what came to our doors unsigned in the last minute."""
    return floods.in_the_last_minute(at)


for question in (
    Question(
        "entries_without_leaf",
        _("entries of more than five minutes ago that are not in the tree"),
        _("Run `manage.py audit verify`: it names them. If the sequencer runs, treat it as tampering or a defect."),
        without_leaf,
    ),
    Question(
        "oldest_unsequenced",
        _("age of the first entry that waits for its place in the tree"),
        _("See that the worker of the queue `log` and beat run; sensitive actions stop at the minutes of policy.toml."),
        oldest_unsequenced,
        limit=120,
        unit="seconds",
    ),
    Question(
        "watermark_held_back",
        _("how long an open transaction has been holding entries back"),
        _("Find it in pg_stat_activity (backend_xid, by xact_start) or pg_prepared_xacts, in any database; end it."),
        held_back,
        limit=60,
        unit="seconds",
    ),
    Question(
        "log_stopped",
        _("the log has stopped signing"),
        _("Somebody holds a checkpoint that ours does not continue: was a backup restored? Read docs/log.md first."),
        stopped,
    ),
    Question(
        "checkpoint_unsigned",
        _("how long a checkpoint has been waiting to be signed"),
        _("See that the worker of the queue `log` runs and holds LOG_KEY; its own log says what keeps it."),
        unsigned_for,
        limit=600,
        unit="seconds",
    ),
    Question(
        "sinks_failing",
        _("places that were not given our checkpoints for long"),
        _("Run `manage.py log status`. Until they are given again, nobody else can tell whether the log was altered."),
        failing_sinks,
    ),
    Question(
        "clocks_apart",
        _("how far our clock is from the database's"),
        _("Set both by NTP, and ask who changed one: nothing is deleted for its age until they agree."),
        clocks_apart,
        limit=30,
        unit="seconds",
    ),
    Question(
        "guards_and_rights",
        _("triggers or rights in the database that are not as they should be"),
        _("Run `manage.py check --database default`, then `manage.py database_roles`, and ask who changed them."),
        unguarded,
    ),
    Question(
        "disk_full",
        _("how full the disk is that our files are on"),
        _("Make room: when an entry can't be written nothing is done. Watch the database server's disk as well."),
        disk,
        limit=90,
        unit="per cent",
    ),
    Question(
        "unsigned_webhooks",
        _("unsigned messages to our doors in the last minute"),
        _("Look at the proxy's log for the sources and shut them out there; is the telephone token the right one?"),
        unsigned,
        limit=300,
    ),
):
    register(question)
