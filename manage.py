#!/usr/bin/env python3
"""Run a management command of contactcentre."""

import base64
import os
import secrets
import sys

TOUCH_NO_DATA = frozenset({"messages", "settings_reference", "retention_reference", "makemigrations"})


def main() -> None:
    if sys.argv[1:3] == ["audit", "verify-export"]:  # an auditor has neither our settings nor our database
        from audit.offline import main as verify

        sys.exit(verify(sys.argv[3:]))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "contactcentre.settings")
    make_do(sys.argv[1] if len(sys.argv) > 1 else "")
    try:
        from django.core.management import execute_from_command_line
    except ModuleNotFoundError:
        sys.exit("This Python has no Django: use .venv/bin/python, which `make run` sets up.")
    execute_from_command_line(sys.argv)


def make_do(command: str) -> None:
    """Let what needs no secret of yours run in an empty shell: `demo`, and the commands that touch no data.

    A database that isn't a demo's is still refused by its mark. Nothing that serves or migrates gets a throw-away key:
    what it sealed couldn't be read again.
    """
    if command == "demo":
        os.environ.setdefault("DEMO", "1")
    elif command in TOUCH_NO_DATA:
        for name in ("SECRET_KEY", "FIELD_KEY"):
            if not os.environ.get(name) and not os.environ.get(f"{name}_FILE"):
                os.environ[name] = base64.b64encode(secrets.token_bytes(32)).decode()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("Stopped.")
