"""`manage.py e_id_keys`: make private keys towards the brokers of strong e-ID, or show the public half of ours."""

import json
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from verification.eid import keys
from verification.eid.brokers import Misconfigured


class Command(BaseCommand):
    """Show the public keys that a broker registers, or with --make write a new private set for E_ID_KEYS_FILE."""

    help = "Print the public JWKS of E_ID_KEYS; with --make PATH write a new private one there (mode 0600)."
    requires_system_checks: list[str] = []  # it makes what they miss

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--make", metavar="PATH", type=Path, help="A file that isn't there yet.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["make"]:
            _write(options["make"])
            return
        try:
            self.stdout.write(json.dumps(keys.public_jwks(), indent=1))
        except Misconfigured as reason:
            raise CommandError(str(reason)) from None


def _write(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise CommandError(f"{path} can't be written: {error.strerror}.") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(keys.make() + "\n")
