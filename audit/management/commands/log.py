"""`manage.py log`: what an operator does with the log: look, show its keys, and go on when it has stopped."""

import json
import os
import subprocess
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audit import epochs, log_keys
from audit.models import SignedCheckpoint, Sink, Tree


class Command(BaseCommand):
    """Show where the log stands, and do what nothing but a person may decide."""

    help = "Show the log's state and keys; resume, open a new log, begin an epoch, or begin a sink anew."

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_subparsers(dest="what", required=True)
        what.add_parser("status", help="Print where the tree, the checkpoints and each sink stand, as JSON.")
        what.add_parser("vkey", help="Print the public keys for verifiers, the newest first.")
        what.add_parser("resume", help="Look again after a stop; it stops again when its reason still stands.")
        opening = what.add_parser("open", help="Open a new log whose first leaf holds the old one's last note.")
        opening.add_argument("--origin", required=True, help="Its name; one that no log has had.")
        opening.add_argument("--because", required=True, help="Why, for those who will read the log.")
        what.add_parser("epoch", help="Go on after a restore into another PostgreSQL cluster.")
        anew = what.add_parser("anew", help="Let a sink that has lost its files be given them from the beginning.")
        anew.add_argument("sink", help="As in LOG_SINKS.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['what']}")(options)
        except epochs.NotPossible as reason:
            raise CommandError(str(reason)) from None

    def _status(self, _: dict[str, Any]) -> None:
        tree = Tree.current()
        if tree is None:
            raise CommandError("The log isn't open yet; its worker opens it.")
        signed = SignedCheckpoint.objects.order_by("-size").first()
        told = {
            "origin": tree.origin, "size": tree.size, "root": bytes(tree.root).hex(),
            "signed": signed.size if signed else 0, "stopped": tree.stopped_because,
            "sinks": {s.name: {"size": s.size, "failure": s.failure, "attempts": s.attempts} for s in _sinks(tree)},
        }  # fmt: skip
        self.stdout.write(json.dumps(told, indent=2))

    def _vkey(self, _: dict[str, Any]) -> None:
        tree = Tree.current()
        origin = tree.origin if tree else settings.LOG_ORIGIN
        used = log_keys.vkeys(tree) if tree else []
        found = used or [signer.vkey for signer in log_keys.signers(origin)]
        if not found:
            raise CommandError("There is no LOG_KEY here, and nothing has been signed yet.")
        self.stdout.write("\n".join(found))

    def _resume(self, _: dict[str, Any]) -> None:
        epochs.resume()

    def _open(self, options: dict[str, Any]) -> None:
        tree = epochs.open_log(options["origin"], options["because"], at=timezone.now())
        self.stdout.write(f"log: {tree.origin} is open; give its name and keys to every auditor")

    def _epoch(self, _: dict[str, Any]) -> None:
        owner = settings.DATABASE_OWNER_URL
        if owner and os.environ.get("DATABASE_URL") != owner:
            again = [sys.executable, sys.argv[0], "log", "epoch", "--skip-checks"]
            if subprocess.run(again, env={**os.environ, "DATABASE_URL": owner}, check=False).returncode:
                raise CommandError("The epoch could not be begun; see above.")
            return
        self.stdout.write(f"log: a new epoch; {epochs.begin_epoch(at=timezone.now())} entries got their leaves")

    def _anew(self, options: dict[str, Any]) -> None:
        if not Sink.objects.filter(name=options["sink"]).delete()[0]:
            raise CommandError(f"{options['sink']} has been given nothing yet.")


def _sinks(tree: Tree) -> list[Sink]:
    return list(Sink.objects.filter(log=tree.log).order_by("name"))
