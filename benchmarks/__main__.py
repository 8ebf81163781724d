"""`python -m benchmarks`: measure everything side by side in one run, print the table, keep it in results/."""

from __future__ import annotations

import argparse
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import server

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    given = _arguments()
    with server.started():
        import django

        django.setup()
        if given.profile:
            _profile(given.operations)
            return
        results = _measured(given)
    try:
        results["starts"] = {} if given.no_starts or given.only_log else _starts(fresh_clone=given.fresh_clone)
    finally:  # what was measured is kept, also when the house doesn't start
        _keep(results, write=not given.dry)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="how often every variant is measured")
    parser.add_argument("--operations", type=int, default=50, help="attempts in one slice; cheap variants take more")
    parser.add_argument("--only-log", action="store_true", help="measure the log only, and no start-up times")
    parser.add_argument("--no-starts", action="store_true", help="leave the times of `make run` out")
    parser.add_argument("--fresh-clone", action="store_true", help="measure `make run` in a clone of the last commit")
    parser.add_argument("--dry", action="store_true", help="print the table only, keep nothing")
    parser.add_argument("--profile", action="store_true", help="show where the time goes, instead of measuring")
    return parser.parse_args()


def _measured(given: argparse.Namespace) -> dict[str, Any]:
    from benchmarks import gate, log, measuring, pages, statements, table, telephone

    world = _world(customers=max(100, (given.rounds + 2) * given.operations))
    if given.only_log:
        return {**_about(given), "log": log.measured(world, given.rounds, _say)}
    variants = [*telephone.variants(world, given.operations), *gate.variants(world, given.operations)]
    slices = measuring.measure(variants, given.rounds, server.Processes(), _say)
    asked = {variant.name: statements.asked(variant.prepare(1)[0]) for variant in variants}
    return {
        **_about(given),
        "variants": table.summary(slices),
        "statements": {
            name: {"statements": len(one.statements), "savepoints": one.savepoints, "commits": one.commits}
            for name, one in asked.items()
        },
        "pages": pages.measured(world),
        "log": log.measured(world, given.rounds, _say),
    }


def _about(given: argparse.Namespace) -> dict[str, Any]:
    from benchmarks import table

    at = datetime.now(UTC).isoformat(timespec="minutes")
    return {"at": at, "rounds": given.rounds, "machine": table.machine()}


def _world(customers: int) -> Any:
    from django.core.management import call_command

    _say("making the database")
    call_command("migrate", verbosity=0)
    call_command("migrate", verbosity=0, run_syncdb=True)  # the tables of our own models, which lean on the house's
    from benchmarks.world import World

    _say(f"bringing {customers} customers in")
    return World(customers)


def _starts(*, fresh_clone: bool) -> dict[str, float]:
    from benchmarks import startup

    _say("starting it twice" + (" from a fresh clone" if fresh_clone else ""))
    return startup.starts(fresh_clone=fresh_clone)


def _profile(operations: int) -> None:
    from benchmarks import gate, statements, telephone
    from benchmarks.profiling import profile

    world = _world(customers=2 * operations + 10)
    for variant in [*telephone.variants(world, operations)[1:], *gate.variants(world, operations)[-3:]]:
        variant.prepare(1)[0]()
        asked = statements.asked(variant.prepare(1)[0])
        print(f"\n=== {variant.name}: {len(asked.statements)} statements, {asked.savepoints} of savepoints")
        for place, sql in enumerate(asked.statements, 1):
            print(f"{place:3} {sql[:300]}")
        print(profile(variant.prepare(operations)))


def _keep(results: dict[str, Any], *, write: bool) -> None:
    from benchmarks.table import markdown

    report = markdown(results)
    print(report)
    if write:
        RESULTS.mkdir(exist_ok=True)
        text = json.dumps(results, indent=1) + "\n"
        (RESULTS / f"{results['at'][:16].replace(':', '')}.json").write_text(text, encoding="utf-8")
        (RESULTS / "latest.md").write_text(report, encoding="utf-8")


def _say(what: str) -> None:
    print(f"bench: {time.strftime('%H:%M:%S')} {what}", flush=True)


if __name__ == "__main__":
    main()
