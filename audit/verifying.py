"""Verify a whole log against what was signed: every entry, every hash, every checkpoint, from the first to the last.

Nothing is believed because it stands in the database: signatures are checked with public keys, and the checkpoints that
sinks and auditors hold count as much as our own. All is read from one snapshot, while the house goes on writing.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import NamedTuple

from django.db import connection, transaction

from audit import stored
from audit.copies import Comparison, Row, differing
from audit.judging import HEIGHT, WIDTH, Finding, Judge, Mark
from audit.merkle import complete_hash
from audit.models import Tree
from audit.notes import Checkpoint, NoCheckpoint, NotSigned, open_checkpoint

BATCH = 16 * WIDTH
ENOUGH = 100
LARGEST = 2**63 - 1
OUT_OF_ORDER = 3600  # seconds that an entry may have waited behind a transaction that began before it

Progress = Callable[[int, int], None]


class Verified(NamedTuple):
    """Say what was looked at, up to which size it is signed, and what was found: the first bad entry first."""

    origin: str
    size: int
    checkpoints: int
    signatures: int
    signed: int
    findings: list[Finding]


def verify(
    tree: Tree, vkeys: Sequence[str], *, held: Sequence[str] = (), progress: Progress = lambda _done, _of: None
) -> Verified:
    """Verify one log with its public keys; `held` are notes of it that others have kept."""
    with _one_snapshot():
        tree.refresh_from_db()
        check = _Check(tree, vkeys, max(stored.count(tree.log), tree.size))
        check.begin(held)
        for start in range(0, check.size, BATCH):
            if len(check.judge.findings) >= ENOUGH:
                break
            end = min(start + BATCH, check.size)
            check.batch(start, end)
            progress(end, check.size)
        else:
            check.end()
    return Verified(
        tree.origin,
        check.size,
        check.checkpoints,
        check.signatures,
        check.signed,
        sorted(check.judge.findings)[:ENOUGH],
    )


@contextmanager
def _one_snapshot() -> Iterator[None]:
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost and connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield


class _Check:
    """Hold how far one verification has come."""

    def __init__(self, tree: Tree, vkeys: Sequence[str], size: int) -> None:
        self.tree, self.vkeys, self.size = tree, list(vkeys), size
        self.judge, self.copies = Judge(), Comparison()
        self.find = self.judge.find
        self.checkpoints = self.signatures = self.signed = 0
        self.held: list[Mark] = []
        self.latest = 0

    def begin(self, held: Sequence[str]) -> None:
        """Take the notes that others hold, and those whose checkpoint is gone, beside the checkpoints that stand."""
        for size, note in stored.notes_alone(self.tree.log):
            self.find(min(size, self.size), f"the checkpoint of {size} entries is gone, its signed note isn't")
            held = [*held, note]
        for note in held:
            if said := self._opened(note, 0, "a checkpoint that was kept outside"):
                self.held.append(Mark(said.size, said.root, note))

    def batch(self, start: int, end: int) -> None:
        """Verify the leaves from start, a multiple of 256, up to end, and the checkpoints among them."""
        leaves = stored.leaves(self.tree.log, start, end)
        tiles = stored.tiles(self.tree.log, 0, start // WIDTH, -(-end // WIDTH))
        marks = [mark for row in stored.checkpoints(self.tree.log, start, end) for mark in self._marks(row)]
        marks += [mark for mark in self.held if start < mark.size <= end]
        self.checkpoints += len(marks)
        complete = len(leaves) == end - start
        for first in range(start, end, WIDTH):
            last = min(first + WIDTH, end)
            own = (
                leaves[first - start : last - start] if complete else [row for row in leaves if first <= row[0] < last]
            )
            inside = sorted(mark for mark in marks if first < mark.size <= last)
            self.judge.take(first, self._hashes(own, first, last), tiles.get(first // WIDTH, b""), inside)

    def end(self) -> None:
        """Verify what stands at the end: the tiles above, what is beyond the last leaf, and what was left out."""
        self._tiles_above()
        beyond = [*stored.checkpoints(self.tree.log, self.size, LARGEST), *self.held]
        if self.size and not self.signed:
            self.find(0, "no key that is trusted has signed this log: nothing but the database vouches for it")
        largest = max((mark.size for mark in beyond), default=0)
        self.judge.end(self.size if largest <= self.size else 0)
        if largest > self.size:
            self.find(
                self.size, f"entry {self.size} and what follows it are gone: a checkpoint counts {largest} entries"
            )
        if self.tree.size != self.size or bytes(self.tree.root) != self.judge.root:
            self.find(self.size, f"the tree's own row counts {self.tree.size} entries, or has another root than they")
        for uid in stored.left_out(self.tree):
            self.find(self.size, f"the entry {uid} was committed and left out of the log")

    def _hashes(self, rows: list[Row], first: int, last: int) -> list[bytes | None]:
        """Hash the entries of one tile as they are stored, and compare their columns; None for one that is gone."""
        equal, hashes = self.copies.equal, dict[int, bytes]()
        for row in rows:  # plain tuples, by number: to name a million takes a second
            at, body = row[0], row[1]
            if body is not None:
                hashes[at] = sha256(b"\x00" + body).digest()
                if not equal(row) and (columns := differing(Row(*row))):
                    self.find(at, f"entry {at}: {', '.join(columns)} isn't what was logged ({row[3]})")
                self._in_time(at, row[9])
        if len(hashes) != last - first:
            for at in sorted(set(range(first, last)) - hashes.keys()):
                self.find(at, f"entry {at}: it is gone")
        return [hashes.get(at) for at in range(first, last)]

    def _in_time(self, at: int, second: int | None) -> None:
        """Hold an entry's moment against those before it: it is in no hash, but a period is searched by it."""
        if second is None:  # SQLite takes any text for a moment
            self.find(at, f"entry {at}: its moment can't be read")
        elif second < self.latest - OUT_OF_ORDER:
            self.find(at, f"entry {at}: its moment lies more than an hour before that of an entry in front of it")
        else:
            self.latest = max(self.latest, second)

    def _marks(self, row: Mark) -> list[Mark]:
        """Give what a checkpoint's row says, and what its signed note says if that is something else."""
        if not row.note:
            return [row]
        said = self._opened(row.note, row.size, f"the checkpoint of {row.size} entries")
        if said is None:
            return [row._replace(note="")]
        if (said.size, said.root) != (row.size, row.root):
            self.find(row.size - 1, f"the checkpoint of {row.size} entries isn't the one that was signed")
        return [Mark(said.size, said.root, row.note)] if said.size == row.size else []

    def _opened(self, note: str, size: int, which: str) -> Checkpoint | None:
        try:
            said = open_checkpoint(note, self.vkeys)
        except (NotSigned, NoCheckpoint) as wrong:
            self.find(max(size - 1, 0), f"{which}: {wrong}")
            return None
        if said.origin != self.tree.origin:
            self.find(max(size - 1, 0), f"{which} is of {said.origin}")
            return None
        self.signatures += 1
        self.signed = max(self.signed, said.size)
        return said

    def _tiles_above(self) -> None:
        """Compare the tiles above the lowest ones with the hashes that belong into them."""
        level, expected = 1, self.judge.tops
        while expected:
            tops: list[bytes | None] = []
            tiles = stored.tiles(self.tree.log, level, 0, LARGEST)
            for n in range(-(-len(expected) // WIDTH)):
                hashes = expected[n * WIDTH : (n + 1) * WIDTH]
                known = [each for each in hashes if each is not None]
                if len(known) == len(hashes) and tiles.get(n) != b"".join(known):
                    self.find(n << HEIGHT * (level + 1), f"tile/{level}/{n} was altered")
                if len(hashes) == WIDTH:
                    tops.append(complete_hash(known) if len(known) == WIDTH else None)
            level, expected = level + 1, tops
