"""`manage.py database_roles`: give the application's and the sequencer's role exactly their rights, as the owner."""

from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler

from audit import role_findings, roles
from contactcentre.environment import database

URLS = ("DATABASE_OWNER_URL", "DATABASE_URL", "SEQUENCER_DATABASE_URL")


class Command(BaseCommand):
    """Create what is missing where the owner may, grant, and tell what is still not as it should be."""

    help = "Set up the database's three roles as DATABASE_OWNER_URL; safe to repeat, needed after each migration."
    requires_system_checks: list[str] = []  # the application can't look at anything yet

    def handle(self, *args: Any, **options: Any) -> None:
        owner, names = self._owner(), self._names()
        try:
            for url in URLS[1:]:
                if roles.create(owner, *_login(url)):
                    self.stdout.write(f"database_roles: created {_login(url)[0]}")
            count = roles.grant(owner, names)
            left = role_findings.findings(owner, names)
        except DatabaseError as error:
            raise CommandError(f"The roles can't be set up: {str(error).strip().splitlines()[0]}") from None
        except roles.NotSetUp as reason:
            raise CommandError(str(reason)) from None
        finally:
            owner.close()
        if left:
            raise CommandError("\n".join(["The roles do not stand apart yet:", *(f"  {found}" for found in left)]))
        self.stdout.write(
            f"database_roles: {names.application} and {names.sequencer} have their rights on {count} tables"
        )

    def _owner(self) -> BaseDatabaseWrapper:
        for url in URLS:
            if not urlsplit(getattr(settings, url)).scheme.startswith("postgres"):
                raise CommandError(f"{url} must name a role of a PostgreSQL database; see docs/deploy.md.")
        handler = ConnectionHandler({"default": database(URLS[0], settings.DATABASE_OWNER_URL)})
        owner: BaseDatabaseWrapper = handler["default"]
        return owner

    def _names(self) -> roles.Names:
        three = [_login(url)[0] for url in URLS]
        if len({*three, ""}) != 4:
            raise CommandError(f"{', '.join(URLS)} must name three different roles; they name {', '.join(three)}.")
        return roles.Names(*three[1:])


def _login(url: str) -> tuple[str, str]:
    parts = urlsplit(getattr(settings, url))
    return unquote(parts.username or ""), unquote(parts.password or "")
