"""A database whose owner, application and sequencer are three real roles of the server, dropped afterwards.

def test_x(roles):               # PostgreSQL only: the connection is the application's
    with roles.as_("sequencer"):
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import StringIO
from typing import Any

import psycopg
from django.core.management import call_command
from django.db import connection, connections
from psycopg import sql

_numbers = itertools.count(1)
# What a database of our own looks like: everything in it belongs to the role that migrated it.
HAND_OVER = """
DO $hand_over$ DECLARE found record; BEGIN
  FOR found IN SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') LOOP
    EXECUTE format('ALTER TABLE public.%I OWNER TO {owner}', found.relname);
  END LOOP;
  FOR found IN SELECT oid::regprocedure AS name FROM pg_proc WHERE pronamespace = 'public'::regnamespace LOOP
    EXECUTE format('ALTER ROUTINE %s OWNER TO {owner}', found.name);
  END LOOP;
END $hand_over$"""


@dataclass(frozen=True)
class Roles:
    """The three names, all of one database."""

    database: str
    owner: str
    application: str
    sequencer: str

    def url(self, role: str) -> str:
        """Return the address of the database as one of them, or as somebody else who is named."""
        given = connections["default"].settings_dict
        return f"postgresql://{getattr(self, role, role)}@{given['HOST']}:{given['PORT']}/{self.database}"

    @contextlib.contextmanager
    def as_(self, role: str) -> Iterator[None]:
        """Let every new connection of this process, in whatever thread, be one of them."""
        given = connections["default"]
        before = given.settings_dict["USER"]
        given.close()
        given.settings_dict["USER"] = connections.databases["default"]["USER"] = getattr(self, role, role)
        try:
            yield
        finally:
            given.close()
            given.settings_dict["USER"] = connections.databases["default"]["USER"] = before

    def superuser(self, *statements: str) -> None:
        """Run statements as the server's superuser, in this database."""
        self._say(self.url("postgres"), statements)

    def superuser_of_the_server(self, *statements: str) -> None:
        """Run statements as the superuser, in no database of ours."""
        self._say(self.url("postgres").rpartition("/")[0] + "/postgres", statements)

    def _say(self, url: str, statements: Iterable[str]) -> None:
        with psycopg.connect(url, autocommit=True) as server:
            for statement in statements:
                server.execute(sql.SQL(statement))  # type: ignore[arg-type]  # names of our own making

    def set_up(self, settings: Any) -> str:
        """Run the command as an operator does and return what it said."""
        settings.DATABASE_OWNER_URL, settings.DATABASE_URL = self.url("owner"), self.url("application")
        settings.SEQUENCER_DATABASE_URL = self.url("sequencer")
        said = StringIO()
        call_command("database_roles", stdout=said)
        return said.getvalue()


@contextlib.contextmanager
def handed_over() -> Iterator[Roles]:
    """Make the current database, a clone, the property of a new owner; drop whatever roles there are at the end."""
    suffix = f"{os.getpid()}_{next(_numbers)}"
    name = str(connection.settings_dict["NAME"])
    roles = Roles(name, f"owner_{suffix}", f"app_{suffix}", f"seq_{suffix}")
    connection.close()
    roles.superuser(
        f"CREATE ROLE {roles.owner} LOGIN",
        f"ALTER DATABASE {name} OWNER TO {roles.owner}",
        HAND_OVER.format(owner=roles.owner),
    )
    try:
        yield roles
    finally:
        connection.close()
        _drop(roles)


def _drop(roles: Roles) -> None:
    for role in (roles.owner, roles.application, roles.sequencer):
        with contextlib.suppress(psycopg.errors.UndefinedObject):
            roles.superuser(f"REASSIGN OWNED BY {role} TO postgres", f"DROP OWNED BY {role}", f"DROP ROLE {role}")
