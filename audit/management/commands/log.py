"""`manage.py log`: what an operator does with the log: look, show its keys, and go on when it has stopped."""

import json
import os
import subprocess
import sys
from argparse import ArgumentParser
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils import timezone
from joserfc.jwk import OKPKey

from audit import epochs, log_keys
from audit.models import SignedCheckpoint, Sink, Tree

# Whose rights in the database it takes, by the setting that holds his address.
ROLES = {
    "resume": "SEQUENCER_DATABASE_URL",
    "open": "SEQUENCER_DATABASE_URL",
    "anew": "SEQUENCER_DATABASE_URL",
    "epoch": "DATABASE_OWNER_URL",
}


class Command(BaseCommand):
    """Show where the log stands, and do what nothing but a person may decide."""

    help = "Show the log's state and keys; resume, open a new log, begin an epoch, or begin a sink anew."

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_subparsers(dest="what", required=True)
        what.add_parser("status", help="Print where the tree, the checkpoints and each sink stand, as JSON.")
        what.add_parser("vkey", help="Print the public keys for verifiers, the newest first.")
        what.add_parser("key", help="Print a new private key for LOG_KEY. It is shown to nobody else and kept nowhere.")
        what.add_parser("resume", help="Look again after a stop; it stops again when its reason still stands.")
        opening = what.add_parser("open", help="Open a new log whose first leaf holds the old one's last note.")
        opening.add_argument("--origin", required=True, help="Its name; one that no log has had.")
        opening.add_argument("--because", required=True, help="Why, for those who will read the log.")
        what.add_parser("epoch", help="Go on after a restore into another PostgreSQL cluster.")
        anew = what.add_parser("anew", help="Let a sink that has lost its files be given them from the beginning.")
        anew.add_argument("sink", help="As in LOG_SINKS.")

    def handle(self, *args: Any, **options: Any) -> None:
        role = ROLES.get(options["what"])
        url = getattr(settings, role) if role else ""
        if url and connection.settings_dict["USER"] != unquote(urlsplit(url).username or ""):
            return self._again_as(url)
        try:
            getattr(self, f"_{options['what']}")(options)
        except epochs.NotPossible as reason:
            raise CommandError(str(reason)) from None

    def _again_as(self, url: str) -> None:
        """Do it in a process that is another role in the database."""
        others = {name: value for name, value in os.environ.items() if name != "DATABASE_URL_FILE"}
        again = [sys.executable, *sys.argv, "--skip-checks"]
        if subprocess.run(again, env={**others, "DATABASE_URL": url}, check=False).returncode:
            raise CommandError("It could not be done; see above.")

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

    def _key(self, _: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(OKPKey.generate_key("Ed25519").as_dict(private=True)))

    def _resume(self, _: dict[str, Any]) -> None:
        epochs.resume()

    def _open(self, options: dict[str, Any]) -> None:
        tree = epochs.open_log(options["origin"], options["because"], at=timezone.now())
        self.stdout.write(f"log: {tree.origin} is open; give its name and keys to every auditor")

    def _epoch(self, _: dict[str, Any]) -> None:
        self.stdout.write(f"log: a new epoch; {epochs.begin_epoch(at=timezone.now())} entries got their leaves")

    def _anew(self, options: dict[str, Any]) -> None:
        if not Sink.objects.filter(name=options["sink"]).delete()[0]:
            raise CommandError(f"{options['sink']} has been given nothing yet.")


def _sinks(tree: Tree) -> list[Sink]:
    return list(Sink.objects.filter(log=tree.log).order_by("name"))
