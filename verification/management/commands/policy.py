"""`manage.py policy show | check | replay`: read the policy, see if another makes sense, try it on the past."""

from __future__ import annotations

import json
import tomllib
from argparse import ArgumentParser
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.timezone import is_naive, make_aware

from verification import policy, replay
from verification.declarations import all_declared

COLUMNS = {
    "attempts": "attempts",
    "grants_refused": "granted, would be refused",
    "refusals_granted": "refused, would be granted",
    "extra_visits": "extra visits",
    "visits_spared": "visits spared",
    "not_judged": "not judged",
}
NOTE = (
    "A refusal counts as granted when level, age, contact and caps would let it pass. What the gate asks after the "
    "level\n(holds, authority, a second person) was not asked then, so it may still be refused."
)


class Command(BaseCommand):
    """Show the policy in force, check another, or replay recorded attempts under it."""

    help = "Show the policy in force, check another, or replay recorded attempts under it. Writes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("show", help="The policy in force with its reasons, as a table.")
        checked = verbs.add_parser("check", help="Say what makes no sense in a policy, in one line.")
        replayed = verbs.add_parser("replay", help="Judge recorded attempts again under a policy.")
        for needs_file in (checked, replayed):
            needs_file.add_argument("--policy", required=True, metavar="FILE", help="The policy to try, a TOML file.")
        replayed.add_argument("--since", required=True, metavar="DATE", help="The first day or moment, ISO 8601.")
        replayed.add_argument("--json", action="store_true", help="Print JSON instead of a table.")

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        match verb:
            case "show":
                self.stdout.write(shown(policy.FILE.read_text(encoding="utf-8")))
            case "check":
                found = read(options["policy"])
                self.stdout.write(f"{options['policy']} makes sense; its version is {found.version}.")
            case _:
                self._replay(read(options["policy"]), moment(options["since"]), as_json=options["json"])

    def _replay(self, candidate: policy.Policy, since: datetime, *, as_json: bool) -> None:
        rows = replay.replay(candidate, since=since)
        silent = replay.not_replayed(candidate, policy.current())
        if as_json:
            self.stdout.write(json.dumps(_data(candidate, since, rows, silent), indent=1))
            return
        self.stdout.write(table(rows))
        self.stdout.write(f"\n{NOTE}")
        if sum(row.not_judged for row in rows.values()):
            self.stdout.write("Not judged: recorded before the log kept what the judgement needs.")
        if silent:
            self.stdout.write(f"Also differs from the policy in force, and can't be replayed: {', '.join(silent)}.")


def read(file: str) -> policy.Policy:
    """Return the policy in a file. Raises CommandError with one line when it can't be read or makes no sense."""
    try:
        found = policy.read(Path(file).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} can't be read ({type(error).__name__}).") from None
    except policy.Nonsense as error:
        raise CommandError(f"{file}: {' '.join(str(error).split())}") from None
    if unknown := sorted({cap.action for cap in found.caps} - {action.name for action in all_declared()}):
        raise CommandError(f"{file} caps actions that are not declared: {', '.join(unknown)}.")
    return found


def moment(text: str) -> datetime:
    """Return the moment meant; a day begins, and a time without a zone is read, as the office's clock has it."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"--since is a day or a moment in ISO 8601, like 2026-10-01; it is {text!r}.") from None
    return make_aware(at) if is_naive(at) else at


def table(rows: dict[str, replay.Row]) -> str:
    """Return the replay as an aligned table with its sums."""
    heads = ["action", *COLUMNS.values()]
    lines = [[action, *(str(getattr(row, name)) for name in COLUMNS)] for action, row in rows.items()]
    sums = ["total", *(str(sum(getattr(row, name) for row in rows.values())) for name in COLUMNS)]
    return _aligned([heads, *lines, sums])


def shown(text: str) -> str:
    """Return a policy's entries with their values and reasons, one a line."""
    raw = tomllib.loads(text)
    lines = [["entry", "says", "because"]]
    for section, content in raw.items():
        for name, entry in _entries(section, content):
            said = ", ".join(f"{key} {_plain(value)}" for key, value in entry.items() if key != "because")
            said = said.removeprefix(name.partition(" ")[2] + " ")
            lines.append([name, said, entry["because"]])
    return f"version {raw['version']}\n" + _aligned(lines)


def _entries(section: str, content: Any) -> list[tuple[str, dict[str, Any]]]:
    if isinstance(content, list):
        return [(section, entry) for entry in content]
    if not isinstance(content, dict):
        return []
    if "because" in content:  # a line for each number; the reason is theirs together
        numbers = {name: value for name, value in content.items() if name != "because"}
        first = next(iter(numbers), "")
        return [
            (f"{section} {name}", {name: value, "because": content["because"] if name == first else "(the same)"})
            for name, value in numbers.items()
        ]
    return [(f"{section} {name}", entry) for name, entry in content.items()]


def _plain(value: Any) -> str:
    return " + ".join(map(str, value)) if isinstance(value, list) else str(value)


def _aligned(lines: list[list[str]]) -> str:
    """Align columns: words to the left, numbers to the right."""
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    numbers = [all(line[place].isdigit() for line in lines[1:]) for place in range(len(widths))]
    rows = (
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(line, widths, numbers, strict=True)
        )
        for line in lines
    )
    return "\n".join(row.rstrip() for row in rows)


def _data(candidate: policy.Policy, since: datetime, rows: dict[str, replay.Row], silent: list[str]) -> dict[str, Any]:
    return {
        "policy": candidate.version,
        "in_force": policy.current().version,
        "since": since.isoformat(),
        "actions": {action: asdict(row) for action, row in rows.items()},
        "flips": sum(row.flips for row in rows.values()),
        "not_replayed": silent,
    }
