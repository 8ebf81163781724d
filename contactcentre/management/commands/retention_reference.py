"""`manage.py retention_reference`: write docs/retention.md from what each room says of its tables."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from audit import retention

NAME = "docs/retention.md"
INTRODUCTION = """# How long things are kept

Made by `python manage.py retention_reference` from `audit/retention.toml` and each room's `retention.py`; edit those.
It serves as the list of categories and time limits in a record of processing (GDPR art. 30).

An hourly task lets go of what has had its time, and tells in the log how many rows of which table went. Rows that can
never change (decisions, evidence, the log) hold pseudonyms. What is personal about them is sealed under a key of the
person's own, and goes with that key: when nothing was told of a subject for as long as the log is kept, or when two
people approve that a former customer is forgotten (Imports and erasures > Forget former customers). That is done only
once his account has been closed for as long as the class `evidence` says, and nothing of his is under way. The rows,
their hashes and every proof over them stay as they were.

Copies of the database hold the keys too: an erasure is whole only when the last backup from before it is gone.

## Classes

| class | days | because |
| --- | --- | --- |
"""
TABLES = """
## Tables

| table | class | what happens |
| --- | --- | --- |
"""


def page() -> str:
    """Return the page."""
    classes = [f"| {name} | {kept.lasts.days} | {kept.because} |" for name, kept in retention.classes().items()]
    tables = [f"| {model} | {kept} | {what} |" for model, kept, what in retention.told()]
    return INTRODUCTION + "\n".join(classes) + "\n" + TABLES + "\n".join(tables) + "\n"


class Command(BaseCommand):
    """Write the page, or with --check fail when it isn't what the code says."""

    help = "Write docs/retention.md from what each room says of its tables."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="Write nothing; fail when the page is out of date.")

    def handle(self, *args: Any, **options: Any) -> None:
        path = settings.BASE_DIR / NAME
        if not options["check"]:
            path.write_text(page(), encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != page():
            raise CommandError(f"{NAME} is out of date; run `python manage.py retention_reference`.")
