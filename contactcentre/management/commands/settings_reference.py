"""`manage.py settings_reference`: write .env.example and docs/settings.md from the calls that read the settings."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from contactcentre.environment import Setting

INTRODUCTION = """# Settings

Made by `python manage.py settings_reference` from the calls in `contactcentre/settings.py`; edit those.

Every setting comes from the environment, and each NAME may be given as NAME_FILE, the path of a file that holds the
value. An empty value counts as not given. A value that can't be meant, and a name that looks like one of these
misspelt, stops the start with one line.

| name | value | default | what it does |
| --- | --- | --- | --- |
"""


def table(known: list[Setting]) -> str:
    """Return the page for operators."""
    rows = [f"| `{s.name}` | {s.kind.replace('|', 'or')} | {_code(s.default)} | {s.help} |" for s in known]
    return INTRODUCTION + "\n".join(rows) + "\n"


def _code(default: str) -> str:
    return f"`{default}`" if default and not default.startswith("required") else default


def example(known: list[Setting]) -> str:
    """Return a file to copy to .env, where nothing is set yet."""
    parts = [
        f"# {s.help}\n# {s.kind}\n#{s.name}={'' if s.default.startswith('required') else s.default}\n" for s in known
    ]
    return "# Made by `python manage.py settings_reference`.\n\n" + "\n".join(parts)


class Command(BaseCommand):
    """Write the reference, or with --check fail when it isn't what the code says."""

    help = "Write .env.example and docs/settings.md from the settings file."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="Write nothing; fail when a file is out of date.")

    def handle(self, *args: Any, **options: Any) -> None:
        from contactcentre.settings import env

        known = list(env.reference.values())
        wanted = {".env.example": example(known), "docs/settings.md": table(known)}
        for name, content in wanted.items():
            path = settings.BASE_DIR / name
            if not options["check"]:
                path.write_text(content, encoding="utf-8")
            elif not path.exists() or path.read_text(encoding="utf-8") != content:
                raise CommandError(f"{name} is out of date; run `python manage.py settings_reference`.")
