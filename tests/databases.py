"""Databases for tests that really commit: copies of one migrated template, made in a tenth of a second."""

import contextlib
import itertools
import os
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
from django.db import connections
from psycopg import sql

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Clone:
    """One database: what Django calls it, and its address for other processes."""

    name: str
    url: str


@dataclass(frozen=True)
class Template:
    """The migrated, empty database that clones are copied from; nothing is connected to it."""

    name: str
    folder: Path

    @classmethod
    def of_the_connection(cls, folder: Path) -> "Template":
        """Copy the database that pytest-django has just migrated."""
        source = connections["default"].settings_dict["NAME"]
        connections["default"].close()
        if _is_sqlite():
            copied = folder / "template.sqlite3"
            with contextlib.closing(sqlite3.connect(source)) as original:
                original.execute("VACUUM INTO ?", [str(copied)])
            return cls(str(copied), folder)
        template = cls(f"template_{os.getpid()}", folder)
        _server("CREATE DATABASE {} TEMPLATE {}", template.name, source)
        return template

    def clone(self) -> Clone:
        """Make a new database like the template."""
        number = next(_numbers)
        if _is_sqlite():
            path = self.folder / f"clone{number}.sqlite3"
            shutil.copyfile(self.name, path)
            return Clone(str(path), f"sqlite:///{path}")
        name = f"clone_{os.getpid()}_{number}"
        _server("CREATE DATABASE {} TEMPLATE {}", name, self.name)
        return Clone(name, os.environ["DATABASE_URL"].rsplit("/", 1)[0] + f"/{name}")

    def drop(self) -> None:
        """Remove the template."""
        _drop(self.name)


@contextlib.contextmanager
def pointed_at(clone: Clone) -> Iterator[None]:
    """Point every new connection of this process, in whatever thread, at the clone; drop it at the end."""
    connection = connections["default"]
    before = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = connections.databases["default"]["NAME"] = clone.name
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = connections.databases["default"]["NAME"] = before
        _drop(clone.name)


def _is_sqlite() -> bool:
    return bool(connections["default"].vendor == "sqlite")


def _drop(name: str) -> None:
    if _is_sqlite():
        for ending in ("", "-wal", "-shm"):
            Path(name + ending).unlink(missing_ok=True)
    else:
        _server("DROP DATABASE {} WITH (FORCE)", name)


def _server(statement: str, *names: str) -> None:
    """Run a statement about whole databases, which no transaction may hold."""
    given = connections["default"].settings_dict
    with psycopg.connect(
        host=given["HOST"],
        port=given["PORT"],
        user=given["USER"],
        password=given["PASSWORD"],
        dbname="postgres",
        autocommit=True,
    ) as server:
        server.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
