"""Make .venv/ and bring it to the lock; done in no time when it already stands as the lock says.

Runs on the system's python3 before anything is installed, so it uses the standard library only and ends with one
line that says what to do when it can't go on. The development lock contains the runtime's: whoever has it has both.
"""

import errno
import hashlib
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
STAMP = os.path.join(VENV, "installed.lock")
NEEDED_BYTES = 700 * 1024 * 1024


class CannotGoOn(Exception):
    """Setting up is impossible; the message is the one line the operator reads."""


def main(lock: str) -> None:
    check_python()
    wanted = fingerprints(lock)
    if os.path.exists(PYTHON) and wanted & stamped():
        return
    check_disk()
    if not os.path.exists(PYTHON) or run([PYTHON, "-c", ""]).returncode != 0:
        say("making .venv/")
        make_environment()
    install(lock)
    with open(STAMP, "w") as file:
        file.write(fingerprint(lock) + "\n")
    say("packages are installed")


def check_python() -> None:
    """Refuse a Python that Django 5.2 with our packages doesn't run on."""
    if sys.version_info < (3, 11):
        have = ".".join(map(str, sys.version_info[:2]))
        raise CannotGoOn(f"Python 3.11 or newer is needed, {sys.executable} is {have}; try: make PYTHON=python3.11 run")


def check_disk() -> None:
    """Refuse to begin what would fill the disk."""
    free = shutil.disk_usage(ROOT).free
    if free < NEEDED_BYTES:
        raise CannotGoOn(f"The disk under {ROOT} has {free >> 20} MB free; {NEEDED_BYTES >> 20} MB are needed.")


def fingerprint(lock: str) -> str:
    """Return what tells this lock from every other; the stamp lives in .venv/ and goes with it."""
    with open(os.path.join(ROOT, lock), "rb") as file:
        content = file.read()
    return lock + ":" + hashlib.sha256(content).hexdigest()


def fingerprints(lock: str) -> "set[str]":
    """Return every stamp that satisfies this lock."""
    return {fingerprint(lock), fingerprint("requirements-dev.txt")}


def stamped() -> "set[str]":
    """Return what was installed last, if it was finished."""
    if not os.path.exists(STAMP):
        return set()
    with open(STAMP) as file:
        return set(file.read().split())


def make_environment() -> None:
    """Make a fresh environment in place of a missing or broken one."""
    done = run([sys.executable, "-m", "venv", "--clear", VENV])
    if done.returncode != 0:
        version = ".".join(map(str, sys.version_info[:2]))
        full = "No space left" in done.stdout
        advice = (
            "the disk is full" if full else f"is its venv module there? On Debian: apt-get install python{version}-venv"
        )
        raise CannotGoOn(f"python3 could not make .venv/; {advice}.")


def install(lock: str) -> None:
    """Install exactly the lock, by uv if it can be had (five seconds) and by pip if not (a minute)."""
    if os.path.exists(STAMP):
        os.unlink(STAMP)
    uv = os.path.join(VENV, "bin", "uv")
    if not os.path.exists(uv):
        say("installing the installer")
        run([PYTHON, "-m", "pip", "install", "-q", "--disable-pip-version-check", "uv"])
    say(f"installing packages from {lock}")
    if os.path.exists(uv):
        done = run([uv, "pip", "install", "-q", "--python", PYTHON, "--no-deps", "-r", lock])
        if done.returncode == 0:
            return
    done = run([PYTHON, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps", "-r", lock])
    if done.returncode != 0:
        if "No space left" in done.stdout:
            raise OSError(errno.ENOSPC, "No space left on device")
        last = (done.stdout.strip().splitlines() or ["no reason given"])[-1]
        raise CannotGoOn(f"The packages could not be installed: {last}")


def run(command: "list[str]") -> "subprocess.CompletedProcess[str]":
    """Run a command without a home, keeping what it says for the case that it fails."""
    env = {**os.environ, "PIP_ROOT_USER_ACTION": "ignore", "PIP_NO_INPUT": "1"}
    return subprocess.run(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )


def say(what: str) -> None:
    print(f"setup: {what}", flush=True)


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except CannotGoOn as reason:
        sys.exit(f"setup: {reason}")
    except OSError as error:
        full = error.errno == errno.ENOSPC
        sys.exit("setup: the disk is full; nothing was started." if full else f"setup: {error}")
    except KeyboardInterrupt:
        sys.exit("setup: interrupted; the next start goes on from here.")
