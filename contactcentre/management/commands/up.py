"""`manage.py up`: bring the database up to date, then serve web, worker and beat until somebody says stop."""

import os
import subprocess
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from contactcentre import demo_lock, readiness
from contactcentre.serving import PortTaken, check_port, serve_in_one_process, serve_in_several


class Command(BaseCommand):
    """Serve everything from one process tree on 127.0.0.1; without Redis from a single process."""

    help = "Migrate, then serve web, worker and beat on http://localhost:PORT until SIGINT or SIGTERM."
    requires_system_checks: list[str] = []  # they run below, after the migrations that some of them need

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--prepare", action="store_true", help="Migrate and build the demo world, but don't serve.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._prepare(serve=not options["prepare"])
        except PortTaken as taken:
            raise CommandError(str(taken)) from None
        except (demo_lock.WrongWorld, readiness.NotReady) as reason:
            raise CommandError(str(reason)) from None
        except DatabaseError as error:
            raise CommandError(f"The database can't be used: {str(error).strip().splitlines()[0]}") from None
        except OSError as error:
            raise CommandError(f"{error.filename or settings.DATA_DIR} can't be written: {error.strerror}.") from None
        if not options["prepare"]:
            self._serve()

    def _prepare(self, *, serve: bool) -> None:
        if serve:
            check_port(settings.PORT)
        for folder in ("outbox/mail", "secrets"):
            (settings.DATA_DIR / folder).mkdir(parents=True, exist_ok=True, mode=0o700)
        self._migrate()
        demo_lock.check()
        if settings.DEMO:
            self._build_demo()
        readiness.check()
        call_command("check", "--fail-level", "ERROR", stdout=_Nowhere())

    def _migrate(self) -> None:
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if not plan:
            return
        self._say(f"bringing the database up to date ({len(plan)} steps)")
        if settings.DATABASE_OWNER_URL:
            env = {**os.environ, "DATABASE_URL": settings.DATABASE_OWNER_URL}
            if subprocess.run([sys.executable, sys.argv[0], "migrate", "-v", "0"], env=env, check=False).returncode:
                raise CommandError("The migrations failed; see above.")
        else:
            call_command("migrate", verbosity=0, interactive=False)

    def _build_demo(self) -> None:
        if demo_lock.reached(demo_lock.BUILT):
            return
        if demo_lock.reached(demo_lock.BEGUN):
            raise demo_lock.WrongWorld(
                f"The demo world was left half made; delete {settings.DATA_DIR} (or the database) and start again."
            )
        from contactcentre import demo  # needed in the demo only

        self._say("building the demo world")
        demo_lock.reach(demo_lock.BEGUN)
        demo.build(progress=self._say)
        demo_lock.reach(demo_lock.BUILT)

    def _serve(self) -> None:
        connection.close()
        self._say(f"serving on http://localhost:{settings.PORT} - staff: http://localhost:{settings.PORT}/admin/")
        if settings.DEMO:
            self._say("this is the DEMO; names, passwords and codes: .venv/bin/python manage.py demo")
        self._say("stop with Ctrl-C")
        serve = serve_in_several if settings.REDIS_URL else serve_in_one_process
        if not serve(settings.PORT):
            raise CommandError("A process ended by itself; everything was stopped.")
        self._say("stopped")

    def _say(self, what: str) -> None:
        self.stdout.write(f"up: {what}")
        self.stdout.flush()


class _Nowhere:
    """Takes what `check` says when all is well."""

    def write(self, said: str) -> int:
        return len(said)
