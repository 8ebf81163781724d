"""What `make test` and `make lint` run, in order, ending with one line of totals.

python tests/run.py          checks, then the suite on PostgreSQL, then on SQLite
python tests/run.py lint     the checks only

On SQLite what touches no database of the suite is not run a second time (the mark `once`, which tests/conftest.py
gives by rule): pure reckoning, processes that bring their own database, Chromium. It has passed beside PostgreSQL.
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
PYTHON = sys.executable
CHECKS = {
    "lint": [BIN / "ruff", "check", "."],
    "format": [BIN / "ruff", "format", "--check", "."],
    "imports": [BIN / "lint-imports"],
    "types": [BIN / "mypy"],
    "migrations": [PYTHON, "manage.py", "makemigrations", "--check", "--dry-run"],
    "translations": [PYTHON, "manage.py", "messages", "--check"],
    "settings reference": [PYTHON, "manage.py", "settings_reference", "--check"],
}
DATABASES = {"postgresql": [], "sqlite": ["-m", "not once"]}
SAFE = {
    "SECRET_KEY": "for-checks-only-" + "k" * 40,
    "FIELD_KEY": "dGVzdHMtb25seS1rZXktb2YtMzItYnl0ZXMtbG9uZyE=",
    "LOG_LEVEL": "WARNING",
    "DATABASE_URL": "sqlite:///var/checks.sqlite3",
    "DATA_DIR": "var/checks",
}


def check(name: str, command: list[str | Path]) -> bool:
    """Run one check quietly; show what it said only when it fails."""
    began = time.monotonic()
    (ROOT / "var" / "checks").mkdir(parents=True, exist_ok=True)
    env = {**os.environ, **SAFE}
    done = subprocess.run(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    good = done.returncode == 0
    print(f"{'ok  ' if good else 'FAIL'} {name} ({time.monotonic() - began:.1f} s)", flush=True)
    if not good:
        print(done.stdout, flush=True)
    return good


def suite(database: str) -> tuple[bool, dict[str, int]]:
    """Run the whole suite on one database, showing its progress; return how it went and its counts."""
    print(f"\n--- the suite on {database}", flush=True)
    env = {**os.environ, "TEST_DB": database}
    command = [PYTHON, "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]
    command += DATABASES[database]
    said: list[str] = []
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            said = [*said[-4:], line]
    counts = {
        word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|errors?|skipped)", " ".join(said))
    }
    return process.returncode == 0 and not counts.get("skipped"), counts


def main(only: str | None) -> int:
    """Return 0 when every check and every test passed and none was skipped."""
    results = [check(name, command) for name, command in CHECKS.items()]  # all of them, not up to the first
    good = all(results)
    if only == "lint":
        return 0 if good else 1
    total: dict[str, int] = {}
    began = time.monotonic()
    for database in DATABASES:
        passed, counts = suite(database)
        good = good and passed
        for word, number in counts.items():
            total[word] = total.get(word, 0) + number
    told = ", ".join(
        f"{total.get(word, 0)} {word}" for word in ("failed", "passed") if total.get(word) or word == "passed"
    )
    if not good and not total.get("failed"):
        told = f"1 failed, {told}"  # a check, an error or a skip
    print(f"\n{told} in {time.monotonic() - began:.2f}s", flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else None))
