"""Turn a document into the one sequence of bytes that is stored and hashed."""

import json
import re
from collections.abc import Mapping
from typing import Any

LARGEST_INTEGER = 2**53 - 1
SURROGATE = re.compile("[\ud800-\udfff]")
# Where keys are ASCII and numbers are integers no larger than that, Python's own JSON has no other form than RFC 8785,
# and writes it in a quarter of the time (tests/test_log_entries.py compares them). `check` has met every circle before.
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, check_circular=False).encode


def canonical(document: Mapping[str, Any], *, path: str = "document") -> bytes:
    """Give the canonical JSON (RFC 8785) of a document of str, int, bool, None, list and dict.

    Floats, integers beyond 2**53 - 1 and keys that aren't ASCII raise TypeError naming where they stand: with them,
    other people's JSON libraries would disagree about the bytes.
    """
    check(document, path)
    return written(document)


def written(document: Mapping[str, Any]) -> bytes:
    """Give the canonical JSON of a document that `check` has accepted already."""
    return _encode(document).encode()


def check(value: object, path: str) -> None:
    """Raise TypeError naming the path unless a value is made of what canonical() accepts."""
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, int):
        _check_integer(value, path)
    elif isinstance(value, str):
        _check_text(value, path)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            check(item, f"{path}[{index}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_key(key, path)
            check(item, f"{path}.{key}")
    else:
        raise TypeError(f"{path}: {type(value).__name__} can't be written into the log")


def _check_integer(value: int, path: str) -> None:
    if abs(value) > LARGEST_INTEGER:
        raise TypeError(f"{path}: an integer beyond 2**53 - 1")


def _check_text(value: str, path: str) -> None:
    if not value.isascii() and SURROGATE.search(value):
        raise TypeError(f"{path}: a lone surrogate has no UTF-8")


def _check_key(key: object, path: str) -> None:
    if not isinstance(key, str) or not key.isascii():
        raise TypeError(f"{path}: the key {key!r} isn't ASCII text")
