"""Verify a file that left the house, with nothing but the file and the log's public key.

No Django, no settings, no database: `python -m audit.offline PATH --vkey KEY`, which `manage.py audit verify-export`
runs before it reads any setting.
"""

import argparse
import csv
import io
import sys
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, NamedTuple

from audit import proof_files
from audit.merkle import Frontier, leaf_hash, verify_inclusion
from audit.notes import Checkpoint, NoCheckpoint, NotSigned, open_checkpoint, parse_vkey
from audit.proof_files import Malformed, Proof, Row, Span

LONGEST_LINE = 70_000  # an entry has at most 65,535 bytes
LONGEST_ROW = 600_000  # beside its entry a row shows every part of it once more, with quotes doubled
LARGEST_PART = 1_000_000
TELL_EVERY = 10_000
# RuntimeError is how zipfile tells of parts that are encrypted, or packed in a way that it doesn't know.
UNREADABLE = (zipfile.BadZipFile, zlib.error, UnicodeDecodeError, csv.Error, EOFError, RuntimeError)

Progress = Callable[[int, int], None]


class NotProven(Exception):
    """Tell that a file doesn't prove what it says, and why."""


class Proven(NamedTuple):
    """Say what was proven: these leaves, under this checkpoint."""

    checkpoint: Checkpoint
    first: int
    end: int
    withheld: int = 0


def verify(path: Path, vkeys: Sequence[str], progress: Progress = lambda _done, _of: None) -> Proven:
    """Verify a proof of one entry, or an export (the ZIP file or its unpacked folder); raises NotProven, OSError."""
    try:
        if path.is_dir() or zipfile.is_zipfile(path):
            with _parts(path) as parts:
                return _verify_export(parts, vkeys, progress)
        with path.open("rb") as file:
            return verify_proof(proof_files.read_proof(_small(file, path.name).decode()), vkeys)
    except (Malformed, NotSigned, NoCheckpoint) as wrong:
        raise NotProven(str(wrong)) from wrong
    except UNREADABLE as wrong:
        raise NotProven(f"the file can't be read: {wrong}") from wrong


def verify_proof(proof: Proof, vkeys: Sequence[str]) -> Proven:
    """Verify the proof of one entry; raises NotProven, NotSigned, NoCheckpoint."""
    checkpoint = open_checkpoint(proof.note, vkeys)
    if not verify_inclusion(leaf_hash(proof.entry), proof.leaf_index, checkpoint.size, proof.path, checkpoint.root):
        raise NotProven(f"the entry isn't number {proof.leaf_index} of this log, or the path was altered")
    return Proven(checkpoint, proof.leaf_index, proof.leaf_index + 1)


def enclosed_keys(path: Path) -> list[str]:
    """Give the keys that an export brought along itself, which is no reason to trust them."""
    try:
        with _parts(path) as parts:
            _, about = proof_files.read_span(parts.text(proof_files.PROOF))
        return [str(key) for key in about.get("vkeys", [])]
    except (Malformed, NotProven, OSError, TypeError, *UNREADABLE):
        return []


class _Parts(NamedTuple):
    """Hold what an export consists of: the names, and what opens one of them."""

    names: frozenset[str]
    opened: Callable[[str], IO[bytes]]

    def open(self, name: str) -> IO[bytes]:
        if name not in self.names:
            raise NotProven(f"there is no {name} in it")
        return self.opened(name)

    def text(self, name: str) -> str:
        with self.open(name) as part:
            return _small(part, name).decode()


def _small(file: IO[bytes], name: str) -> bytes:
    """Read what can't be large, however much it unpacks to."""
    content = file.read(LARGEST_PART + 1)
    if len(content) > LARGEST_PART:
        raise NotProven(f"{name} is too large to be one")
    return content


@contextmanager
def _parts(path: Path) -> Iterator[_Parts]:
    if path.is_dir():
        yield _Parts(frozenset(each.name for each in path.iterdir()), lambda name: (path / name).open("rb"))
        return
    with zipfile.ZipFile(path) as packed:
        names = packed.namelist()
        if len(set(names)) != len(names):
            raise NotProven("the file holds two parts of one name")
        yield _Parts(frozenset(names), packed.open)


