"""What every test stands on: the services, the settings, a database that is rolled back, and one that really commits.

TEST_DB=postgresql (the default) or sqlite chooses the database. The settings are set here, before Django reads them,
and pytest-django finds it set up. There is no flush: append-only triggers would refuse it. A test that needs real
commits, threads or other processes takes `live_database`, a clone of the migrated one that is dropped afterwards.

What proves the same on either database bears the mark `once` (see `proves_the_same_on_both`): `make test` runs it
beside PostgreSQL only, with `-m "not once"` on SQLite. Whatever reads or writes the suite's database runs on both.
"""

import fcntl
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import services

if "TEST_REDIS" not in os.environ:  # the first process starts them, xdist's workers inherit the addresses
    for name in [*os.environ]:
        if name.startswith(("DATABASE_", "REDIS_", "TWILIO_", "EMAIL_", "NOTICE_", "E_ID_")):
            del os.environ[name]
    os.environ.update(services.environment(os.environ.get("TEST_DB", "postgresql")))
PLACE = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
os.environ["REDIS_URL"] = f"{os.environ['TEST_REDIS']}/{PLACE}"
if PLACE and os.environ.get("TEST_DB", "postgresql") == "postgresql":
    # A transaction left open anywhere in a cluster holds back the log of every database in it: to each his own.
    os.environ["DATABASE_URL"] = services.another_postgresql()
os.environ["DJANGO_SETTINGS_MODULE"] = "contactcentre.settings"

import django

django.setup()

from argon2 import PasswordHasher
from django.conf import settings as django_settings
from django.test.utils import setup_databases, teardown_databases

from tests.databases import Template, pointed_at
from tests.processes import ROOT, Worker, served_site
from verification import keypad
from visits import keys as visit_keys

# Argon2 is slow on purpose. Passwords are hashed by another method here, codes by the same one at the least cost;
# tests/test_what_tests_stand_on.py holds the costs that are in force elsewhere.
django_settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
COSTS = {module.__name__: module._HASHER for module in (keypad, visit_keys)}
keypad._HASHER = visit_keys._HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

pytest_plugins = ["tests.cast", "tests.phone_line", "tests.provider", "tests.namesakes_asked"]
LOOPBACK = ("127.0.0.1", "::1", "localhost")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Let no process inherit the settings' name: pytest-django would read them before the process has its Redis."""
    del os.environ["DJANGO_SETTINGS_MODULE"]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "once: proves the same on both databases; given by tests/conftest.py")


def proves_the_same_on_both(item: pytest.Item) -> bool:
    """Tell whether a test doesn't touch the suite's database, or drives Chromium, whose pages others read on both."""
    fixtures = set(getattr(item, "fixturenames", ()))
    data = item.get_closest_marker("django_db") or fixtures & {"db", "django_db_setup", "live_database"}
    return not data or item.get_closest_marker("browser") is not None


@pytest.hookimpl(tryfirst=True)  # before -m is applied
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take long, so that no process ends alone with one; refuse a test that would flush."""
    for item in filter(proves_the_same_on_both, items):
        item.add_marker(pytest.mark.once)
    slow = {item.path for item in items if item.get_closest_marker("slow") or item.get_closest_marker("browser")}
    items.sort(key=lambda item: item.path not in slow)
    for item in items:
        if any(mark.kwargs.get("transaction") for mark in item.iter_markers("django_db")):
            raise pytest.UsageError(f"{item.nodeid}: take the live_database fixture; a flush would hit the triggers.")


@pytest.fixture
def transactional_db() -> None:
    """Fail with a sentence: pytest-django would flush every table after the test."""
    pytest.fail("Take live_database (or live_site) instead: a flush would hit the append-only triggers.")


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Block every socket that leaves this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] not in LOOPBACK:
            self.close()
            raise AssertionError(f"A test tried to reach {address[0]}.")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def fresh_cache() -> None:
    """Empty the cache, so that no throttle of one test is felt by the next."""
    from django.core.cache import cache

    cache.clear()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> None:
    """Give each process a database of its own, on SQLite a file: threads and other processes can't share memory."""
    test = django_settings.DATABASES["default"].setdefault("TEST", {})
    if django_settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        test["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")
    else:
        test["NAME"] = f"test_{os.getpid()}_{worker_id}"


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_blocker: Any, django_db_modify_db_settings: None
) -> Iterator[None]:
    """Make the migrated database, also when nobody asks for `db`: pytest-django's own counts only those who do."""
    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False, aliases={"default"})
    yield
    with django_db_blocker.unblock():
        teardown_databases(made, verbosity=0)


@pytest.fixture(scope="session")
def template_database(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Template]:
    """Keep a copy of the migrated, empty database to clone from."""
    with django_db_blocker.unblock():
        template = Template.of_the_connection(tmp_path_factory.mktemp("clones"))
    yield template
    template.drop()


@pytest.fixture
def live_database(
    template_database: Template, django_db_blocker: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """Yield the address of a migrated, empty database with real commits; threads and child processes use it too."""
    clone = template_database.clone()
    monkeypatch.setenv("DATABASE_URL", clone.url)
    with django_db_blocker.unblock(), pointed_at(clone):
        yield clone.url


@pytest.fixture
def start_worker(live_database: str, tmp_path: Path) -> Iterator[Callable[[], Worker]]:
    """Yield a function that starts one more real Celery worker over the real Redis; all are stopped afterwards."""
    started: list[Worker] = []

    def start() -> Worker:
        started.append(Worker.start(tmp_path / f"worker{len(started)}.log"))
        return started[-1]

    Worker.empty_the_queue()
    yield start
    for worker in started:
        worker.stop()


@pytest.fixture
def celery_worker_process(start_worker: Callable[[], Worker]) -> Worker:
    """Run one real Celery worker on live_database."""
    return start_worker()


@pytest.fixture(scope="session")
def built_demo(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Build a demo as `make run` does, on SQLite, once for all processes of the suite; what it said is in `said.txt`.

    It is for copying (see `copied_demo`): building one takes as long as twenty tests.
    """
    base = tmp_path_factory.getbasetemp()
    shared = (base if worker_id == "master" else base.parent) / "built_demo"
    shared.mkdir(exist_ok=True)
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "said.txt").exists():
            env = {"PATH": os.environ["PATH"], "DEMO": "1", "DATA_DIR": str(shared / "var"), "LOG_LEVEL": "ERROR"}
            command = [sys.executable, "manage.py", "up", "--prepare"]
            done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            (shared / "said.txt").write_text(done.stdout)
    return shared


@pytest.fixture
def copied_demo(built_demo: Path, tmp_path: Path) -> Path:
    """Put a demo that has been started before into the folder `var` of this test."""
    return Path(shutil.copytree(built_demo / "var", tmp_path / "var"))


@pytest.fixture
def live_site(live_database: str, settings: Any) -> Iterator[str]:
    """Yield the http address of the whole site on live_database, served by threads of this process."""
    with served_site() as address:
        settings.PUBLIC_URL = address
        yield address
