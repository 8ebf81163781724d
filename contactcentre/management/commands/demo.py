"""`manage.py demo`: who is who in the demo world, and the codes that its people would read from their devices."""

import json
import logging
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone

from contactcentre import demo_lock
from contactcentre.demo import codes, description
from contactcentre.demo.telephone import NoAnswer, Telephone


class Command(BaseCommand):
    """Tell about the demo world; outside the demo, say one line and fail."""

    help = "Show the demo's people (--json for programs), one's code (demo code NAME), or place a call (demo call)."
    requires_system_checks: list[str] = []  # `up` has run them; a tester asks for codes often

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "what",
            nargs="?",
            choices=["code", "call"],
            help="code: print the current code of NAME; call: place a call and play it here.",
        )
        parser.add_argument("name", nargs="?", help="A staff user or a customer number.")
        parser.add_argument("--json", action="store_true", help="Everything a tester needs, for programs.")

    def handle(self, *args: Any, **options: Any) -> None:
        _only_in_the_demo()
        if options["what"] == "code":
            self._code(options["name"])
        elif options["what"] == "call":
            self._call()
        elif options["json"]:
            self.stdout.write(json.dumps(description.describe(), indent=1, ensure_ascii=False))
        else:
            self._table(description.describe())

    def _code(self, name: str | None) -> None:
        if not name:
            raise CommandError("Whose code? `demo code NAME` takes a staff user or a customer number.")
        try:
            self.stdout.write(codes.current(name, timezone.now()))
        except codes.Unknown as unknown:
            raise CommandError(str(unknown)) from None

    def _call(self) -> None:
        logging.getLogger("httpx").setLevel(logging.WARNING)  # a line for each request would drown what is said
        try:
            Telephone(say=self.stdout.write, ask=_keys).call()
        except NoAnswer as silence:
            raise CommandError(str(silence)) from None

    def _table(self, world: dict[str, Any]) -> None:
        say = self.stdout.write
        say(f"Staff log in at {world['base_url']}/admin/ with a password and a code (`manage.py demo code NAME`):\n")
        for member in world["staff"]:
            say(f"  {member['username']:<17} {member['role']:<14} {member['password']}")
        say("\nCustomers:\n")
        for customer in world["customers"]:
            held = ", ".join(word for word, has in _holds(customer) if has) or "no codes"
            say(f"  {customer['number']}  {customer['name']:<21} {customer['language']}  {held:<15} {customer['note']}")
        say(f"\nThe telephone's webhook is {world['ivr']['voice_url']}; what it needs to be called: demo --json.")
        say("Place a call yourself: manage.py demo call")


def _keys(prompt: str) -> str | None:
    """Read keys from the terminal; "q", Ctrl-C and the end of input hang up."""
    try:
        typed = input(f"{prompt}> ").strip()
    except (EOFError, KeyboardInterrupt):
        return None
    return None if typed == "q" else typed


def _holds(customer: dict[str, Any]) -> list[tuple[str, bool]]:
    return [("app", bool(customer["otp_secret"])), ("list", bool(customer["code_list"]))]


def _only_in_the_demo() -> None:
    if not settings.DEMO:
        raise CommandError("This is no demo (DEMO=0): nobody's codes can be had here.")
    try:
        demo_lock.check()
        built = demo_lock.reached(demo_lock.BUILT)
    except demo_lock.WrongWorld as wrong:
        raise CommandError(str(wrong)) from None
    except DatabaseError:
        built = False
    if not built:
        raise CommandError("The demo world has not been built yet: run `make run` (or `manage.py up`) first.")
