"""Hash a log into a tree, prove what is in it, and check such proofs. RFC 6962 section 2.1, RFC 9162 section 2.1.

Nothing here knows of a database: who proves hands in a `Read`, which gives the hash of the complete subtree of
2**level leaves at an index. Proving takes as many reads as the tree has levels, not as it has leaves.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from functools import partial

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256().digest()

Read = Callable[[int, int], bytes]


def leaf_hash(entry: bytes) -> bytes:
    """Hash one entry's stored bytes (RFC 9162 section 2.1.1)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two neighbours into the node above them."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(read: Read, size: int) -> bytes:
    """Give the root of the first `size` leaves."""
    return span_hash(read, 0, size) if size else EMPTY_ROOT


def span_hash(read: Read, start: int, size: int) -> bytes:
    """Give the hash of `size` leaves, at least one, from `start`: a multiple of a power of two no less than `size`."""
    return fold(read(level, index) for level, index in blocks(start, start + size))


def fold(hashes: Iterable[bytes]) -> bytes:
    """Join the hashes of ever smaller neighbours, from the right, into the one above all of them."""
    *rest, above = hashes
    for left in reversed(rest):
        above = node_hash(left, above)
    return above


def blocks(start: int, end: int) -> Iterable[tuple[int, int]]:
    """Cover the leaves from `start` up to `end` with the fewest complete subtrees: (level, index), from the left."""
    while start < end:
        level = (end - start).bit_length() - 1
        if start:
            level = min(level, (start & -start).bit_length() - 1)
        yield level, start >> level
        start += 1 << level


class Frontier:
    """Grow a tree from left to right and keep no more of it than its root needs: one hash a level."""

    def __init__(self) -> None:
        self.size = 0
        self._nodes: list[tuple[int, bytes]] = []

    def push(self, level: int, complete: bytes) -> None:
        """Add the hash of the complete subtree of 2**level leaves that comes next."""
        self.size += 1 << level
        while self._nodes and self._nodes[-1][0] == level:
            complete = node_hash(self._nodes.pop()[1], complete)
            level += 1
        self._nodes.append((level, complete))

    def copy(self) -> "Frontier":
        """Give one that grows by itself from here."""
        other = Frontier()
        other.size, other._nodes = self.size, [*self._nodes]
        return other

    def root(self, beyond: Sequence[bytes] = ()) -> bytes:
        """Give the root of all that was added, and of fewer leaves beyond it than its last subtree has."""
        read = partial(_read_among, beyond)
        hashes = [above for _, above in self._nodes] + [read(*block) for block in blocks(0, len(beyond))]
        return fold(hashes) if hashes else EMPTY_ROOT


def complete_hash(leaves: Sequence[bytes]) -> bytes:
    """Give the hash of a complete subtree of 1, 2, 4, 8, ... leaves."""
    while len(leaves) > 1:
        pairs = iter(leaves)
        leaves = [hashlib.sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=True)]
    return leaves[0]


def inclusion_path(read: Read, index: int, size: int) -> list[bytes]:
    """Prove that leaf `index` is in the tree of `size` leaves: the neighbours from the leaf up to the root."""
    if not 0 <= index < size:
        raise ValueError(f"there is no leaf {index} in a tree of {size}")
    path, start = [], 0
    while size > 1:
        left = _left_of(size)
        if index - start < left:
            path.append(span_hash(read, start + left, size - left))
            size = left
        else:
            path.append(span_hash(read, start, left))
            start, size = start + left, size - left
    return path[::-1]


def consistency_path(read: Read, first: int, second: int) -> list[bytes]:
    """Prove that the tree of `second` leaves begins with that of `first`; empty when first is 0 or equal to second."""
    if not 0 <= first <= second:
        raise ValueError(f"a tree of {second} doesn't begin with one of {first}")
    if first in (0, second):
        return []
    path, start, size = [], 0, second
    while first != start + size:
        left = _left_of(size)
        if first - start <= left:
            path.append(span_hash(read, start + left, size - left))
            size = left
        else:
            path.append(span_hash(read, start, left))
            start, size = start + left, size - left
    if start:  # otherwise the verifier already holds this hash: it is the first root
        path.append(span_hash(read, start, size))
    return path[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, path: list[bytes], root: bytes) -> bool:
    """Tell whether a path leads from this leaf hash at this index to this root (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size or not _are_hashes([leaf, root, *path]):
        return False
    sides = _sides(index, size - 1, len(path))
    if sides is None:
        return False
    above = leaf
    for neighbour, is_left in zip(path, sides, strict=True):
        above = node_hash(neighbour, above) if is_left else node_hash(above, neighbour)
    return above == root


def verify_consistency(first: int, second: int, path: list[bytes], first_root: bytes, second_root: bytes) -> bool:
    """Tell whether the tree of `second` begins with the tree of `first` (RFC 9162 section 2.1.4.2).

    The empty tree, whose root is EMPTY_ROOT, begins every tree; that and a tree's likeness to itself need no path.
    """
    if not 0 <= first <= second or not _are_hashes([first_root, second_root, *path]):
        return False
    if first in (0, second):
        return not path and first_root == (second_root if first else EMPTY_ROOT)
    if first & (first - 1) == 0:  # a complete tree: its own root is the hash that both have in common
        path = [first_root, *path]
    beyond = ((first - 1) ^ first).bit_length() - 1  # the levels inside what both have in common
    sides = _sides((first - 1) >> beyond, (second - 1) >> beyond, len(path) - 1)
    if sides is None:
        return False
    old = new = path[0]
    for neighbour, is_left in zip(path[1:], sides, strict=True):
        old = node_hash(neighbour, old) if is_left else old
        new = node_hash(neighbour, new) if is_left else node_hash(new, neighbour)
    return old == first_root and new == second_root


def _sides(position: int, last: int, steps: int) -> list[bool] | None:
    """Tell for each step from a node up to the root whether its neighbour stands left; None if that isn't the way up.

    `position` is the node's place in its level, `last` the place of the last node there.
    """
    sides: list[bool] = []
    while last and len(sides) < steps:
        sides.append(bool(position & 1) or position == last)
        if sides[-1]:
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        position, last = position >> 1, last >> 1
    return sides if last == 0 and len(sides) == steps else None


def _read_among(leaves: Sequence[bytes], level: int, index: int) -> bytes:
    return complete_hash(leaves[index << level : (index + 1) << level])


def _left_of(size: int) -> int:
    """Give the largest power of two that is less than `size`: where RFC 9162 splits a tree."""
    return 1 << ((size - 1).bit_length() - 1)


def _are_hashes(values: list[bytes]) -> bool:
    return all(len(value) == HASH_BYTES for value in values)
