"""Write a log as static files in the layout of C2SP tlog-tiles: checkpoint, tile/L/N[.p/W], tile/entries/N[.p/W].

Every file is written beside its place and moved there, the checkpoint last, so that whoever reads while we write sees
one whole log. The folder itself tells how far it is: what its checkpoint covers has been written.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from django.db import connection

from audit.merkle import HASH_BYTES
from audit.tiles import WIDTH, Damaged, Tiles, widths

LENGTH_BYTES = 2


def write(folder: Path, log: int, note: str, *, before: int, size: int) -> None:
    """Bring a folder that holds the first `before` leaves to `size`, and put the note in its place."""
    tiles = Tiles(log)
    for level, count in widths(size):
        _write_level(folder / "tile" / str(level), before >> 8 * level, count, tiles_of(tiles, level))
    _write_level(folder / "tile" / "entries", before, size, lambda n, width: bundle(log, n, width))
    put(folder / "checkpoint", note.encode())


def tiles_of(tiles: Tiles, level: int) -> Callable[[int, int], bytes]:
    """Give what reads the first `width` hashes of a level's tile n. It raises Damaged when there are fewer."""

    def read(n: int, width: int) -> bytes:
        hashes = tiles.tile(level, n)[: width * HASH_BYTES]
        if len(hashes) != width * HASH_BYTES:
            raise Damaged(f"tile/{level}/{n} of log {tiles.log} is shorter than {width}")
        return hashes

    return read


def bundle(log: int, n: int, width: int) -> bytes:
    """Give the first `width` entries of bundle n, each after its length in 16 bits. Raises Damaged."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT e.body FROM audit_leaf l JOIN audit_entry e ON e.id = l.entry_id"
            " WHERE l.log = %s AND l.leaf_index >= %s AND l.leaf_index < %s ORDER BY l.leaf_index",
            [log, n * WIDTH, n * WIDTH + width],
        )
        bodies = [bytes(body) for (body,) in cursor.fetchall()]
    if len(bodies) != width:
        raise Damaged(f"of bundle {n} of log {log} there are {len(bodies)} entries, not {width}")
    return b"".join(len(body).to_bytes(LENGTH_BYTES, "big") + body for body in bodies)


def name(n: int) -> str:
    """Write a tile's number as a path: 1234067 is x001/x234/067."""
    groups = [f"{n % 1000:03}"]
    while n := n // 1000:
        groups.insert(0, f"x{n % 1000:03}")
    return "/".join(groups)


def put(path: Path, content: bytes) -> None:
    """Write a file that appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    own = path.with_name(f".{path.name}.{os.getpid()}")
    with own.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    own.replace(path)


def _write_level(folder: Path, before: int, count: int, read: Callable[[int, int], bytes]) -> None:
    """Write the tiles of one level that have changed since `before` of its `count` hashes stood."""
    for n in range(before // WIDTH, -(-count // WIDTH) if count > before else 0):
        width = min(WIDTH, count - n * WIDTH)
        whole = folder / name(n)
        partial = whole.with_name(f"{whole.name}.p")
        put(whole if width == WIDTH else partial / str(width), read(n, width))
        if width == WIDTH:
            shutil.rmtree(partial, ignore_errors=True)
