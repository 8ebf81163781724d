"""`manage.py audit`: verify the log, prove an entry, export a period, and verify what was exported."""

import sys
from argparse import ArgumentParser
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from audit import exporting, log_keys, offline, proofs, sinks, verifying
from audit.models import Tree
from audit.notes import NoCheckpoint, parse_vkey
from audit.tiles import Damaged

ACTOR = "system:audit_export"


class Command(BaseCommand):
    """Let auditors and operators check the log; see docs/verify.md."""

    help = "Verify the log, prove an entry, export a period, or verify what was exported."

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_subparsers(dest="what", required=True)
        verify = what.add_parser("verify", help="Verify the whole log. Ends with 1 when anything in it is wrong.")
        verify.add_argument("--vkey", action="append", type=_vkey, default=[], help="The public key that you trust.")
        verify.add_argument(
            "--checkpoint", action="append", type=Path, default=[], help="A file with a checkpoint you have kept."
        )
        verify.add_argument("--log", type=int, help="Number of an earlier log; without it the one that grows.")
        prove = what.add_parser("prove", help="Print the proof of one entry (C2SP tlog-proof).")
        prove.add_argument("entry", type=UUID, help="The receipt of the entry.")
        export = what.add_parser("export", help="Write a period into a new ZIP file, with checkpoint and proof.")
        export.add_argument(
            "--since", required=True, type=_moment, help="Day, or moment: 2026-11-22 or 2026-11-22T14:05."
        )
        export.add_argument("--until", type=_moment, help="Day or moment before which it ends; without it now.")
        export.add_argument(
            "--format", choices=("jsonl", "csv"), help="csv: a table beside the JSON lines. Default: csv."
        )
        export.add_argument("--organisation", help="Show only this one's entries; of others only their hash.")
        export.add_argument("--purpose", default="An auditor was given a copy of the log", help="Why, for the log.")
        export.add_argument("path", type=Path, help="The ZIP file to write; it must not be there.")
        check = what.add_parser("verify-export", help="Verify an export or a proof; needs no database and no settings.")
        check.add_argument("path", type=Path)
        check.add_argument("--vkey", action="append", default=[])

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, "_" + options["what"].replace("-", "_"))(options)
        except (Damaged, OSError, proofs.NoSuchEntry, proofs.NotYet, exporting.NothingToExport) as reason:
            raise CommandError(str(reason)) from None

    def _verify(self, options: dict[str, Any]) -> None:
        tree = _tree(options["log"])
        if tree is None:
            self.stdout.write("There is no log yet: its worker opens it.")
            return
        vkeys = options["vkey"] or log_keys.vkeys(tree)
        held = [path.read_text(encoding="utf-8") for path in options["checkpoint"]]
        done = verifying.verify(tree, vkeys, held=[*held, *self._held_by_sinks(tree)], progress=self._progress)
        self.stdout.write(
            f"{done.size} entries of {done.origin}, {done.checkpoints} checkpoints, {done.signatures} signatures; "
            f"signed up to {done.signed}"
        )
        if not options["vkey"]:
            self.stdout.write("The keys are those of the database; give --vkey with the one that you trust:")
            self.stdout.write("\n".join(vkeys))
        for finding in done.findings:
            self.stdout.write(finding.sentence)
        if done.findings:
            raise CommandError(f"NOT GOOD. First: {done.findings[0].sentence}")
        self.stdout.write("GOOD: every entry is what was logged, in its place, and none is missing.")

    def _held_by_sinks(self, tree: Tree) -> list[str]:
        """Read the notes of this log that sinks hold: a database that was set back doesn't know of them."""
        notes = []
        for taker in sinks.all_of_them():
            try:
                note = sinks.last_given(taker)
                if note and sinks.checkpoint_of(note).origin == tree.origin:
                    notes.append(note)
            except (OSError, NoCheckpoint) as reason:
                self.stderr.write(f"{taker.name} can't be compared: {reason}")
        return notes

    def _prove(self, options: dict[str, Any]) -> None:
        self.stdout.write(proofs.prove(options["entry"]), ending="")

    def _export(self, options: dict[str, Any]) -> None:
        at = timezone.now()
        until = options["until"] or at
        asked = exporting.stretch(since=options["since"], until=until, organisation=options["organisation"])
        exporting.export(
            options["path"], asked, actor=ACTOR, purpose=options["purpose"], at=at,
            with_csv=options["format"] != "jsonl", progress=self._progress,
        )  # fmt: skip
        self.stdout.write(
            f"{options['path']}: entries {asked.first} to {asked.end - 1}, under a checkpoint of {asked.size}"
        )

    def _verify_export(self, options: dict[str, Any]) -> None:
        vkeys = [word for key in options["vkey"] for word in ("--vkey", key)]
        sys.exit(offline.main([str(options["path"]), *vkeys]))

    def _progress(self, done: int, of: int) -> None:
        self.stderr.write(f"{done} of {of} entries", ending="\r" if done < of else "\n")


def _tree(number: int | None) -> Tree | None:
    if number is None:
        return Tree.current()
    found = Tree.objects.filter(log=number).first()
    if found is None:
        raise CommandError(f"There is no log {number}.")
    return found


def _vkey(text: str) -> str:
    parse_vkey(text)
    return text


def _moment(text: str) -> datetime:
    """Read a day or a moment; one without a zone is the office's."""
    moment = parse_datetime(text) if "T" in text or " " in text else None
    day = None if moment else parse_date(text)
    if moment is None and day is None:
        raise ValueError(text)
    moment = moment or datetime.combine(day or date.min, time())
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)
