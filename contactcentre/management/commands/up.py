"""`manage.py up`: bring the database up to date, then serve web, worker and beat until somebody says stop."""

import os
import shlex
import signal
import subprocess
import sys
from argparse import ArgumentParser
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from contactcentre import celery_app, data_dir, demo_lock, first_start, readiness
from contactcentre.serving import (
    PortTaken,
    broker_answers,
    check_port,
    die_with_parent,
    serve_in_one_process,
    serve_in_several,
)


class Command(BaseCommand):
    """Serve everything from one process tree on 127.0.0.1; without Redis from a single process."""

    help = "Migrate, then serve web, worker and beat on http://localhost:PORT until SIGINT or SIGTERM."
    _asked_to_stop = False
    requires_system_checks: list[str] = []  # they run below, after the migrations that some of them need

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--prepare", action="store_true", help="Migrate and build the demo world, but don't serve.")

    def handle(self, *args: Any, **options: Any) -> None:
        os.umask(0o077)  # what is written here is for its owner alone
        for sent in (signal.SIGINT, signal.SIGTERM):  # until we serve, both are one way to break off
            signal.signal(sent, self._break_off)
        try:
            self._prepare(serve=not options["prepare"])
        except KeyboardInterrupt:
            raise CommandError("Stopped before it was ready; the next start goes on.") from None
        except (PortTaken, data_dir.InUse, demo_lock.WrongWorld, readiness.NotReady) as reason:
            raise CommandError(str(reason)) from None
        except DatabaseError as error:
            raise CommandError(f"The database can't be used: {str(error).strip().splitlines()[0]}") from None
        except OSError as error:
            raise CommandError(f"{error.filename or settings.DATA_DIR} can't be written: {error.strerror}.") from None
        if not options["prepare"]:
            try:
                self._serve()
            except KeyboardInterrupt:
                raise CommandError("Stopped before it was ready; the next start goes on.") from None

    def _break_off(self, *_: object) -> None:
        """Stop here; remembered too, since an exception in the middle of a finalizer is lost."""
        self._asked_to_stop = True
        raise KeyboardInterrupt

    def _prepare(self, *, serve: bool) -> None:
        data_dir.make()
        if serve or settings.DEMO:  # a release is prepared while the one before it still serves
            data_dir.lock()
        if serve:
            check_port(settings.PORT)
        self._set_up_roles()
        first_start.check_the_mark()
        if first_start.discard_half_made_demo():
            self._say("the demo world was left half made; starting over")
        self._migrate()
        demo_lock.check()
        if settings.DEMO:
            self._build_demo()
        readiness.check()
        call_command("check", "--fail-level", "ERROR", "--database", "default", stdout=_Nowhere())

    def _set_up_roles(self) -> None:
        """Give the application and the sequencer their rights; before that nothing is theirs."""
        if settings.DATABASE_OWNER_URL:
            call_command("database_roles", stdout=_Nowhere())

    def _migrate(self) -> None:
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if not plan and first_start.finished():
            return
        self._say(f"bringing the database up to date ({len(plan)} steps)")
        if settings.DATABASE_OWNER_URL:
            env = {**os.environ, "DATABASE_URL": settings.DATABASE_OWNER_URL}
            # Its checks would ask whether the application owns the tables: here it is the owner that asks.
            command = [sys.executable, sys.argv[0], "migrate", "-v", "0", "--skip-checks"]
            if subprocess.run(command, env=env, check=False, start_new_session=True).returncode:
                raise CommandError("The migrations failed; see above.")
            self._set_up_roles()
        else:
            call_command("migrate", verbosity=0, interactive=False)

    def _build_demo(self) -> None:
        if demo_lock.reached(demo_lock.BUILT):
            return
        from contactcentre import demo  # needed in the demo only

        celery_app.conf.update(broker_url="memory://localhost/")  # the sweep finds what the build queues
        self._say("building the demo world")
        demo_lock.reach(demo_lock.BEGUN)
        demo.build(progress=self._say)
        demo_lock.reach(demo_lock.BUILT)

    def _serve(self) -> None:
        connection.close()
        self._say(f"serving on http://localhost:{settings.PORT} - staff: http://localhost:{settings.PORT}/admin/")
        if settings.DEMO:
            self._say(f"this is the DEMO; names, passwords and codes: {_demo_command()}")
        if settings.REDIS_URL and not broker_answers():
            self._say("warning: nothing answers at REDIS_URL; what is due waits until something does")
        self._say("stop with Ctrl-C (SIGTERM, when another program started it)")
        serve = serve_in_several if settings.REDIS_URL else serve_in_one_process
        with self._e_id(), self._register(), data_dir.address(settings.PUBLIC_URL):
            in_order = serve(settings.PORT)
        if not in_order:
            raise CommandError("A process ended by itself; everything was stopped.")
        self._say("stopped")

    def _e_id(self) -> AbstractContextManager[None]:
        """Run the demo's provider of strong e-ID beside us, if it can be."""
        if not settings.DEMO or settings.E_ID_BROKERS:
            return nullcontext()
        from contactcentre.demo import description, e_id  # needed in the demo only

        return e_id.beside(description.describe()["customers"], say=self._say, prepare=die_with_parent())

    def _register(self) -> AbstractContextManager[None]:
        """Run the demo's stand-in for a national register of authorizations, unless a real one is configured."""
        if not settings.DEMO or settings.AUTHORITY_REGISTER_URL:
            return nullcontext()
        from contactcentre.demo import register  # needed in the demo only

        return register.beside(say=self._say)

    def _say(self, what: str) -> None:
        if self._asked_to_stop:
            self._asked_to_stop = False
            raise KeyboardInterrupt
        self.stdout.write(f"up: {what}")
        self.stdout.flush()


def _demo_command() -> str:
    """Return what to type in another terminal, with whatever was given to this one that isn't secret."""
    given = [f"{name}={shlex.quote(os.environ[name])}" for name in ("PORT", "DATA_DIR") if os.environ.get(name)]
    same = " (with the same DATABASE_URL)" if os.environ.get("DATABASE_URL") else ""
    return " ".join([*given, ".venv/bin/python manage.py demo"]) + same


class _Nowhere:
    """Takes what `check` says when all is well."""

    def write(self, said: str) -> int:
        return len(said)