def _verify_export(parts: _Parts, vkeys: Sequence[str], progress: Progress) -> Proven:
    checkpoint = open_checkpoint(parts.text(proof_files.CHECKPOINT), vkeys)
    proven, _ = proof_files.read_span(parts.text(proof_files.PROOF))
    if proven.size != checkpoint.size:
        raise NotProven(f"the proof is of {proven.size} entries, the checkpoint of {checkpoint.size}")
    tables = {name: rows for name, rows in _TABLES.items() if name in parts.names}
    if not tables:
        raise NotProven("there are no entries in it")
    withheld = 0
    for name, rows in tables.items():
        with parts.open(name) as table, closing(rows(table)) as given:
            withheld = _verify_rows(name, given, proven, checkpoint, progress)
    return Proven(checkpoint, proven.first, proven.end, withheld)


def _verify_rows(name: str, rows: Iterator[Row], proven: Span, checkpoint: Checkpoint, progress: Progress) -> int:
    """Compute the root from the rows and what lies outside of them; return how many are withheld."""
    tree, withheld = Frontier(), 0
    before = proof_files.push(tree, proven.outside, 0, proven.first)
    for row in rows:
        if row.leaf_index != tree.size or row.leaf_index >= proven.end:
            raise NotProven(f"{name}: entry {row.leaf_index} stands where {tree.size} should, or beyond the last")
        tree.push(0, _leaf_of(row))
        withheld += row.entry is None
        if tree.size % TELL_EVERY == 0:
            progress(tree.size - proven.first, proven.end - proven.first)
    if tree.size != proven.end:
        raise NotProven(f"{name}: it ends before entry {tree.size}; the last should be {proven.end - 1}")
    proof_files.push(tree, proven.outside[before:], proven.end, proven.size)
    if tree.root() != checkpoint.root:
        raise NotProven(f"{name}: these aren't the entries of the log: one was changed, moved, dropped or added")
    return withheld


def _leaf_of(row: Row) -> bytes:
    if row.entry is None:
        return row.hashed or b""
    proof_files.envelope_of(row.entry)
    return leaf_hash(row.entry)


def _json_lines(table: IO[bytes]) -> Generator[Row, None, None]:
    while line := table.readline(LONGEST_LINE):
        yield proof_files.read_line(line)


def _csv(table: IO[bytes]) -> Generator[Row, None, None]:
    csv.field_size_limit(LONGEST_ROW)
    text = io.TextIOWrapper(table, encoding="utf-8-sig", newline="")
    try:
        rows = csv.reader(text, strict=True)
        if next(rows, None) != list(proof_files.COLUMNS):
            raise Malformed("the columns aren't those of an export")
        yield from map(proof_files.read_cells, rows)
    finally:
        text.detach()


_TABLES = {proof_files.JSON_LINES: _json_lines, proof_files.CSV: _csv}


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify one file and say what it proves; return 0 when it does, 1 when it doesn't, 2 when it can't be tried."""
    asked = _arguments(arguments)
    vkeys = list(asked.vkey) or enclosed_keys(asked.path)
    try:
        names = [parse_vkey(key).name for key in vkeys]
    except ValueError as wrong:
        return _say(2, f"--vkey: {wrong}")
    if not names:
        return _say(2, "Give the log's public key with --vkey: a file can't vouch for itself.")
    try:
        proven = verify(asked.path, vkeys, _progress if sys.stderr.isatty() else lambda _done, _of: None)
    except OSError as wrong:
        return _say(2, f"{asked.path}: {wrong.strerror or wrong}")
    except NotProven as wrong:
        return _say(1, f"NOT PROVEN: {wrong}")
    sys.stdout.write(_told(proven) + "\n")
    if not asked.vkey:
        sys.stdout.write("The key came with the file. Compare it with the one that you were given by another way:\n")
        sys.stdout.write("\n".join(vkeys) + "\n")
    return 0


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="audit verify-export", description="Verify an export, or a proof.")
    parser.add_argument("path", type=Path, help="a .zip export, its unpacked folder, or a .tlog-proof")
    parser.add_argument("--vkey", action="append", default=[], help="the log's public key; while keys change, both")
    return parser.parse_args(arguments)


def _told(proven: Proven) -> str:
    checkpoint, count = proven.checkpoint, proven.end - proven.first
    which = f"entry {proven.first}" if count == 1 else f"entries {proven.first} to {proven.end - 1}, all {count}"
    kept = f" ({proven.withheld} withheld, proven by hash)" if proven.withheld else ""
    return f"PROVEN: {which}{kept}, of the {checkpoint.size} of {checkpoint.origin}: unchanged and in this order."


def _progress(done: int, of: int) -> None:
    sys.stderr.write(f"\r{done} of {of} entries" + ("" if done < of else "\n"))


def _say(code: int, sentence: str) -> int:
    sys.stderr.write(sentence + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
