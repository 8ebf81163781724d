"""DATA_DIR while it is served from: made for its owner alone, locked by one start, telling the others the address."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from django.conf import settings

_HELD: Final[list[int]] = []  # descriptors; the kernel lets go of the lock when the process ends, however it ends


class InUse(Exception):
    """Another start holds DATA_DIR; the message is one line."""


def make() -> None:
    """Make DATA_DIR and what belongs in it, 0700 each; a folder that is there stays as its owner made it."""
    for folder in ("", "outbox", "outbox/mail", "secrets"):
        (settings.DATA_DIR / folder).mkdir(parents=True, exist_ok=True, mode=0o700)


def lock() -> None:
    """Hold DATA_DIR until this process ends. Raises InUse when another start holds it."""
    descriptor = os.open(settings.DATA_DIR / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        at = f" at {served}" if (served := served_address()) else ""
        raise InUse(
            f"{settings.DATA_DIR} is in use by another start{at}; stop that, or give another DATA_DIR."
        ) from None
    _HELD.append(descriptor)


@contextlib.contextmanager
def address(url: str) -> Iterator[None]:
    """Leave word in DATA_DIR of the address that is served, as long as it is."""
    _address().write_text(url + "\n", encoding="utf-8")
    try:
        yield
    finally:
        _address().unlink(missing_ok=True)


def served_address() -> str:
    """Return the address that `up` serves from this DATA_DIR, "" when none has been left."""
    try:
        return _address().read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""


def _address() -> Path:
    return Path(settings.DATA_DIR) / "address"
