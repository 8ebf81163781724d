"""`manage.py up` on live processes: one tree, one clear line when it can't, everything gone within ten seconds."""

import contextlib
import json
import os
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests.services import dies_with_parent, free_port

pytestmark = pytest.mark.slow
started_before = pytest.mark.usefixtures("copied_demo")  # the others prove the first start, which takes its time
Start = Callable[..., subprocess.Popen[str]]


def environment(data: Path, **given: str) -> dict[str, str]:
    """Return the environment of somebody who has just cloned the repository."""
    return {"PATH": os.environ["PATH"], "DEMO": "1", "DATA_DIR": str(data), "LOG_LEVEL": "WARNING", **given}


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Yield a function that starts `manage.py up` as a process of its own."""
    started: list[subprocess.Popen[str]] = []

    def begin(port: int, **given: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "up"],
            cwd=settings.BASE_DIR,
            env=environment(tmp_path / "var", PORT=str(port), **given),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=dies_with_parent(signal.SIGTERM),
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=15)


def answers(port: int) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(f"http://localhost:{port}/readyz", timeout=2) as answer:
        return bool(answer.status == 200)
    return False


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if process.poll() is not None:
            pytest.fail(f"ended early: {process.communicate()[0]}")
        assert time.monotonic() < deadline, "not ready in time"
        time.sleep(0.1)


def processes_of(session: int) -> list[str]:
    """Return the processes that descend from a process, by the environment they inherited."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            if words[0] != "Z" and int(words[1]) == session:
                found.append(entry.name)
    return found


def stop(process: subprocess.Popen[str], sent: signal.Signals) -> float:
    """Send the signal and return how many seconds the end took."""
    began = time.monotonic()
    process.send_signal(sent)
    process.wait(15)
    return time.monotonic() - began


def test_a_taken_port_is_told_in_one_line(start: Start) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        said, _ = start(taken.getsockname()[1]).communicate(timeout=60)
    assert said.strip().splitlines() == [
        f"CommandError: Port {taken_port(said)} is taken by another program; choose another with PORT=."
    ]


def taken_port(said: str) -> str:
    return next(word for word in said.split() if word.isdigit())


def test_one_process_serves_and_ends_in_time_and_a_second_start_finds_the_data(start: Start, tmp_path: Path) -> None:
    port = free_port()
    first = start(port)
    wait_for(lambda: answers(port), first)
    assert stop(first, signal.SIGTERM) < 10
    assert first.returncode == 0
    secret = (tmp_path / "var" / "secrets" / "FIELD_KEY").read_text()
    second = start(port)
    wait_for(lambda: answers(port), second)
    assert stop(second, signal.SIGINT) < 10
    assert second.returncode == 0
    assert "bringing the database up to date" not in second.communicate()[0]
    assert (tmp_path / "var" / "secrets" / "FIELD_KEY").read_text() == secret


@started_before
def test_a_tree_over_redis_ends_as_a_whole(start: Start, tmp_path: Path) -> None:
    port = free_port()
    process = start(port, REDIS_URL=os.environ["REDIS_URL"])
    wait_for(lambda: answers(port), process)
    wait_for(lambda: bool(idp(tmp_path / "var")), process)
    wait_for((tmp_path / "var" / "log" / "checkpoint").exists, process)
    children = processes_of(process.pid)
    assert len(children) == 3, "web, worker and the demo's provider of e-ID"
    assert stop(process, signal.SIGTERM) < 10
    assert not [child for child in children if Path("/proc", child).exists()]
    assert not answers(port)


@started_before
def test_the_tree_ends_when_one_of_its_processes_does(start: Start) -> None:
    port = free_port()
    process = start(port, REDIS_URL=os.environ["REDIS_URL"])
    wait_for(lambda: answers(port), process)
    web = next(
        child for child in processes_of(process.pid) if b"gunicorn" in Path("/proc", child, "cmdline").read_bytes()
    )
    os.kill(int(web), signal.SIGKILL)
    said, _ = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "A process ended by itself" in said


@started_before
def test_the_database_of_a_demo_is_not_served_as_the_real_thing(start: Start) -> None:
    port = free_port()
    first = start(port)
    wait_for(lambda: answers(port), first)
    stop(first, signal.SIGTERM)
    keys = {"SECRET_KEY": os.environ["SECRET_KEY"], "FIELD_KEY": os.environ["FIELD_KEY"]}
    said, _ = start(port, DEMO="0", **keys).communicate(timeout=60)
    assert said.strip() == (
        "CommandError: This database was made for the demo; start with DEMO=1, or give another DATABASE_URL."
    )


def asked(data: Path, *words: str, **given: str) -> subprocess.CompletedProcess[str]:
    """Run manage.py in a shell in which nothing is set but where the data lie."""
    env = {"PATH": os.environ["PATH"], "DATA_DIR": str(data), **given}
    command = [sys.executable, "manage.py", *words]
    return subprocess.run(command, cwd=settings.BASE_DIR, env=env, capture_output=True, text=True, check=False)


