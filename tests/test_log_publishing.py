"""What is signed was committed, goes on from all that was published before, and is given to every sink."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from audit import log_keys, merkle, notes, publishing, sequencing
from audit.models import SignedCheckpoint, Tree
from audit.tiles import joined
from tests.test_log_sequencer import all_of_it, write

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
VKEY = "testserver/log+%s+"


@pytest.fixture
def folder(live_database: str, tmp_path: Path, settings: Any) -> Path:
    """Publish into a folder of the test's own; return it."""
    settings.DATA_DIR = tmp_path / "var"
    return tmp_path / "var" / "log"


@pytest.fixture
def copy(folder: Path, settings: Any, tmp_path: Path) -> Path:
    """Give the checkpoints to another folder too; return that."""
    (tmp_path / "copy").mkdir()
    settings.LOG_SINKS = [f"dir:{tmp_path / 'copy'}"]
    return tmp_path / "copy"


def publish(count: int = 0, *, at: datetime = AT) -> SignedCheckpoint | None:
    """Write entries, sequence them and publish."""
    if count:
        write(count)
    all_of_it()
    return publishing.publish(at=at)


def published(count: int = 0, *, at: datetime = AT) -> SignedCheckpoint:
    signed = publish(count, at=at)
    assert signed is not None
    return signed


def vkeys() -> list[str]:
    return log_keys.vkeys(the_tree())


def the_tree() -> Tree:
    tree = Tree.current()
    assert tree is not None
    return tree


def hashes_of(folder: Path, size: int) -> list[bytes]:
    """Read the leaves of a folder of files, by nothing but the published layout; check its hash tiles on the way."""
    found: list[bytes] = []
    for n in range(-(-size // 256)):
        width = min(256, size - n * 256)
        place = f"{n:03}" if width == 256 else f"{n:03}.p/{width}"
        bundle, leaves = (folder / "tile" / "entries" / place).read_bytes(), []
        while bundle:
            length = int.from_bytes(bundle[:2], "big")
            leaves.append(merkle.leaf_hash(bundle[2 : 2 + length]))
            bundle = bundle[2 + length :]
        assert (folder / "tile" / "0" / place).read_bytes() == b"".join(leaves)
        found += leaves
    return found


def root_of(folder: Path, size: int) -> bytes:
    leaves = hashes_of(folder, size)

    def read(level: int, index: int) -> bytes:
        row = leaves[index << level : (index + 1) << level]
        while len(row) > 1:
            row = [merkle.node_hash(row[at], row[at + 1]) for at in range(0, len(row), 2)]
        return row[0]

    return merkle.root(read, len(leaves))


def test_files_alone_prove_every_entry(folder: Path) -> None:
    for count in (3, 250, 300, 1):
        signed = published(count)
        checkpoint = notes.open_checkpoint((folder / "checkpoint").read_text(), vkeys())
        assert checkpoint == ("testserver/log", signed.size, root_of(folder, signed.size))
    assert not (folder / "tile" / "0" / "000.p").exists()
    above = [joined(b"".join(hashes_of(folder, 554)[start : start + 256])) for start in (0, 256)]
    assert (folder / "tile" / "1" / "000.p" / "2").read_bytes() == b"".join(above)


def test_nothing_is_signed_twice_in_two_ways(folder: Path) -> None:
    first = published(5)
    assert publishing.publish(at=AT + timedelta(days=1)) == first
    tree = the_tree()
    text = notes.checkpoint_text(tree.origin, 5, bytes(tree.root))
    assert notes.sign(text, *log_keys.signers(tree.origin)) == first.note


def test_what_could_still_be_rolled_back_is_not_signed(folder: Path) -> None:
    write(1)
    with transaction.atomic():
        sequencing.sequence()
        with pytest.raises(RuntimeError, match="durable"):
            publishing.publish(at=AT)
        transaction.set_rollback(True)
    assert not folder.exists()
