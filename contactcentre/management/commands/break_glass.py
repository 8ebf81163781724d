"""`manage.py break_glass`: let one of the staff in again when no second administrator can approve it. It alarms."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.urls import reverse
from django.utils import timezone

from contactcentre import console, demo_lock, readiness
from verification import staff_changes


class Command(BaseCommand):
    """Print a single-use set-up link for an account, write an alarm into the log, and tell every administrator."""

    help = "Let one account log in anew, without a second administrator. Alarms; grants no action."
    requires_system_checks: list[str] = []  # readiness is checked below, in one line

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", help="Whom to let in.")
        parser.add_argument("--because", required=True, help="Why no second administrator can do it.")

    def handle(self, *args: Any, **options: Any) -> None:
        because = options["because"].strip()
        if len(because) < 10:
            raise CommandError("--because takes the reason in words: the auditors read it.")
        try:
            demo_lock.check()
            readiness.check()
            word, told = staff_changes.break_glass(
                options["username"], because=because, ran_by=console.operator(), at=timezone.now()
            )
        except staff_changes.NoSuchAccount:
            raise CommandError("There is no open account of this name.") from None
        except (demo_lock.WrongWorld, readiness.NotReady) as reason:
            raise CommandError(str(reason)) from None
        except DatabaseError as error:
            raise CommandError(f"The database can't be used: {str(error).strip().splitlines()[0]}") from None
        self.stdout.write(f"An alarm stands in the log; administrators told by e-mail: {told}.")
        self.stdout.write("The account approves nothing for seven days. Open within 24 hours; the link is good once:")
        self.stdout.write(f"{settings.PUBLIC_URL}{reverse('admin:set_up_link', args=[word])}")
