"""Runs web, worker and beat: as threads of one process, or as a tree of processes over a Redis.

Both stop on SIGINT or SIGTERM: the web first, so that nothing new comes in, then the worker. What hangs is cut off
after STOP_SECONDS; the sweep finds at the next start whatever was due and not done.
"""

import contextlib
import ctypes
import errno
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import redis
from django.conf import settings

HOST = "127.0.0.1"
STOP_SECONDS = 8.0
LARGEST_BODY = 1024 * 1024
QUIET = ["--without-gossip", "--without-mingle", "--without-heartbeat"]


class PortTaken(Exception):
    """Somebody else listens there; the message is one line."""


def check_port(port: int) -> None:
    """Raise PortTaken when we couldn't listen on the port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            why = (
                "is taken by another program" if error.errno == errno.EADDRINUSE else f"can't be used: {error.strerror}"
            )
            raise PortTaken(f"Port {port} {why}; choose another with PORT=.") from None


def broker_answers() -> bool:
    """Tell whether REDIS_URL can be reached within two seconds."""
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=2, socket_timeout=2) as broker:
            return bool(broker.ping())
    except redis.RedisError:
        return False


@contextlib.contextmanager
def asked_to_stop() -> Iterator[threading.Event]:
    """Yield an event that SIGINT and SIGTERM set."""
    asked = threading.Event()
    before = {sent: signal.signal(sent, lambda *_: asked.set()) for sent in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for sent, handler in before.items():
            signal.signal(sent, handler)


def serve_in_one_process(port: int) -> bool:
    """Serve by threads until asked to stop; return False when one of them ended by itself."""
    with asked_to_stop() as asked:
        web, worker, beat = _web(port), _worker(), _beat()
        threads = [_thread(web.run), _thread(worker.start), beat]
        beat.start()
        while not asked.wait(0.5) and all(thread.is_alive() for thread in threads):
            continue
        cut_off = threading.Timer(STOP_SECONDS, os._exit, [0])
        cut_off.daemon = True
        cut_off.start()
        web.close()
        beat.stop()
        _stop_worker()
        threads[1].join(STOP_SECONDS)
        cut_off.cancel()
        return asked.is_set()


def _web(port: int) -> Any:
    from waitress.server import create_server

    from contactcentre.wsgi import application

    return create_server(
        application,
        host=HOST,
        port=port,
        threads=8,
        ident="contactcentre",
        max_request_body_size=LARGEST_BODY,
        clear_untrusted_proxy_headers=False,  # ours to judge: contactcentre/proxies.py
    )


def _worker() -> Any:
    from contactcentre.celery import app

    queues = [app.conf.task_default_queue, settings.LOG_QUEUE]
    return app.WorkController(
        pool_cls="threads", concurrency=4, queues=queues, without_mingle=True, without_gossip=True
    )


def _beat() -> Any:
    from celery.beat import EmbeddedService

    from contactcentre.celery import app

    return EmbeddedService(app, thread=True)


def _stop_worker() -> None:
    from celery.worker import state

    vars(state)["should_stop"] = 0  # the exit status, which its loop looks at


def _thread(target: Any) -> threading.Thread:
    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    return thread


def serve_in_several(port: int) -> bool:
    """Serve by gunicorn and Celery workers with beat until asked to stop; return False when one ended by itself."""
    web = ["gunicorn", "contactcentre.wsgi", "-c", str(settings.BASE_DIR / "deploy" / "gunicorn.conf.py")]
    beat = ["-B", "-s", settings.CELERY_BEAT_SCHEDULE_FILENAME]
    common = settings.CELERY_TASK_DEFAULT_QUEUE
    with asked_to_stop() as asked:
        env = without_the_log() if settings.SEQUENCER_DATABASE_URL else dict(os.environ)
        children = [_child([*web, "-b", f"{HOST}:{port}"], env)]
        if settings.SEQUENCER_DATABASE_URL:
            children.append(_child(_celery(f"worker-{port}", 4, common) + beat, env))
            children.append(_child(_celery(f"log-{port}", 1, settings.LOG_QUEUE), as_the_sequencer()))
        else:
            children.append(_child(_celery(f"worker-{port}", 4, common, settings.LOG_QUEUE) + beat, env))
        while not asked.wait(0.5) and all(child.poll() is None for child in children):
            continue
        _end(children, deadline=time.monotonic() + STOP_SECONDS)
        return asked.is_set()


def without_the_log() -> dict[str, str]:
    """Return the environment of whoever serves people: without the log's key and the sequencer's password."""
    withheld = ("LOG_KEY", "LOG_OLD_KEYS", "SEQUENCER_DATABASE_URL")
    both = {name + ending for name in withheld for ending in ("", "_FILE")}
    return {name: value for name, value in os.environ.items() if name not in both}


def as_the_sequencer() -> dict[str, str]:
    """Return the environment of the log's own worker: the sequencer's role in the database, and the key."""
    others = {name: value for name, value in os.environ.items() if name != "DATABASE_URL_FILE"}
    return {**others, "DATABASE_URL": settings.SEQUENCER_DATABASE_URL}


def _celery(name: str, threads: int, *queues: str) -> list[str]:
    worker = ["celery", "-A", "contactcentre", "worker", "-P", "threads", "-c", str(threads), "-Q", ",".join(queues)]
    return [*worker, "-l", "WARNING", *QUIET, "-n", f"{name}@localhost"]


def _child(module: list[str], env: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own, since a terminal's Ctrl-C and our SIGTERM would be two signals."""
    return subprocess.Popen(
        [sys.executable, "-m", *module],
        cwd=settings.BASE_DIR,
        env=env,
        start_new_session=True,
        preexec_fn=die_with_parent(),
    )


def die_with_parent() -> Callable[[], None]:
    """Return what a child runs before its program, so that it ends when this process is killed."""
    parent = os.getpid()

    def ask() -> None:
        with contextlib.suppress(OSError, AttributeError):  # Linux only; elsewhere a killed parent leaves its children
            ctypes.CDLL(None).prctl(1, signal.SIGTERM.value)
        if os.getppid() != parent:
            os._exit(0)

    return ask


def _end(children: list[subprocess.Popen[bytes]], *, deadline: float) -> None:
    """Stop the children in order and kill at the deadline whatever is left of their sessions."""
    for child in children:
        child.terminate()
    for child in children:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(max(0.1, deadline - time.monotonic()))
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait(1)
