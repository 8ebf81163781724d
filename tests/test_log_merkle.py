"""The tree is that of RFC 6962, its proofs hold exactly where they should, and nothing else is taken for one."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.merkle import (
    EMPTY_ROOT,
    Read,
    blocks,
    consistency_path,
    inclusion_path,
    leaf_hash,
    node_hash,
    root,
    verify_consistency,
    verify_inclusion,
)

ENTRY_0 = (
    b'{"actor":"agent:42","at":"2026-11-22T00:40:00.000000Z",'
    b'"ct_sha256":"60626a1baef2fe423eca3d9f312f4675b35d106edbde5404dc8e324b74fae3eb",'
    b'"kind":"verification.attempt","outcome":"refused","subject":"s-7f3c",'
    b'"uid":"00000000-0000-4000-8000-000000000000","v":1}'
)
ENTRY_3 = (
    b'{"actor":"agent:42","at":"2026-11-22T00:40:03.000000Z",'
    b'"ct_sha256":"9a3ad143942faf253b9a980153857601ecd3fc2e104868b3c41470095d9d102d",'
    b'"kind":"case.update","outcome":"ok","subject":"s-7f3c",'
    b'"uid":"00000000-0000-4000-8000-000000000003","v":1}'
)
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "5963e7fae4f2ea98994debb2bf1b776311ef75326fccc48eb987fd016d2a986e",
        "bad19895e205ec30aa161ee4bbef8dfed91cc2acc1a57617baacb34c3b2aab9d",
        "3c68e8789b5ff06212cc2d81b00c59b5a8c072912aeae34b05dcdf3f121c93b2",
        "2360fdf4b951734c349eee0d027b00cd79a139a6c814d086172f2eb1dee2bca7",
        "7b664f676152b096f6b969204b05eefc40726a20e62c1a9f87ca857051c1b2b0",
    )
]
NODE_01 = bytes.fromhex("39078e7c485db0758c01183dee169b254eff328937f792224a7d43a3d28643bf")
ROOT_3 = bytes.fromhex("0794c2a97462b53c863473bb738e4dfe4bc64cc32ff68e796a4f6bdd59891dc5")
ROOT_5 = bytes.fromhex("6257229f4e3e771a5fd03e864442e2c58271cba5b11416bd5b8e74f9e8835077")


def mth(leaves: list[bytes]) -> bytes:
    """Hash a tree as RFC 6962 section 2.1 writes it, slowly."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = largest_power_below(len(leaves))
    return hashlib.sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m: int, leaves: list[bytes]) -> list[bytes]:
    """Prove inclusion as RFC 6962 section 2.1.1 writes it."""
    if len(leaves) == 1:
        return []
    k = largest_power_below(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def proof(m: int, leaves: list[bytes], whole: bool = True) -> list[bytes]:
    """Prove consistency as RFC 6962 section 2.1.2 writes it."""
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = largest_power_below(len(leaves))
    if m <= k:
        return [*proof(m, leaves[:k], whole), mth(leaves[k:])]
    return [*proof(m - k, leaves[k:], False), mth(leaves[:k])]


def largest_power_below(number: int) -> int:
    k = 1
    while k * 2 < number:
        k *= 2
    return k


def reader(leaves: list[bytes]) -> Read:
    """Read complete subtrees only: asking for more than there is fails the test."""

    def read(level: int, index: int) -> bytes:
        covered = leaves[index << level : (index + 1) << level]
        assert len(covered) == 1 << level
        return mth(covered)

    return read


def numbered(count: int) -> list[bytes]:
    return [leaf_hash(b"entry %d" % number) for number in range(count)]


def test_the_worked_example_has_exactly_these_hashes_and_paths() -> None:
    assert (leaf_hash(ENTRY_0), leaf_hash(ENTRY_3)) == (LEAVES[0], LEAVES[3])
    assert node_hash(LEAVES[0], LEAVES[1]) == NODE_01
    read = reader(LEAVES)
    assert (root(read, 3), root(read, 5)) == (ROOT_3, ROOT_5)
    assert inclusion_path(read, 3, 5) == [LEAVES[2], NODE_01, LEAVES[4]]
    assert consistency_path(read, 3, 5) == [LEAVES[2], LEAVES[3], NODE_01, LEAVES[4]]
    assert verify_inclusion(LEAVES[3], 3, 5, [LEAVES[2], NODE_01, LEAVES[4]], ROOT_5)
    assert verify_consistency(3, 5, [LEAVES[2], LEAVES[3], NODE_01, LEAVES[4]], ROOT_3, ROOT_5)


def test_every_tree_and_proof_up_to_forty_leaves_is_that_of_the_recursive_text() -> None:
    leaves = numbered(40)
    read = reader(leaves)
    for size in range(41):
        assert root(read, size) == mth(leaves[:size])
        for index in range(size):
            assert inclusion_path(read, index, size) == path(index, leaves[:size])
        for first in range(1, size + 1):
            assert consistency_path(read, first, size) == proof(first, leaves[:size])


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_a_proof_holds_for_its_own_leaf_place_size_and_root_and_for_no_other(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 300))
    index = data.draw(st.integers(0, size - 1))
    leaves = numbered(size)
    above, given_path = mth(leaves), inclusion_path(reader(leaves), index, size)
    assert verify_inclusion(leaves[index], index, size, given_path, above)
    assert not verify_inclusion(leaf_hash(b"another"), index, size, given_path, above)
    assert not verify_inclusion(leaves[index], index, size, given_path, leaf_hash(b"root"))
    for other in data.draw(st.lists(st.integers(-2, 2 * size + 2), max_size=8)):
        assert verify_inclusion(leaves[index], other, size, given_path, above) is (other == index)
    for spoilt in spoilt_paths(data, given_path):
        assert not verify_inclusion(leaves[index], index, size, spoilt, above)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_one_tree_begins_another_only_as_proven(data: st.DataObject) -> None:
    second = data.draw(st.integers(2, 300))
    first = data.draw(st.integers(1, second - 1))
    leaves = numbered(second)
    old, new = mth(leaves[:first]), mth(leaves)
    given_path = consistency_path(reader(leaves), first, second)
    assert verify_consistency(first, second, given_path, old, new)
    rewritten = mth([leaf_hash(b"rewritten"), *leaves[1:first]])
    assert not verify_consistency(first, second, given_path, rewritten, new)
    assert not verify_consistency(first, second, given_path, old, leaf_hash(b"root"))
    assert not verify_consistency(second, first, given_path, old, new)
    for spoilt in spoilt_paths(data, given_path):
        assert not verify_consistency(first, second, spoilt, old, new)


