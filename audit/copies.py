"""Compare an entry's columns, by which people search, with its body, which is what was hashed."""

import hashlib
import json
from typing import NamedTuple

MOMENT_BYTES = len("2026-11-22T00:40:00.000000Z")


class Row(NamedTuple):
    """Hold one leaf's entry as its row has it, in the order of the query; every value is None when it is gone."""

    leaf_index: int
    body: bytes
    payload: bytes | None
    uid: str  # with hyphens
    kind: str
    subject: str
    actor: str
    outcome: str
    org: str
    second: int | None = 0  # at which the database took it in, since 1970


class Comparison:
    """Compare many entries: it remembers what actors and outcomes look like in a body, since they recur."""

    def __init__(self) -> None:
        self._starts: dict[str, bytes] = {}
        self._middles: dict[tuple[str, str, str], bytes] = {}

    def equal(self, row: Row) -> bool:
        """Tell whether the columns stand in the body where its canonical form, with sorted keys, has them.

        Several times as fast as parsing. What it can't tell for certain it calls unequal, and `differing` decides: a
        body of another version or with other keys, a value that is written with escapes.
        """
        _, body, payload, uid, kind, subject, actor, outcome, org, _ = row
        start = self._starts.get(actor) or self._start(actor)
        middle = self._middles.get((kind, org, outcome)) or self._middle(kind, org, outcome)
        end = f',"subject":"{subject}","uid":"{uid}","v":1}}'.encode()
        hashed = b'","facts":'
        if payload is not None:
            hashed = b'","ct_sha256":"%s",' % hashlib.sha256(payload).hexdigest().encode()
        # The purpose is the last text before the end; inside of it a quote would be escaped.
        purpose = body.rfind(b',"purpose":"', 0, len(body) - len(end))
        return (
            body.startswith(start)
            and body.startswith(hashed, len(start) + MOMENT_BYTES)
            and body.endswith(end)
            and purpose > 0
            and body.endswith(middle, 0, purpose)
            and _plain(subject)
        )

    def _start(self, actor: str) -> bytes:
        self._starts[actor] = f'{{"actor":"{actor}","at":"'.encode() if _plain(actor) else NEVER
        return self._starts[actor]

    def _middle(self, kind: str, org: str, outcome: str) -> bytes:
        written = f',"kind":"{kind}","org":"{org}","outcome":"{outcome}"'.encode()
        self._middles[kind, org, outcome] = written if _plain(kind + org + outcome) else NEVER
        return self._middles[kind, org, outcome]


NEVER = b"\xff"  # in no text


def differing(row: Row) -> list[str]:
    """Name the columns that don't say what the body says; "body" if it can't be read."""
    try:
        envelope = json.loads(row.body)
    except (ValueError, RecursionError):
        return ["body"]
    if not isinstance(envelope, dict):
        return ["body"]
    columns = {"uid": "uid", "kind": "kind", "subject": "subject_ref", "actor": "actor", "outcome": "outcome"}
    found = [column for name, column in columns.items() if envelope.get(name) != getattr(row, name)]
    if envelope.get("org", "") != row.org:
        found.append("org")
    hashed = hashlib.sha256(row.payload).hexdigest() if row.payload is not None else None
    if envelope.get("ct_sha256") != hashed:
        found.append("payload_ct")
    return found


def _plain(text: str) -> bool:
    return '"' not in text and "\\" not in text
