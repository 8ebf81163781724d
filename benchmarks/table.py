"""The results as one table of markdown, and as JSON for later comparison."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

from benchmarks import log_table
from benchmarks.measuring import Slice, figure

TURN_FLOOR = "bare view, our middleware"
ROW_FLOOR = "bare save, insert"
RIVAL = "django-auditlog, insert"


def summary(slices: Mapping[str, Sequence[Slice]]) -> dict[str, dict[str, Any]]:
    """Return for every variant the figures of its CPU time, its parts and its wall time, in ms an operation."""
    return {
        name: {
            part: asdict(figure([getattr(one, part) for one in taken]))
            for part in ("cpu", "client", "postgresql", "redis", "wall", "others")
        }
        for name, taken in slices.items()
    }


def machine() -> dict[str, Any]:
    """Return what the figures were taken on, which they mean nothing without."""
    import django
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version'), current_setting('fsync'),"
                       " current_setting('synchronous_commit')")  # fmt: skip
        version, fsync, synchronous = cursor.fetchone()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], check=False, capture_output=True, text=True)
    return {
        "processors": os.cpu_count(), "load_average": [round(load, 2) for load in os.getloadavg()],
        "python": platform.python_version(), "django": django.get_version(), "postgresql": version,
        "fsync": fsync, "synchronous_commit": synchronous, "commit": commit.stdout.strip(),
    }  # fmt: skip


def markdown(results: Mapping[str, Any]) -> str:
    """Return the whole report."""
    on = results["machine"]
    lines = [
        "# Measured", "",
        f"{results['at']}, commit {on['commit']}: {on['processors']} processors shared with other work (load"
        f" {on['load_average'][0]} at the end), Python {on['python']}, Django {on['django']}, PostgreSQL"
        f" {on['postgresql']} with fsync={on['fsync']} and synchronous_commit={on['synchronous_commit']}.",
        f"{results['rounds']} rounds, the order of the variants turned in each; medians with [least..most]. CPU is this"
        " process, PostgreSQL's and Redis's together, in milliseconds an operation. Others used"
        f" {_others(results):.0%} of one processor meanwhile (median).",
    ]  # fmt: skip
    if results.get("variants"):
        lines += ["", *_variants(results["variants"], results["statements"]), "", "| goal | found |", "| --- | --- |"]
        lines += [f"| {goal} | {found} |" for goal, found in _goals(results)]
    if results.get("log"):
        lines += log_table.markdown(results["log"])
    if results.get("pages"):
        lines += ["", "| page | statements | ms CPU |", "| --- | --- | --- |"]
        lines += [f"| {name} | {row['statements']} | {row['cpu']} |" for name, row in results["pages"].items()]
    if results["starts"]:
        lines += ["", "| `make run` until /healthz answers | seconds |", "| --- | --- |"]
        lines += [f"| {name} | {seconds} |" for name, seconds in results["starts"].items()]
    return "\n".join(lines) + "\n"


def _others(results: Mapping[str, Any]) -> float:
    measured = results.get("variants") or results["log"]["saves"]
    return median(row["others"]["median"] for row in measured.values())


def _variants(variants: Mapping[str, Any], statements: Mapping[str, Any]) -> list[str]:
    lines = ["| variant | statements | CPU ms | of it client + PostgreSQL + Redis | wall ms | x its floor |"]
    lines.append("| --- | --- | --- | --- | --- | --- |")
    for name, row in variants.items():
        floor = variants[TURN_FLOOR if "view" in name or "turn" in name else ROW_FLOOR]["cpu"]["median"]
        asked = statements[name]
        count = f"{asked['statements']}" + (f" + {asked['savepoints']} of savepoints" if asked["savepoints"] else "")
        parts = " + ".join(f"{row[part]['median']:.2f}" for part in ("client", "postgresql", "redis"))
        lines.append(
            f"| {name} | {count} | {_shown(row['cpu'])} | {parts} | {_shown(row['wall'])} |"
            f" {row['cpu']['median'] / floor:.1f} |"
        )
    return lines


def _shown(of: Mapping[str, float]) -> str:
    return f"{of['median']:.2f} [{of['least']:.2f}..{of['most']:.2f}]"


def _goals(results: Mapping[str, Any]) -> list[tuple[str, str]]:
    cpu = {name: row["cpu"]["median"] for name, row in results["variants"].items()}
    found = []
    for name, own in cpu.items():
        if name.startswith("IVR turn"):
            found.append((f"{name}: at most 2.5 x the bare view", _ratios(own, cpu, "bare view")))
        if name.startswith("granted"):
            found.append((f"{name}: no dearer than django-auditlog's save", _ratios(own, cpu, "django-auditlog")))
    return found


def _ratios(own: float, cpu: Mapping[str, float], beside: str) -> str:
    return ", ".join(f"{own / other:.1f} x {name}" for name, other in cpu.items() if name.startswith(beside))
