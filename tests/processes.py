"""Real processes for tests: a Celery worker over the real Redis, and the site on a loopback port."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.services import dies_with_parent, wait_until

ROOT = Path(__file__).resolve().parent.parent
WORKER = [sys.executable, "-m", "celery", "-A", "contactcentre", "worker", "-P", "threads", "-c", "2", "-l", "INFO"]
QUIET = ["--without-gossip", "--without-mingle", "--without-heartbeat"]


@dataclass
class Worker:
    """One Celery worker, a process of its own with the database and the broker of the test."""

    process: subprocess.Popen[bytes]
    log: Path

    @classmethod
    def start(cls, log: Path) -> "Worker":
        """Start a worker and wait until it takes tasks."""
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*WORKER, *QUIET, "-n", f"test{os.getpid()}-{log.stem}@localhost"],
                cwd=ROOT,
                env={**os.environ, "LOG_LEVEL": "INFO"},
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=dies_with_parent(signal.SIGKILL),
            )
        wait_until(lambda: b"ready." in log.read_bytes(), process, log)
        return cls(process, log)

    @staticmethod
    def empty_the_queue() -> None:
        """Forget what earlier tests have sent to this process's number of the Redis."""
        import redis
        from kombu import pools

        from contactcentre.celery import app

        pools.reset()  # connections of an earlier test may lead to a broker that is gone
        app._pool = app.amqp._producer_pool = None
        with redis.Redis.from_url(os.environ["REDIS_URL"]) as broker:
            broker.flushdb()

    def kill(self) -> None:
        """End it as a power cut would (SIGKILL to the whole group)."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> None:
        """Ask it to finish, and insist after ten seconds."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()


@contextlib.contextmanager
def served_site() -> Iterator[str]:
    """Serve the site by waitress in threads of this process, and yield its address on localhost."""
    from django.core.wsgi import get_wsgi_application
    from waitress import wasyncore
    from waitress.server import create_server

    application = get_wsgi_application()

    server = create_server(application, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{server.effective_port}"
    finally:
        patience = time.monotonic() + 5
        while server.task_dispatcher.active_count and time.monotonic() < patience:
            time.sleep(0.02)  # an answer under way would write to a closed pipe
        # By the loop's own thread: sockets that somebody else closes under its poll make it fail.
        server.trigger.pull_trigger(lambda: wasyncore.close_all(server._map, ignore_all=True))
        thread.join(5)  # its workers stay: one that ends would leave its connection to the database open
