"""What was measured of the log, as tables of markdown, with the goals shown met or missed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.log_saves import NONE, OURS

Rows = list[tuple[str, str]]
GOALS = {"django-simple-history": 1.3, "django-auditlog": 1.8}
TIMES, LOST, SECONDS, MS = 10, 0.05, 6.0, 20.0


def markdown(log: Mapping[str, Any]) -> list[str]:
    """Return the lines of the report that are about the log."""
    lines = [
        "", f"One save of a row of seven columns by {log['writers']} writers at once, each a process with its own"
        " connection and rows; ratios are of the slices of the same round.", "",
        "| saved | a second | x nobody's | CPU ms a save | ms until committed: median, 99 % | ours is faster by |"
        " ours takes less CPU by |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]  # fmt: skip
    nobody = log["saves"][NONE]["rate"]["median"]
    for name, row in log["saves"].items():
        ratio = log["ratios"].get(name)
        by = f"{times(ratio['rate'])} | {ratio['cpu']:.2f} x" if ratio else "|"
        lines.append(
            f"| {name} | {whole(row['rate'])} | {row['rate']['median'] / nobody:.2f} | {row['cpu']['median']:.2f} |"
            f" {row['p50']['median']:.1f}, {row['p99']['median']:.1f} | {by} |"
        )
    lines += ["", "| goal of the log | found |", "| --- | --- |"]
    lines += [f"| {goal} | {found} |" for goal, found in _goals(log)]
    lines += ["", f"| auditor's page, {log['verified']['leaves']:,} entries | ms |", "| --- | --- |"]
    lines += [f"| {name} | {ms} |" for name, ms in log["pages"].items()]
    return lines


def _goals(log: Mapping[str, Any]) -> Rows:
    verified, proven = log["verified"], log["proven"]
    seconds = verified["seconds_a_million"]
    return [*_ratios(log), *_sequencer(log), (
        f"a million leaves verified from the database in at most {SECONDS:.0f} s",
        f"{_word(seconds['median'] <= SECONDS)}: {seconds['median']:.2f} s [{seconds['least']:.2f}.."
        f"{seconds['most']:.2f}], {verified['cpu']['median']:.2f} s of CPU, on {verified['leaves']:,} leaves: hashes,"
        " columns, tiles and the signed checkpoint",
    ), (
        f"one entry of ten million proven in less than {MS:.0f} ms",
        f"{_word(proven['median'] < MS)}: {proven['median']:.1f} ms in the median of {proven['proofs']},"
        f" {proven['most']:.1f} at most",
    )]  # fmt: skip


def _ratios(log: Mapping[str, Any]) -> Rows:
    found = []
    for name, goal in GOALS.items():
        ratio = log["ratios"][name]
        said = f"{_word(ratio['rate']['median'] >= goal)}: {times(ratio['rate'])}, by CPU time {ratio['cpu']:.2f} x"
        found.append((f"{OURS}: at least {goal} x the saves of {name}", said))
    return found


def _sequencer(log: Mapping[str, Any]) -> Rows:
    beside, rate = log["beside"], log["sequencer"]["rate"]
    writers = log["saves"][OURS]["rate"]["median"]
    lost = 1 - beside["left"]["median"]
    return [
        (
            f"the sequencer at least {TIMES} x as fast as the writers",
            f"{_word(rate >= TIMES * writers)}: {rate:,} leaves a second, {rate / writers:.0f} x"
            f" ({log['sequencer']['leaves']:,} leaves, one batch after another)",
        ),
        (
            f"sequencing and publishing every second costs the writers at most {LOST:.0%}",
            f"{_word(lost <= LOST)}: {lost:.1%} [{1 - beside['left']['most']:.1%}..{1 - beside['left']['least']:.1%}];"
            f" it used {beside['share']['median']:.1%} of the CPU time, PostgreSQL's for it included",
        ),
    ]


def _word(met: bool) -> str:
    return "met" if met else "**missed**"


def times(of: Mapping[str, float]) -> str:
    """Write a ratio with its spread."""
    return f"{of['median']:.2f} x [{of['least']:.2f}..{of['most']:.2f}]"


def whole(of: Mapping[str, float]) -> str:
    """Write a rate with its spread."""
    return f"{of['median']:.0f} [{of['least']:.0f}..{of['most']:.0f}]"