def spoilt_paths(data: st.DataObject, path: list[bytes]) -> list[list[bytes]]:
    """Draw what a forger would try: one hash more, one less, one changed, two exchanged, hashes of another length."""
    extra = leaf_hash(b"extra")
    spoilt = [[*path, extra], [extra, *path]]
    if path:
        place = data.draw(st.integers(0, len(path) - 1))
        flipped = bytes([path[place][0] ^ 1]) + path[place][1:]
        for changed in ([], [flipped], [path[place], path[place]], [path[place][:-1]], [path[place] + b"\0"]):
            spoilt.append([*path[:place], *changed, *path[place + 1 :]])
    if len(path) > 1:
        spoilt.append([path[1], path[0], *path[2:]])
    return spoilt


def test_the_empty_tree_begins_every_tree_and_each_tree_itself_without_a_path() -> None:
    leaves = numbered(5)
    above = mth(leaves)
    assert mth([]) == EMPTY_ROOT
    assert consistency_path(reader(leaves), 0, 5) == consistency_path(reader(leaves), 5, 5) == []
    assert verify_consistency(0, 5, [], EMPTY_ROOT, above)
    assert verify_consistency(5, 5, [], above, above)
    assert not verify_consistency(0, 5, [], above, above)
    assert not verify_consistency(0, 5, [above], EMPTY_ROOT, above)
    assert not verify_consistency(5, 5, [], ROOT_3, above)
    assert not verify_consistency(4, 5, [], mth(leaves[:4]), above)
    assert not verify_consistency(3, 5, [], mth(leaves[:3]), above)


def test_nothing_is_proven_of_a_leaf_or_a_tree_that_is_not_there() -> None:
    read = reader(numbered(5))
    for index, size in ((5, 5), (-1, 5), (0, 0)):
        with pytest.raises(ValueError, match="no leaf"):
            inclusion_path(read, index, size)
    for first, second in ((6, 5), (-1, 5)):
        with pytest.raises(ValueError, match="begin"):
            consistency_path(read, first, second)


@given(st.integers(0, 10**12), st.integers(0, 10**6))
def test_blocks_cover_a_span_once_without_gaps_with_few_subtrees(start: int, length: int) -> None:
    place, count = start, 0
    for level, index in blocks(start, start + length):
        assert index << level == place
        place += 1 << level
        count += 1
    assert place == start + length
    assert count <= 2 * max(1, length.bit_length())


def test_a_proof_in_ten_million_leaves_reads_no_more_hashes_than_the_tree_has_levels_twice() -> None:
    reads: list[tuple[int, int]] = []

    def read(level: int, index: int) -> bytes:
        reads.append((level, index))
        return leaf_hash(b"%d %d" % (level, index))

    inclusion_path(read, 6_543_210, 10_000_000)
    assert len(reads) <= 48
    assert all((index + 1) << level <= 10_000_000 for level, index in reads)
