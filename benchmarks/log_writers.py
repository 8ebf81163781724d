"""Processes that write at the same time, each with its own connection and rows, and one that sequences beside them."""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from statistics import median, quantiles
from typing import Any, NamedTuple

from benchmarks.server import Processes, machine_ms, used_ms

WRITERS = 8
SOON = 0.05  # seconds from telling the writers to their common start
EVERY = 1.0  # seconds from one run of the sequencer to the next, as beat has it


@dataclass(frozen=True)
class Slice:
    """What all writers did together: saves a second, ms of CPU a save (theirs and PostgreSQL's), ms until a commit."""

    rate: float
    cpu: float
    p50: float
    p99: float
    others: float
    sequencer: float = 0.0  # the share of it, with the one of PostgreSQL's processes that serves it, of the CPU time


class Used(NamedTuple):
    """Say what the sequencer used: ms of CPU of its own process, and of PostgreSQL's that serves it."""

    process: float
    backend: float


class Crew:
    """Eight writers who wait for orders, and a sequencer who does."""

    def __init__(self, pipes: list[Connection], sequencer: Connection) -> None:
        self._pipes, self._sequencer = pipes, sequencer
        self._processes = Processes()
        for pipe in (*pipes, sequencer):
            pipe.recv()  # it is ready

    def save(self, name: str, seconds: float, *, sequenced: bool = False) -> Slice:
        """Let all of them save rows of one kind for so many seconds; `sequenced`: while the log is kept up."""
        machine, database = machine_ms(), self._processes.postgresql_ms()
        start = time.monotonic() + SOON
        if sequenced:
            self._sequencer.send((start, start + seconds))
        for pipe in self._pipes:
            pipe.send((name, start, start + seconds))
        done = [pipe.recv() for pipe in self._pipes]
        beside = self._sequencer.recv() if sequenced else Used(0.0, 0.0)
        return self._slice(done, beside, machine, database, seconds)

    def catch_up(self) -> None:
        """Give every entry its leaf, and publish."""
        self._sequencer.send((time.monotonic(), 0.0))
        self._sequencer.recv()

    def _slice(self, done: list[Any], beside: Used, machine: float, database: float, seconds: float) -> Slice:
        taken = [each for one in done for each in one.taken]
        clients = sum(one.cpu for one in done)
        database = self._processes.postgresql_ms() - database
        ours = clients + database + beside.process
        others = max(0.0, machine_ms() - machine - ours) / (seconds * 1000)
        return Slice(
            len(taken) / seconds, (clients + database) / len(taken), median(taken), quantiles(taken, n=100)[98],
            others, (beside.process + beside.backend) / ours,
        )  # fmt: skip


@contextlib.contextmanager
def crew() -> Iterator[Crew]:
    """Start them, each in a process that knows nothing of this one's connections, and let them go."""
    spawning = multiprocessing.get_context("spawn")
    started, pipes = [], []
    for place in range(WRITERS + 1):
        ours, theirs = spawning.Pipe()
        process = spawning.Process(target=_sequence if place == WRITERS else _write, args=(theirs,), daemon=True)
        process.start()
        theirs.close()
        started.append(process)
        pipes.append(ours)
    try:
        yield Crew(pipes[:WRITERS], pipes[WRITERS])
    finally:
        for pipe in pipes:
            pipe.close()  # which ends the process at its other end
        for process in started:
            process.join(10)


def _write(pipe: Connection) -> None:
    import django

    django.setup()
    from benchmarks.log_saves import Writer

    writer = Writer()
    pipe.send("ready")
    with contextlib.suppress(EOFError):
        while True:
            pipe.send(writer.save_until(*pipe.recv()))


def _sequence(pipe: Connection) -> None:
    """Keep the log up for as long as a slice lasts, whenever told to."""
    import django

    django.setup()
    from django.db import connection

    from audit.tasks import sequence

    sequence()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = cursor.fetchone()[0]
    pipe.send("ready")
    with contextlib.suppress(EOFError):
        while True:
            start, end = pipe.recv()
            process, served = time.process_time(), used_ms(backend)
            _every_second(sequence, start, end)
            pipe.send(Used((time.process_time() - process) * 1000, used_ms(backend) - served))


def _every_second(sequence: Callable[[], object], due: float, end: float) -> None:
    """Do what the log's worker does, at once and then as often as beat has it."""
    while True:
        time.sleep(max(0.0, due - time.monotonic()))
        sequence()
        due += EVERY
        if due >= end:
            return
