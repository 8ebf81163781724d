"""A PostgreSQL of our own that keeps its promises (fsync and synchronous_commit on), a Redis, and their CPU time."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import psycopg

from tests import services

# What production would have: nothing that loses a commit. Only the size is a small machine's.
POSTGRESQL = ("shared_buffers=128MB", "max_connections=50", "fsync=on", "synchronous_commit=on")


@contextlib.contextmanager
def started() -> Iterator[None]:
    """Start both servers and set the environment for benchmarks.settings."""
    with services.folder("bench-") as base, services.postgresql(POSTGRESQL) as server, services.redis_server() as redis:
        name = f"bench_{os.getpid()}"
        at = server.rsplit("/", 1)[0]
        with psycopg.connect(f"{at}/postgres", autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {name}")
        try:
            os.environ.update(_settings(f"{at}/{name}", f"{redis}/0", base))
            yield
        finally:
            with psycopg.connect(f"{at}/postgres", autocommit=True) as admin:
                admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _settings(database: str, redis: str, base: Path) -> dict[str, str]:
    for name in [*os.environ]:
        if name.startswith(("DATABASE_", "REDIS_", "TWILIO_", "EMAIL_", "NOTICE_", "LOG_")):
            del os.environ[name]
    from contactcentre.environment import new_signing_key

    return {
        "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
        "DATABASE_URL": database,
        "REDIS_URL": redis,
        "DATA_DIR": str(base / "var"),
        "DEMO": "0",
        "PUBLIC_URL": "http://localhost",
        "SECRET_KEY": "measured-only-" + "k" * 40,
        "FIELD_KEY": "bWVhc3VyZS1vbmx5LWtleS0zMi1ieXRlcy1sb25nLiE=",
        "TWILIO_AUTH_TOKEN": "measured-only-token-0123456789",
        "LOG_KEY": new_signing_key(),
        "LOG_LEVEL": "INFO",
    }


class Processes:
    """The CPU time of the servers' processes. They must run on this machine."""

    def __init__(self) -> None:
        from django.conf import settings
        from django.db import connection
        from redis import Redis

        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            backend = cursor.fetchone()[0]
        self.postmaster = _stat(backend)[1]
        self.redis = int(Redis.from_url(settings.REDIS_URL).info()["process_id"])

    def postgresql_ms(self) -> float:
        """Return the milliseconds that PostgreSQL's processes have used, those that ended too."""
        ours = [self.postmaster, *(pid for pid in _pids() if _stat(pid)[1] == self.postmaster)]
        return sum(used_ms(pid) for pid in ours)

    def redis_ms(self) -> float:
        """Return the milliseconds that Redis has used."""
        return used_ms(self.redis)


def machine_ms() -> float:
    """Return the milliseconds that all processors of this machine have worked, for whomever."""
    user, nice, system, _idle, _wait, irq, softirq, *_ = map(int, Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + irq + softirq) * _TICK_MS


_TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _stat(pid: int) -> tuple[float, int]:
    """Return (milliseconds used with those of reaped children, parent), of proc_pid_stat(5)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0, 0
    return sum(map(int, fields[11:15])) * _TICK_MS, int(fields[1])


def used_ms(pid: int) -> float:
    """Return the milliseconds that a process has used."""
    return _stat(pid)[0]
