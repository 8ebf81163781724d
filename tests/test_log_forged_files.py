"""Whoever makes a file to deceive, exhaust or break a verifier gets one answer: nothing was proven."""

from __future__ import annotations

import base64
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from audit import exporting, log_keys, offline, standalone
from audit.models import Tree
from audit.notes import add
from tests.logs import AT, grow
from tests.test_log_export import repacked
from tests.test_log_proofs import GOOD, LOG, verdicts

END = 5
HUGE = 64_000_000
DIGITS = b'{"first":' + b"9" * 5_000 + b"}"
DAY = timedelta(days=1)


@pytest.fixture
def exported(db: None, tmp_path: Path, settings: Any) -> Path:
    """Export a log of five entries, none of which is shown."""
    settings.DATA_DIR = tmp_path / "var"
    grow(END, data_dir=tmp_path / "var")
    now = timezone.now()
    asked = exporting.stretch(since=now - DAY, until=now + DAY, organisation="o-9")
    exporting.export(tmp_path / "all.zip", asked, actor="system:test", purpose="A test", at=AT)
    return tmp_path / "all.zip"


@pytest.fixture
def vkey(exported: Path) -> str:
    tree = Tree.current()
    assert tree is not None
    return log_keys.vkeys(tree)[0]


def test_a_withheld_hash_of_another_length_is_refused_though_the_root_fits(exported: Path, vkey: str) -> None:
    """Two neighbours are hashed side by side: eight bytes of the right one may be said to be the left one's."""
    assert offline.verify(exported, [vkey]).withheld == END

    def moved(table: bytes) -> bytes:
        rows = [row.split(b",") for row in table.split(b"\r\n")]
        rows[1][1], rows[2][1] = rows[1][1] + rows[2][1][:16], rows[2][1][16:]
        return b"\r\n".join(b",".join(row) for row in rows)

    forged = repacked(exported, {"entries.csv": moved, "entries.jsonl": lambda _: b""})
    with pytest.raises(offline.NotProven):
        offline.verify(forged, [vkey])


def damaged(source: Path) -> Path:
    """Flip a bit inside of the compressed entries."""
    with zipfile.ZipFile(source) as packed:
        part = packed.getinfo("entries.jsonl")
    content = bytearray(source.read_bytes())
    content[part.header_offset + 30 + len(part.filename) + 60] ^= 0xFF
    target = source.with_name("damaged.zip")
    target.write_bytes(bytes(content))
    return target


def marked(source: Path, *, flags: int = 0, method: int | None = None) -> Path:
    """Say of every part that it is encrypted, or packed in a way that nobody knows."""
    content = bytearray(source.read_bytes())
    for signature, at in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        place = content.find(signature)
        while place >= 0:
            struct.pack_into("<H", content, place + at, flags)
            if method is not None:
                struct.pack_into("<H", content, place + at + 2, method)
            place = content.find(signature, place + 4)
    target = source.with_name("marked.zip")
    target.write_bytes(bytes(content))
    return target


BROKEN: dict[str, Callable[[Path], Path]] = {
    "damaged inside": damaged,
    "encrypted": lambda source: marked(source, flags=1),
    "packed in a way that nobody knows": lambda source: marked(source, method=99),
    "a proof nested deeply": lambda source: repacked(source, {"proof.json": lambda _: b"[" * 100_000}),
    "a number of many digits": lambda source: repacked(source, {"proof.json": lambda _: DIGITS}),
    "negative numbers": lambda source: repacked(
        source, {"proof.json": lambda c: c.replace(b'"first": 0', b'"first": -1')}
    ),
    "hashes that are no texts": lambda source: repacked(
        source, {"proof.json": lambda c: c.replace(b'"outside": []', b'"outside": [1]')}
    ),
    "a name said twice": lambda source: repacked(
        source, {"proof.json": lambda c: c.replace(b'"first": 0', b'"first": 0, "first": 1')}
    ),
    "a line twice after the end": lambda source: repacked(source, {"entries.jsonl": lambda c: c + c[-60:]}),
    "bytes that are no text": lambda source: repacked(source, {"checkpoint": lambda c: b"\xff" + c}),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_export_is_called_unproven_in_a_sentence(
    exported: Path, vkey: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    forged = BROKEN[name](exported)
    assert not verdicts(forged, vkey)
    assert offline.main([str(forged), "--vkey", vkey]) == 1
    assert capsys.readouterr().err.startswith("NOT PROVEN: ")
    assert offline.main([str(forged)]) in (1, 2)


def bomb(source: Path, part: str) -> Path:
    """Blow one part up to a hundred times what any may be."""
    target = source.with_name("bomb.zip")
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new:
        for name in old.namelist():
            new.writestr(name, b" " * HUGE if name == part else old.read(name))
    return target


def most_memory(refuse: Callable[[], object]) -> int:
    """Return how many bytes it takes at most to refuse."""
    tracemalloc.start()
    try:
        with pytest.raises((offline.NotProven, ValueError)):
            refuse()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("part", ["entries.jsonl", "proof.json", "checkpoint"])
def test_what_unpacks_to_a_huge_part_is_refused_before_it_is_unpacked(exported: Path, vkey: str, part: str) -> None:
    file = bomb(exported, part)
    assert most_memory(lambda: offline.verify(file, [vkey])) < HUGE / 8
    assert most_memory(lambda: standalone.main(str(file), vkey)) < HUGE / 8


def test_a_huge_proof_is_refused_before_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "huge.tlog-proof"
    with file.open("wb") as written:
        written.write(GOOD.encode())
        written.truncate(HUGE)
    assert most_memory(lambda: offline.verify(file, [LOG.vkey])) < HUGE / 8
    assert most_memory(lambda: standalone.main(str(file), LOG.vkey)) < HUGE / 8


def test_one_keys_signature_twice_counts_once_and_a_false_one_beside_it_spoils_the_note(tmp_path: Path) -> None:
    file = tmp_path / "one.tlog-proof"
    last = GOOD[GOOD.rindex("\n—") + 1 :]
    file.write_text(add(GOOD, last))
    assert verdicts(file, LOG.vkey)
    blob = bytearray(base64.b64decode(last.split(" ")[2]))
    blob[-1] ^= 1
    file.write_text(add(GOOD, f"— {LOG.name} {base64.b64encode(bytes(blob)).decode()}\n"))
    assert not verdicts(file, LOG.vkey)
