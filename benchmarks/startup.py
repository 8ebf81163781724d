"""From `make run` to the first answer of /healthz: the first start and the second, with a data folder of its own."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from tests import services

ROOT = Path(__file__).resolve().parent.parent
LONGEST = 300.0


class DidNotStart(Exception):
    """`make run` ended, or answered nobody for too long; the message holds its last words."""


def starts(*, fresh_clone: bool) -> dict[str, float]:
    """Return seconds from the command to the first answer; `fresh_clone` also makes the environment anew."""
    with services.folder("start-") as base:
        checkout = _cloned(base) if fresh_clone else ROOT
        where = "fresh clone" if fresh_clone else "this checkout"
        return {
            f"{where}, first start (demo world built)": _start(checkout, base),
            f"{where}, second start": _start(checkout, base),
        }


def _cloned(base: Path) -> Path:
    subprocess.run(["git", "clone", "-q", ROOT, base / "clone"], check=True)
    return base / "clone"


def _start(checkout: Path, base: Path) -> float:
    """Start, wait for the first answer, stop as Ctrl-C would, and return the seconds."""
    port = services.free_port()
    kept = {
        name: os.environ[name]
        for name in ("PATH", "HOME", "LANG", "UV_CACHE_DIR", "PIP_CACHE_DIR")
        if name in os.environ
    }
    network = {name: value for name, value in os.environ.items() if name.upper().startswith(("PIP_", "UV_", "SSL_"))}
    network |= {name: value for name, value in os.environ.items() if name.upper().endswith(("_PROXY", "_CA_BUNDLE"))}
    env = {**kept, **network, "PORT": str(port), "DATA_DIR": str(base / "var")}
    log = base / "start.log"
    make = shutil.which("make") or "make"
    began = time.monotonic()
    with services.running([make, "-s", "run"], signal.SIGINT, log, cwd=checkout, env=env) as process:
        while not _answers(port):
            if process.poll() is not None or time.monotonic() - began > LONGEST:
                raise DidNotStart(f"`make run` did not come up:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)
        taken = time.monotonic() - began
        os.killpg(process.pid, signal.SIGINT)
        process.wait(30)
        return round(taken, 2)


def _answers(port: int) -> bool:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        line.request("GET", "/healthz")
        return line.getresponse().status == 200
    except OSError:
        return False
    finally:
        line.close()
