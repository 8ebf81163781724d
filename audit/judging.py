"""Grow two trees side by side, by the entries as they are stored and by the tiles, and let checkpoints judge.

As long as they are one tree, that is one comparison for 256 entries. Where they part, the next checkpoint tells which
of the two was signed, and so whether an entry was altered or a tile; then both go on as the one that was right.
"""

from collections.abc import Sequence
from typing import NamedTuple

from audit.merkle import EMPTY_ROOT, HASH_BYTES, Frontier, complete_hash

HEIGHT = 8
WIDTH = 1 << HEIGHT


class Finding(NamedTuple):
    """Say what is wrong, and from which leaf on."""

    leaf_index: int
    sentence: str


class Mark(NamedTuple):
    """Hold what a checkpoint says; `note` is "" when nobody signed it."""

    size: int
    root: bytes
    note: str = ""


class Judge:
    """Take one tile after another from the left, each with the checkpoints that end inside of it."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.root = EMPTY_ROOT  # of all entries so far
        self.tops: list[bytes | None] = []  # the hash above each full tile, None where it is doubtful
        self._entries, self._tiles = Frontier(), Frontier()
        self._parted: list[int] = []  # leaves at which the two differ since the last checkpoint that fitted
        self._good = 0  # the size of that checkpoint
        self._fits = True

    def find(self, leaf_index: int, sentence: str) -> None:
        """Note what is wrong."""
        self.findings.append(Finding(leaf_index, sentence))

    def take(self, first: int, entries: Sequence[bytes | None], tile: bytes, marks: Sequence[Mark]) -> None:
        """Compare the tile that begins with leaf `first` with the hashes of its entries; None is one that is gone."""
        standing = [each or EMPTY_ROOT for each in entries]
        if None not in entries and b"".join(standing) == tile:
            claimed = standing
        else:
            standing, claimed = self._part(first, entries, tile)
        for mark in marks:
            self._judge(mark, mark.size - first, standing, claimed)
        self.root = self._entries.root(standing) if len(standing) < WIDTH else EMPTY_ROOT
        if len(standing) == WIDTH:
            top, other = complete_hash(standing), complete_hash(claimed)
            self._entries.push(HEIGHT, top)
            self._tiles.push(HEIGHT, other)
            self.tops.append(top if top == other else None)
            self.root = self._entries.root()

    def end(self, size: int) -> None:
        """Name what no checkpoint has judged."""
        self._name_parted(size, "it or its hash in the tile was altered, and no checkpoint tells which")
        if self._good < size and self._fits:
            self.find(self._good, f"no checkpoint covers the entries from {self._good} on")

    def _part(self, first: int, entries: Sequence[bytes | None], tile: bytes) -> tuple[list[bytes], list[bytes]]:
        """Note where a tile and its entries differ; what is missing in the one is taken from the other."""
        given = [tile[at : at + HASH_BYTES] for at in range(0, len(tile), HASH_BYTES)][: len(entries)]
        if len(tile) != len(entries) * HASH_BYTES:
            self.find(first, f"tile/0/{first // WIDTH} has {len(tile)} bytes where {len(entries)} entries are")
        claimed = [*given, *(each or EMPTY_ROOT for each in entries[len(given) :])]
        standing = [each or other for each, other in zip(entries, claimed, strict=True)]
        self._parted += [first + at for at, each in enumerate(standing) if each != claimed[at]]
        return standing, claimed

    def _judge(self, mark: Mark, inside: int, standing: list[bytes], claimed: list[bytes]) -> None:
        right = self._entries.root(standing[:inside]) == mark.root
        tiles_right = self._tiles.root(claimed[:inside]) == mark.root if self._parted else right
        if not right and not tiles_right:
            self._neither(mark)
            return
        self._fits, self._good = True, mark.size
        self._name_parted(mark.size, "it has another hash in its tile" if right else "it isn't what was logged")
        if right:
            self._tiles, claimed[:inside] = self._entries.copy(), standing[:inside]
        else:
            self._entries, standing[:inside] = self._tiles.copy(), claimed[:inside]

    def _neither(self, mark: Mark) -> None:
        """Note why a checkpoint fits nothing; of several in a row only the first tells something."""
        if not self._name_parted(mark.size, "it or its hash in the tile was altered, or the checkpoint") and self._fits:
            signed = "they and their tiles were altered" if mark.note else "they and their tiles, or it, were altered"
            self.find(self._good, f"entries {self._good} to {mark.size - 1} aren't those of their checkpoint: {signed}")
        self._fits = False

    def _name_parted(self, size: int, what: str) -> bool:
        """Name the leaves below `size` at which the two trees differ."""
        named = [at for at in self._parted if at < size]
        self._parted = self._parted[len(named) :]
        for at in named:
            self.find(at, f"entry {at}: {what}")
        return bool(named)
