"""Everything about the log that is measured in one run: saves, the sequencer beside them, a long log, proofs, pages."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict
from statistics import median
from typing import Any

from benchmarks import log_million, log_pages, log_ten_million
from benchmarks.log_saves import KINDS, OURS
from benchmarks.log_writers import WRITERS, Crew, Slice, crew
from benchmarks.measuring import figure
from benchmarks.world import World

SECONDS, SHORTEST = 1.25, 0.25  # of a slice
PAIRS = 6  # of slices with the sequencer and without
SECONDS_BESIDE = 3.0  # three runs of the sequencer
NOISY = 0.2  # of a processor used by others: such a slice is taken once more, and the quieter of the two is kept
LEAVES = 1_000_000
VERIFIED = 3  # times


def measured(world: World, rounds: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Return all figures; BENCH_SCALE makes the slices shorter and the long log smaller."""
    scale = float(os.environ.get("BENCH_SCALE", "1"))
    with crew() as writers:
        say(f"{WRITERS} writers are ready")
        saves = _saves(writers, rounds, max(SHORTEST, SECONDS * scale), say)
        say("the sequencer beside them")
        beside = _beside(writers, max(2, round(PAIRS * scale)), SECONDS_BESIDE)
    leaves = round(LEAVES * scale)
    say(f"making {leaves} entries")
    log_million.fill(leaves, str(world.organisation.pk))
    say("sequencing them")
    done, seconds = log_million.sequenced()
    say("verifying the whole log")
    verified = log_million.verified(VERIFIED)
    say("looking through it")
    pages = log_pages.measured(world)
    say("proving out of ten million")
    return {
        "writers": WRITERS,
        "saves": {name: _summary(slices) for name, slices in saves.items()},
        "ratios": _ratios(saves),
        "beside": beside,
        "sequencer": {"leaves": done, "rate": round(done / seconds)},
        "verified": verified,
        "pages": pages,
        "proven": log_ten_million.proven(),
    }


def _saves(writers: Crew, rounds: int, seconds: float, say: Callable[[str], None]) -> dict[str, list[Slice]]:
    """Return every slice of every kind; a first round, which warms up, is not kept."""
    kept: defaultdict[str, list[Slice]] = defaultdict(list)
    names = [*KINDS]
    for number in range(rounds + 1):
        turn = number % len(names)
        for name in [*names[turn:], *names[:turn]]:
            taken = _quiet(writers, name, seconds)
            if number:
                kept[name].append(taken)
        say(f"saves, round {number} of {rounds}" + ("" if number else " (warming up, not kept)"))
    return {name: kept[name] for name in names}


def _quiet(writers: Crew, name: str, seconds: float) -> Slice:
    taken = writers.save(name, seconds)
    if taken.others <= NOISY:
        return taken
    return min(taken, writers.save(name, seconds), key=lambda each: each.others)


def _beside(writers: Crew, pairs: int, seconds: float) -> dict[str, Any]:
    """Save with the log kept up and without, by turns; return what is left of the rate, and the sequencer's share."""
    left, shares, rates = [], [], []
    for number in range(pairs):
        writers.catch_up()  # what the last slice left behind is nobody's cost
        found = {sequenced: writers.save(OURS, seconds, sequenced=sequenced) for sequenced in _turned(number)}
        left.append(found[True].rate / found[False].rate)
        shares.append(found[True].sequencer)
        rates.append(found[False].rate)
    writers.catch_up()
    return {
        "left": asdict(figure(left)), "share": asdict(figure(shares)), "rate": asdict(figure(rates)),
    }  # fmt: skip


def _turned(number: int) -> tuple[bool, bool]:
    return (True, False) if number % 2 else (False, True)


def _summary(slices: list[Slice]) -> dict[str, Any]:
    return {
        part: asdict(figure([getattr(one, part) for one in slices])) for part in ("rate", "cpu", "p50", "p99", "others")
    }


def _ratios(saves: dict[str, list[Slice]]) -> dict[str, Any]:
    """Compare our rate with each other's in the same round, and our CPU time with theirs."""
    ours = saves[OURS]
    return {
        name: {
            "rate": asdict(figure([mine.rate / other.rate for mine, other in zip(ours, others, strict=True)])),
            "cpu": round(median(one.cpu for one in others) / median(one.cpu for one in ours), 2),
        }
        for name, others in saves.items() if name != OURS
    }  # fmt: skip
