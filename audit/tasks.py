"""What the log's worker does every second: number what has been committed, sign it, let others have it."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import structlog
from celery import shared_task
from django.conf import settings
from django.utils import timezone

from audit import alarms, clock, erasure, floods, publishing, retention, sequencing, taking_out
from audit.models import Tree
from audit.tiles import Damaged

log = structlog.get_logger(__name__)
MOST_BATCHES = 100


@shared_task
def let_go() -> None:
    """Let go of what has had its time, table by table, and of the keys of those nothing was told of for long."""
    at = timezone.now()
    if clock.apart(at) > clock.MOST_APART:  # a clock that runs ahead by years would destroy what must be kept
        log.error("retention.clocks_apart", ours=at.isoformat())
        return
    log.info("retention", rows=retention.sweep(at), subjects=erasure.sweep(at))


@shared_task
def sequence() -> None:
    """Sequence what is ready and publish it, unless another run of this machine is still at it."""
    with alone() as first:
        if not first:
            return
        try:
            for _ in range(MOST_BATCHES):
                if sequencing.sequence() < sequencing.MOST:
                    break
        except (sequencing.OtherCluster, Damaged) as reason:
            tree = Tree.current()
            if tree is not None and not tree.stopped_because:
                publishing.stop(tree, str(reason), at=timezone.now())
            return
        publishing.publish(at=timezone.now())


@shared_task
def sweep() -> None:
    """Tell of the floods of minutes that are over, ask the standing questions, and see to the auditors' exports.

    All of it with the application's rights.
    """
    now = timezone.now()
    floods.tell(at=now)
    alarms.watch(at=now)
    taking_out.sweep(now)


@shared_task(time_limit=4 * 3600)  # millions of entries take minutes; the usual limit is one
def write_export(*, export_id: int) -> None:
    """Write one export that an auditor asked for."""
    taking_out.write(export_id, clock=timezone.now)


@contextlib.contextmanager
def alone() -> Iterator[bool]:
    """Tell whether we are the only one of this DATA_DIR; the kernel lets go of the lock however a process ends."""
    folder = Path(settings.DATA_DIR)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(folder / "log.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield _locks(descriptor)
    finally:
        os.close(descriptor)


def _locks(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
