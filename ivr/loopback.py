"""The demo's provider: an order to turn a call is a file that the demo's own telephone finds and follows.

One file a call, named by it; the same order twice is one file.
"""

from __future__ import annotations

import os
from pathlib import Path

from django.conf import settings

from ivr.adapters import NotTurned


def turn(call_id: str, path: str) -> None:
    """Leave the order where the telephone looks. Raises NotTurned outside the demo, and when it can't be written."""
    if not settings.DEMO:
        raise NotTurned("NO_ACCOUNT", final=True)
    try:
        folder().mkdir(parents=True, exist_ok=True, mode=0o700)
        scratch = folder() / f".{call_id}.{os.getpid()}"
        scratch.write_text(path, encoding="ascii")
        scratch.replace(folder() / call_id)
    except OSError as error:
        raise NotTurned(type(error).__name__, final=False) from None


def taken(call_id: str) -> str | None:
    """Take the order that waits for a call, once: the path at which it goes on; None when there is none."""
    order = folder() / call_id
    try:
        path = order.read_text(encoding="ascii")
        order.unlink()
    except FileNotFoundError:
        return None
    return path


def folder() -> Path:
    """Give the folder that orders are left in."""
    return Path(settings.DATA_DIR) / "outbox" / "calls"
