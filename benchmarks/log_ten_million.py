"""Proofs out of a log of ten million, of which only those tiles are made that a proof reads."""

from __future__ import annotations

import os
import time
from statistics import median
from typing import Any
from uuid import UUID

from django.db import connection

from audit.merkle import HASH_BYTES, leaf_hash, root
from audit.models import Entry, Leaf, Tile, Tree
from audit.proofs import prove
from audit.tiles import TILE_BYTES, WIDTH, Tiles, joined, widths
from benchmarks.log_million import sign

SIZE = 10_000_000
PROOFS = 200
LOG = 2

FILLER = """
    INSERT INTO audit_tile (log, level, n, hashes)
    SELECT %s, 0, n, sha256(n::text::bytea) FROM generate_series(0, %s) AS n ON CONFLICT DO NOTHING"""


def proven() -> dict[str, Any]:
    """Prove entries, each under another of the lowest tiles, and return the ms of one.

    Real are the tiles that hold these entries, the last one, and all above them; the other lowest tiles are rows of one
    hash, and the leaves that nobody asks for are missing. Each proof reads what it needs anew, and verifies itself.
    """
    uids = _log()
    taken = []
    for uid in uids:
        began = time.perf_counter()
        prove(uid)
        taken.append((time.perf_counter() - began) * 1000)
    return {"leaves": SIZE, "proofs": len(taken), "median": round(median(taken), 2), "most": round(max(taken), 2)}


def _log() -> list[UUID]:
    """Make the log and return the receipts of the entries that can be proven."""
    entries = list(Entry.objects.order_by("-id")[:PROOFS])
    every = SIZE // len(entries)
    places = {place * every + place % WIDTH: entry for place, entry in enumerate(entries)}
    Leaf.of_every_log.bulk_create(Leaf(log=LOG, leaf_index=at, entry=entry) for at, entry in places.items())
    lowest = {SIZE // WIDTH: os.urandom(SIZE % WIDTH * HASH_BYTES)}
    for at, entry in places.items():
        n, inside = divmod(at, WIDTH)
        hashes = bytearray(lowest.get(n) or os.urandom(TILE_BYTES))
        hashes[inside * HASH_BYTES : (inside + 1) * HASH_BYTES] = leaf_hash(bytes(entry.body))
        lowest[n] = bytes(hashes)
    _store(lowest)
    tree = Tree(log=LOG, origin="measured.example/ten-million", size=SIZE)
    tree.root = root(Tiles(LOG).read, SIZE)
    tree.save()
    sign(tree)
    return [entry.uid for entry in entries]


def _store(lowest: dict[int, bytes]) -> None:
    """Write the lowest tiles, fillers between them, and every tile above."""
    rows = [Tile(log=LOG, level=0, n=n, hashes=hashes) for n, hashes in lowest.items()]
    (_, _), *above = widths(SIZE)
    known = {n: joined(hashes) for n, hashes in lowest.items() if len(hashes) == TILE_BYTES}
    for level, count in above:
        run = b"".join(known.get(n) or os.urandom(HASH_BYTES) for n in range(count))
        tiles = [run[start : start + TILE_BYTES] for start in range(0, len(run), TILE_BYTES)]
        rows += [Tile(log=LOG, level=level, n=n, hashes=hashes) for n, hashes in enumerate(tiles)]
        known = {n: joined(hashes) for n, hashes in enumerate(tiles) if len(hashes) == TILE_BYTES}
    Tile.of_every_log.bulk_create(rows, batch_size=500)
    with connection.cursor() as cursor:
        cursor.execute(FILLER, [LOG, SIZE // WIDTH])
