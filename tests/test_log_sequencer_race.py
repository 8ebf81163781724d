"""Eight writers that roll back at random and two sequencers that are killed lose nothing and double nothing.

LOG_KILLS= sets how many sequencers are killed (10; `make soak` kills 100). On PostgreSQL the race runs across the
moment at which transaction numbers gain a digit, which sorts otherwise as text than as a number.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from uuid import UUID

import pytest
from django.db import connection, transaction

from audit import sequencing
from audit.models import Entry, Tree
from tests.test_log_sequencer import POSTGRESQL, all_of_it, check_the_log, digits_ahead, write

KILLS = int(os.environ.get("LOG_KILLS", "10"))
WRITERS = 8 if POSTGRESQL else 4  # SQLite lets one in at a time anyway
LATE = 150  # transactions before the new digit, at the start
LONGEST = 0.02 if POSTGRESQL else 0.004  # seconds; SQLite lets nobody else write meanwhile


class Rolled(Exception):
    """Undo what the block has written."""


def writer(seed: int, told: Path, stop: Path) -> None:
    """Write until told to stop; tell of each entry after its commit, and of none that was rolled back."""
    random = Random(seed)
    with told.open("a", encoding="utf-8") as said:
        while not stop.exists():
            committed: list[UUID] = []
            with contextlib.suppress(Rolled), transaction.atomic():
                uids = write(random.randint(1, 3), writer=seed)
                with contextlib.suppress(Rolled), transaction.atomic():
                    inner = write(1, writer=seed)
                    if random.random() < 0.3:
                        raise Rolled
                    uids += inner
                time.sleep(random.random() * LONGEST)
                if random.random() < 0.15:
                    raise Rolled
                committed = uids
            said.write("".join(f"{uid}\n" for uid in committed))
            said.flush()


def sequencer(seed: int, _: Path, stop: Path) -> None:
    """Sequence until told to stop, slowly in the middle, where kills hurt most.

    Every other batch takes all there is: a sequencer that lags behind meets no entry whose neighbour isn't committed
    yet, and one that goes by `id` alone would then lose nothing.
    """
    random = Random(seed)
    store = sequencing._store_leaves

    def slowly(tree: Tree, rows: list[sequencing.Ready]) -> None:
        time.sleep(random.random() * LONGEST)
        store(tree, rows)
        time.sleep(random.random() * LONGEST)

    sequencing._store_leaves = slowly  # type: ignore[assignment]
    while not stop.exists():
        if not sequencing.sequence(most=random.choice((random.randint(1, 60), sequencing.MOST))):
            time.sleep(LONGEST / 4)


class Race:
    """Forked processes; each has a connection of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.stop, self.running, self.started = folder, folder / "stop", set[int](), 0

    def start(self, what: Callable[[int, Path, Path], None]) -> int:
        connection.close()
        self.started += 1
        told = self.folder / f"told{self.started}"
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                what(self.started, told, self.stop)
                status = 0
            finally:
                os._exit(status)
        self.running.add(pid)
        return pid

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        self.running.remove(pid)

    def end(self) -> list[int]:
        """Ask all to stop and return how each ended."""
        self.stop.touch()
        return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in sorted(self.running)]

    def told(self) -> list[UUID]:
        return [UUID(line) for told in self.folder.glob("told*") for line in told.read_text().split()]


@pytest.mark.slow
def test_writers_who_roll_back_and_killed_sequencers_lose_and_double_nothing(
    live_database: str, tmp_path: Path
) -> None:
    before = digits_ahead(LATE) if POSTGRESQL else 0
    race, random = Race(tmp_path), Random(4)
    for _ in range(WRITERS):
        race.start(writer)
    sequencers = [race.start(sequencer), race.start(sequencer)]
    for _ in range(KILLS):
        time.sleep(0.05 + random.random() * 0.2)
        race.kill(sequencers.pop(random.randrange(2)))
        sequencers.append(race.start(sequencer))
    assert race.end() == [0] * (WRITERS + 2)
    all_of_it()
    assert sorted(race.told()) == sorted(Entry.objects.values_list("uid", flat=True))
    assert len(race.told()) > 5 * KILLS
    check_the_log()
    assert not POSTGRESQL or digits_ahead() != before, "the numbers gained a digit"