@started_before
def test_who_asks_from_another_terminal_hears_the_address_that_is_served(start: Start, tmp_path: Path) -> None:
    port, data = free_port(), tmp_path / "var"
    process = start(port)
    wait_for(lambda: answers(port), process)
    assert json.loads(asked(data, "demo", "--json").stdout)["base_url"] == f"http://localhost:{port}"
    second = start(free_port())
    said, _ = second.communicate(timeout=60)
    assert said.strip().splitlines() == [
        f"CommandError: {data} is in use by another start at http://localhost:{port}; "
        "stop that, or give another DATA_DIR."
    ]
    for address in ("/", "/admin"):
        with urllib.request.urlopen(f"http://localhost:{port}{address}") as answer:
            assert answer.url.startswith(f"http://localhost:{port}/admin/login/")
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert stat.S_IMODE((data / "contactcentre.sqlite3").stat().st_mode) == 0o600
    stop(process, signal.SIGTERM)
    assert f"PORT={port} DATA_DIR={data} .venv/bin/python manage.py demo" in process.communicate()[0]
    assert not (data / "address").exists()


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_first_start_that_was_broken_off_is_gone_on_with(start: Start, tmp_path: Path, sent: signal.Signals) -> None:
    first = start(free_port())
    assert first.stdout is not None
    assert any("customers come in" in line for line in first.stdout)
    first.send_signal(sent)
    said, _ = first.communicate(timeout=30)
    if sent != signal.SIGKILL:
        assert said.strip().splitlines()[-1] == "CommandError: Stopped before it was ready; the next start goes on."
        assert "Traceback" not in said
    again = asked(tmp_path / "var", "up", "--prepare", DEMO="1")
    assert again.returncode == 0, again.stderr
    assert "starting over" in again.stdout
    assert asked(tmp_path / "var", "demo", "code", "agent_aino").returncode == 0


def test_the_demo_refuses_a_real_database_before_it_migrates(tmp_path: Path) -> None:
    keys = {"SECRET_KEY": os.environ["SECRET_KEY"], "FIELD_KEY": os.environ["FIELD_KEY"]}
    made = asked(tmp_path, "migrate", "-v", "0", DEMO="0", **keys)
    assert made.returncode == 0, made.stderr
    with contextlib.closing(sqlite3.connect(tmp_path / "contactcentre.sqlite3")) as database:
        database.execute("DELETE FROM django_migrations WHERE app = 'sessions'")
        database.commit()
    for words in (("up", "--prepare"), ("migrate", "-v", "0")):
        refused = asked(tmp_path, *words, DEMO="1", **keys)
        assert refused.stderr.strip() == (
            "CommandError: This database isn't a demo; start with DEMO=0, or give the demo another DATABASE_URL."
        )


def idp(data: Path) -> dict[str, Any]:
    """Return what a tester is told of the demo's provider of strong e-ID."""
    found: dict[str, Any] = json.loads(asked(data, "demo", "--json", DEMO="1").stdout)["idp"]
    return found


@started_before
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGKILL])
def test_the_demo_brings_a_provider_of_e_id_that_ends_with_it(
    start: Start, tmp_path: Path, sent: signal.Signals
) -> None:
    port, data = free_port(), tmp_path / "var"
    process = start(port)
    wait_for(lambda: answers(port), process)
    wait_for(lambda: bool(idp(data)), process)
    issuer = idp(data)["issuer"]
    assert issuer != f"http://127.0.0.1:{port}"
    with urllib.request.urlopen(f"{issuer}/.well-known/openid-configuration") as answer:
        assert json.load(answer)["issuer"] == issuer
    with urllib.request.urlopen(f"{issuer}/device/") as answer:
        assert "Esittelykäyttö" in answer.read().decode()
    with pytest.raises(urllib.error.HTTPError):  # nothing that only tests may do
        urllib.request.urlopen(f"{issuer}/_test/ciba")
    assert stop(process, sent) < 10
    assert idp(data) == {}
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{issuer}/device/", timeout=2)


@started_before
def test_without_node_the_demo_goes_on_and_says_so_in_one_line(start: Start, tmp_path: Path) -> None:
    port, data = free_port(), tmp_path / "var"
    process = start(port, PATH=str(tmp_path), NODE="none")
    wait_for(lambda: answers(port), process)
    assert idp(data) == {}
    stop(process, signal.SIGTERM)
    assert process.communicate()[0].count("going on without the e-ID provider: Node.js") == 1


@started_before
def test_a_broker_that_does_not_answer_is_warned_of(start: Start) -> None:
    port = free_port()
    process = start(port, REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    wait_for(lambda: answers(port), process)
    stop(process, signal.SIGTERM)
    assert process.communicate()[0].count("nothing answers at REDIS_URL") == 1
