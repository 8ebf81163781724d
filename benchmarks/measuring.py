"""Variants measured beside each other: a slice of each in every round, the order turned by one from round to round."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.server import Processes, machine_ms

Operation = Callable[[], object]


@dataclass(frozen=True)
class Variant:
    """One thing to measure. `prepare` makes the operations of one slice; its own time is not counted."""

    name: str
    prepare: Callable[[int], Sequence[Operation]]
    operations: int


@dataclass(frozen=True)
class Slice:
    """What one slice took, in milliseconds an operation; `others` is the share of a processor that others used."""

    client: float
    postgresql: float
    redis: float
    wall: float
    others: float

    @property
    def cpu(self) -> float:
        return self.client + self.postgresql + self.redis


def measure(
    variants: Sequence[Variant], rounds: int, processes: Processes, say: Callable[[str], None]
) -> dict[str, list[Slice]]:
    """Return every slice of every variant; a first round, which warms up, is not kept."""
    kept: dict[str, list[Slice]] = {variant.name: [] for variant in variants}
    for number in range(rounds + 1):
        turned = [*variants[number % len(variants) :], *variants[: number % len(variants)]]
        for variant in turned:
            taken = _slice(variant, processes)
            if number:
                kept[variant.name].append(taken)
        say(f"round {number} of {rounds}" + ("" if number else " (warming up, not kept)"))
    return kept


def _slice(variant: Variant, processes: Processes) -> Slice:
    operations = variant.prepare(variant.operations)
    gc.collect()
    client, database, redis = time.process_time(), processes.postgresql_ms(), processes.redis_ms()
    machine, wall = machine_ms(), time.perf_counter()
    for operation in operations:
        operation()
    wall = time.perf_counter() - wall
    client = (time.process_time() - client) * 1000
    database, redis = processes.postgresql_ms() - database, processes.redis_ms() - redis
    others = max(0.0, machine_ms() - machine - client - database - redis) / (wall * 1000)
    count = len(operations)
    return Slice(client / count, database / count, redis / count, wall * 1000 / count, others)


@dataclass(frozen=True)
class Figure:
    """The median of some slices, with the least and the most."""

    median: float
    least: float
    most: float

    def __str__(self) -> str:
        return f"{self.median:.2f} [{self.least:.2f}..{self.most:.2f}]"


def figure(values: Sequence[float]) -> Figure:
    """Sum up what several slices gave."""
    return Figure(round(median(values), 3), round(min(values), 3), round(max(values), 3))
