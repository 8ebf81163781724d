"""The fixtures keep their promises: rollback, clones that really commit, no way out of this machine."""

import os
import socket
import subprocess
import sys
import threading
import urllib.request

import pytest
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db import connection, connections, transaction

from tests.conftest import COSTS
from tests.processes import ROOT, Worker
from verification import keypad


def add(name: str) -> None:
    with transaction.atomic():
        ContentType.objects.create(app_label="tests", model=name)


def names() -> list[str]:
    return list(ContentType.objects.filter(app_label="tests").values_list("model", flat=True))


@pytest.mark.parametrize("time", [1, 2])
def test_rolled_back_after_each_test(db: None, time: int) -> None:
    assert names() == []
    add("one")


@pytest.mark.parametrize("time", [1, 2])
def test_a_live_database_is_empty_at_first_and_commits_are_seen_by_other_threads(live_database: str, time: int) -> None:
    assert names() == []
    add("one")
    seen: list[list[str]] = []

    def look() -> None:
        seen.append(names())
        connections["default"].close()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [["one"]]
    assert not connection.in_atomic_block


def test_codes_are_hashed_here_at_the_least_cost_and_elsewhere_at_owasps() -> None:
    assert set(COSTS) == {"verification.keypad", "visits.keys"}
    for hasher in COSTS.values():
        assert (hasher.memory_cost, hasher.time_cost, hasher.type.name) == (19 * 1024, 2, "ID")
    assert keypad.hash_code("271828").startswith("$argon2id$")


def test_sockets_to_elsewhere_are_blocked() -> None:
    with pytest.raises(AssertionError, match="tried to reach"):
        socket.create_connection(("192.0.2.1", 80), timeout=1)


def test_a_worker_of_its_own_process_takes_tasks_over_the_real_redis(celery_worker_process: Worker) -> None:
    named = f"test{os.getpid()}-{celery_worker_process.log.stem}@localhost"  # by name: nobody else is waited for
    asking = [sys.executable, "-m", "celery", "-A", "contactcentre", "inspect", "ping", "-t", "20", "-d", named]
    answer = subprocess.run(asking, cwd=ROOT, capture_output=True, text=True, timeout=90, check=False)
    assert "pong" in answer.stdout, answer.stderr
    assert celery_worker_process.process.poll() is None


def test_the_site_is_served_on_the_clone(live_site: str) -> None:
    with urllib.request.urlopen(f"{live_site}/readyz") as answer:
        assert answer.status == 200


def test_each_process_of_the_suite_has_a_redis_of_its_own(worker_id: str) -> None:
    number = worker_id.removeprefix("gw") if worker_id != "master" else "0"
    for address in (os.environ["REDIS_URL"], settings.CELERY_BROKER_URL, settings.CACHES["default"]["LOCATION"]):
        assert address.rpartition("/")[2] == number
