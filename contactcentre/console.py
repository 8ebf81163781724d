"""Who sits at the console: what the machine says of the one who runs a command, for the log."""

from __future__ import annotations

import os
import pwd
import socket


def operator() -> str:
    """Name the account that runs this command and the one that it was borrowed from, with the machine.

    It is what the system knows, and no proof: whoever is root can be anybody. Two people and the alarm stand behind it.
    """
    own = _name(os.getuid())
    behind = _login_uid()
    lent = os.environ.get("SUDO_USER", "")[:60]
    named = dict.fromkeys([own, *([f"logged in as {_name(behind)}"] if behind is not None else [])])
    if lent and lent != own:
        named[f"by sudo of {lent}"] = None
    return f"{', '.join(named)} on {socket.gethostname()[:60]}"


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # an account that this machine has no name for, as in a container
        return f"uid {uid}"


def _login_uid() -> int | None:
    """Return the account that logged in at first, which sudo and su don't change (Linux audit), or None."""
    try:
        with open("/proc/self/loginuid", encoding="ascii") as file:
            found = int(file.read())
    except (OSError, ValueError):
        return None
    return found if found != 0xFFFFFFFF else None
