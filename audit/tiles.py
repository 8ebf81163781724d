"""Keep the tree's hashes in tiles of 256, as C2SP tlog-tiles lays them out, in the database.

Tile n of level L holds the hashes of up to 256 complete subtrees of 256**L leaves each, side by side from the left. The
last of a level is partial and grows. From the tiles every hash of the tree can be had by hashing at most 255 times.
"""

from collections.abc import Sequence
from hashlib import sha256

from django.db import connection

from audit.merkle import HASH_BYTES
from audit.models import Tile

HEIGHT = 8
WIDTH = 1 << HEIGHT
TILE_BYTES = WIDTH * HASH_BYTES


class Damaged(Exception):
    """Tell that a tile is missing, or isn't as long as the tree is."""


class Tiles:
    """Read one log's tree; each tile is fetched once. `read` is what audit.merkle asks for."""

    def __init__(self, log: int) -> None:
        self.log = log
        self._held: dict[tuple[int, int], bytes] = {}

    def tile(self, level: int, n: int) -> bytes:
        """Give the hashes of one tile, as many as there are; b"" when there is no such tile."""
        if (level, n) not in self._held:
            found = Tile.of_every_log.filter(log=self.log, level=level, n=n).values_list("hashes", flat=True).first()
            self._held[level, n] = bytes(found or b"")
        return self._held[level, n]

    def read(self, level: int, index: int) -> bytes:
        """Give the hash of the complete subtree of 2**level leaves at an index. Raises Damaged when it isn't there."""
        above, inside = divmod(level, HEIGHT)
        n, first = divmod(index << inside, WIDTH)
        hashes = self.tile(above, n)[first * HASH_BYTES : (first + (1 << inside)) * HASH_BYTES]
        if len(hashes) != HASH_BYTES << inside:
            raise Damaged(f"tile/{above}/{n} of log {self.log} doesn't hold hash {first}")
        return joined(hashes)


class Growing(Tiles):
    """Append to one log's tree of `size` leaves; `store` writes what has changed."""

    def __init__(self, log: int, size: int) -> None:
        super().__init__(log)
        self.size = size
        self._changed: dict[tuple[int, int], bytes] = {}

    def append(self, hashes: Sequence[bytes]) -> None:
        """Append the hashes of leaves."""
        level, count = 0, self.size
        self.size += len(hashes)
        while hashes:
            hashes, count = self._fill(level, count, hashes), count // WIDTH
            level += 1

    def _fill(self, level: int, count: int, hashes: Sequence[bytes]) -> list[bytes]:
        """Put hashes after the `count` that stand on a level; return what each tile that is full now gives above."""
        n, standing = divmod(count, WIDTH)
        before = self.tile(level, n) if standing else b""
        if len(before) != standing * HASH_BYTES:
            raise Damaged(f"tile/{level}/{n} of log {self.log} holds {len(before)} bytes, not {standing} hashes")
        run, full = b"".join((before, *hashes)), []
        for start in range(0, len(run), TILE_BYTES):
            tile = self._held[level, n] = self._changed[level, n] = run[start : start + TILE_BYTES]
            if len(tile) == TILE_BYTES:
                full.append(joined(tile))
            n += 1
        return full

    def store(self) -> None:
        """Write the tiles that have changed."""
        rows = [(self.log, level, n, hashes) for (level, n), hashes in self._changed.items()]
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO audit_tile (log, level, n, hashes) VALUES (%s, %s, %s, %s)"
                " ON CONFLICT (log, level, n) DO UPDATE SET hashes = excluded.hashes",
                rows,
            )
        self._changed.clear()


def joined(hashes: bytes) -> bytes:
    """Join 2**k neighbouring hashes into the one above them all."""
    while len(hashes) > HASH_BYTES:
        hashes = b"".join(
            [
                sha256(b"\x01" + hashes[at : at + 2 * HASH_BYTES]).digest()
                for at in range(0, len(hashes), 2 * HASH_BYTES)
            ]
        )
    return hashes


def widths(size: int) -> list[tuple[int, int]]:
    """Tell how many hashes stand on each level of a tree of `size` leaves: (level, count), none of them 0."""
    found, level = [], 0
    while size:
        found.append((level, size))
        size, level = size // WIDTH, level + 1
    return found
