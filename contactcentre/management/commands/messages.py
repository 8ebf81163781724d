"""`manage.py messages`: compile the translations, or check that none is missing or stale."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from contactcentre import translations


class Command(BaseCommand):
    """Compile every .po file of our apps; with --check write nothing and fail on what is missing."""

    help = "Compile translations (.po to .mo); --check finds texts without fi or sv and stale .mo files."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("app", nargs="?", default="", help="Only this app.")
        parser.add_argument("--check", action="store_true", help="Write nothing; fail when something is missing.")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["check"]:
            for language in translations.languages():
                for path in translations.sources(language):
                    if options["app"] in path.parts or not options["app"]:
                        self.stdout.write(str(translations.compile_file(path).relative_to(settings.BASE_DIR)))
        elif faults := [fault for fault in translations.faults() if fault.startswith(options["app"])]:
            raise CommandError("\n".join([*faults, f"{len(faults)} texts or files are not in order."]))
