"""`manage.py first_administrator`: open the account that opens all the others, where nobody can log in."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.urls import reverse
from django.utils import timezone

from contactcentre import console, data_dir, demo_lock, readiness
from verification import accounts


class Command(BaseCommand):
    """Make one of an organisation's first two administrators and print his single-use link; refuse a third."""

    help = "Open one of an organisation's first two administrators' accounts and print its single-use set-up link."
    requires_system_checks: list[str] = []  # readiness is checked below, in one line

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--organisation", required=True, help="Its name; made where there is none yet.")
        parser.add_argument("--username", required=True, help="What the administrator will log in as.")

    def handle(self, *args: Any, **options: Any) -> None:
        name, username = options["organisation"].strip(), options["username"].strip()
        if not 0 < len(name) <= 120:
            raise CommandError("--organisation takes a name of 1 to 120 characters.")
        try:
            demo_lock.check()
            readiness.check()
            word = accounts.open_first_administrator(
                organisation=name, username=username, ran_by=console.operator(), at=timezone.now()
            )
        except accounts.HasAdministrator:
            raise CommandError(
                f"{name} has its administrators already, or this one has set his account up; ask them."
            ) from None
        except accounts.OtherOrganisation:
            raise CommandError(
                f"--organisation: none here is named {name!r}; give the name of the one that is."
            ) from None
        except ValidationError as wrong:
            raise CommandError(f"--username: {' '.join(wrong.messages)}") from None
        except (demo_lock.WrongWorld, readiness.NotReady) as reason:
            raise CommandError(str(reason)) from None
        except DatabaseError as error:
            raise CommandError(f"The database can't be used: {str(error).strip().splitlines()[0]}") from None
        self.stdout.write(f"Open within 24 hours; it is good once:\n{_site()}{_path(word)}")


def _site() -> str:
    """Return where it is served; a demo may be on another port than this shell was told of."""
    return (settings.DEMO and data_dir.served_address()) or settings.PUBLIC_URL


def _path(word: str) -> str:
    return reverse("admin:set_up_link", args=[word])
