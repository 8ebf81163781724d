"""Export a period of the log as one ZIP file that an outsider can check without us.

It holds every entry between the period's first and last, so that nobody can have left one out, with the checkpoint and
the proof described in audit/proof_files.py. Personal payloads stay out: who needs one reads it at the desk, where each
reading is an Entry about that very person (docs/verify.md). That an export was made is an Entry too, committed first.
"""

import csv
import io
import os
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, NamedTuple

from django.db import connection, transaction

from audit import log_keys, proof_files
from audit.log import moment, record
from audit.merkle import Frontier, leaf_hash
from audit.models import SignedCheckpoint, Tree
from audit.proof_files import Row, Span
from audit.sinks import checkpoint_of
from audit.tiles import Damaged, Tiles

BATCH = 2_000
RANGE = """
    SELECT min(l.leaf_index), max(l.leaf_index) FROM audit_entry e JOIN audit_leaf l ON l.entry_id = e.id
     WHERE e.at >= %s AND e.at < %s AND l.log = %s AND l.leaf_index < %s"""
ROWS = """
    SELECT l.leaf_index, e.body, e.org FROM audit_leaf l JOIN audit_entry e ON e.id = l.entry_id
     WHERE l.log = %s AND l.leaf_index >= %s AND l.leaf_index < %s ORDER BY l.leaf_index"""
READ_ME = """\
Entries {first} to {last} of the log {origin}, without a gap.

entries.jsonl  one entry a line; its bytes stand there as they were logged
entries.csv    the same for a spreadsheet, if it was asked for
checkpoint     the signed size and root of the log
proof.json     the hashes of what lies before and after these entries

An entry of another organisation shows as the hash of its leaf only, and so does one that wasn't written as ours are:
proof.json names those (not_ours), and each is a reason to ask how it came into the log. Personal data are not in the
log in clear: an entry holds the hash of what was encrypted (ct_sha256). To verify, have the log's public key from
somebody else than whoever gave you this file; docs/verify.md says how, and audit/standalone.py is a verifier to read
in one sitting.
"""

Progress = Callable[[int, int], None]


class NothingToExport(Exception):
    """Tell that no entry of the period is under a signed checkpoint."""


class Stretch(NamedTuple):
    """Say what is exported: the leaves from `first` up to `end` of a log, under its newest signed checkpoint."""

    tree: Tree
    note: str
    size: int
    first: int
    end: int
    since: datetime
    until: datetime
    organisation: str | None  # whose entries are shown; None shows all


def stretch(*, since: datetime, until: datetime, organisation: str | None = None) -> Stretch:
    """Find the entries that the database took in from `since` up to `until`; raises NothingToExport."""
    tree = Tree.current()
    newest = SignedCheckpoint.of_every_log.filter(log=tree.log).order_by("-size").first() if tree else None
    if tree is None or newest is None:
        raise NothingToExport("nothing has been signed yet")
    adapt = connection.ops.adapt_datetimefield_value
    with connection.cursor() as cursor:
        cursor.execute(RANGE, [adapt(since), adapt(until), tree.log, newest.size])
        first, last = cursor.fetchone()
    if first is None:
        raise NothingToExport("no entry of that period is under a signed checkpoint")
    return Stretch(tree, newest.note, newest.size, first, last + 1, since, until, organisation)


def announce(asked: Stretch, *, actor: str, purpose: str, at: datetime) -> None:
    """Commit the Entry that says who takes what out, before the first byte of it leaves. Not inside a transaction."""
    with transaction.atomic(durable=True):
        record(
            kind="audit.exported", actor=actor, subject="log", at=at, outcome="ok", purpose=purpose,
            facts={
                "origin": asked.tree.origin, "first": asked.first, "end": asked.end, "size": asked.size,
                "since": moment(asked.since), "until": moment(asked.until),
            },
            organisation=asked.organisation or "",
        )  # fmt: skip


def export(
    path: Path,
    asked: Stretch,
    *,
    actor: str,
    purpose: str,
    at: datetime,
    with_csv: bool = True,
    progress: Progress = lambda _done, _of: None,
) -> None:
    """Record an export and write it to a new file, which appears whole or not at all.

    Raises FileExistsError, OSError, and Damaged when what is stored isn't what was signed.
    """
    if path.exists():
        raise FileExistsError(f"{path} is there already")
    announce(asked, actor=actor, purpose=purpose, at=at)
    partial = path.with_name(f".{path.name}.partial")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            write(file, asked, at=at, with_csv=with_csv, progress=progress)
            file.flush()
            os.fsync(file.fileno())
        os.link(partial, path)  # unlike a renaming it never replaces what somebody has put there meanwhile
    finally:
        partial.unlink(missing_ok=True)


def write(
    file: IO[bytes],
    asked: Stretch,
    *,
    at: datetime,
    with_csv: bool = True,
    progress: Progress = lambda _done, _of: None,
) -> None:
    """Write an export that was announced; raises Damaged rather than to write what wouldn't be proven."""
    proven = proof_files.span(Tiles(asked.tree.log).read, asked.first, asked.end, asked.size)
    about = {
        "origin": asked.tree.origin, "since": moment(asked.since), "until": moment(asked.until),
        "organisation": asked.organisation or "", "vkeys": log_keys.vkeys(asked.tree),
    }  # fmt: skip
    stamp, strange = at.timetuple()[:6], set[int]()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as packed:
        with packed.open(_part(proof_files.JSON_LINES, stamp), "w", force_zip64=True) as part:
            _write_lines(part, asked, proven, strange, progress)
        if with_csv:
            with packed.open(_part(proof_files.CSV, stamp), "w", force_zip64=True) as part:
                _write_table(part, asked, strange, progress)
        told = READ_ME.format(first=asked.first, last=asked.end - 1, origin=asked.tree.origin)
        for name, text in (
            (proof_files.PROOF, proof_files.write_span(proven, {**about, "not_ours": sorted(strange)})),
            (proof_files.CHECKPOINT, asked.note),
            ("README.txt", told),
        ):
            packed.writestr(_part(name, stamp), text)


def _part(name: str, stamp: tuple[int, ...]) -> zipfile.ZipInfo:
    year, month, day, hour, minute, second = stamp
    info = zipfile.ZipInfo(name, (year, month, day, hour, minute, second))
    info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
    return info


def _write_lines(part: IO[bytes], asked: Stretch, proven: Span, strange: set[int], progress: Progress) -> None:
    """Write the entries as JSON lines, and see that they are those that were signed.

    One that isn't written as ours are, so that nobody but an intruder can have put it in, keeps no other from being
    exported: it is proven by its hash, and its number goes into `strange`.
    """
    tree = Frontier()
    before = proof_files.push(tree, proven.outside, 0, proven.first)
    for row in _rows(asked, progress):
        tree.push(0, row.hashed or leaf_hash(row.entry or b""))
        try:
            part.write(proof_files.write_line(row))
        except proof_files.Malformed:
            strange.add(row.leaf_index)
            part.write(proof_files.write_line(_by_its_hash(row)))
    proof_files.push(tree, proven.outside[before:], proven.end, proven.size)
    if tree.root() != checkpoint_of(asked.note).root:
        raise Damaged("what is stored isn't what was signed: run `manage.py audit verify`")


def _by_its_hash(row: Row) -> Row:
    return Row(row.leaf_index, None, leaf_hash(row.entry or b""))


def _write_table(part: IO[bytes], asked: Stretch, strange: set[int], progress: Progress) -> None:
    text = io.TextIOWrapper(part, encoding="utf-8-sig", newline="", write_through=True)  # with the mark Excel looks for
    table = csv.writer(text)
    table.writerow(proof_files.COLUMNS)
    for row in _rows(asked, progress):
        table.writerow(proof_files.write_cells(_by_its_hash(row) if row.leaf_index in strange else row))
    text.detach()


def _rows(asked: Stretch, progress: Progress) -> Iterator[Row]:
    """Read the entries a batch at a time; those of another organisation than the asked one give only their hash."""
    for start in range(asked.first, asked.end, BATCH):
        end = min(start + BATCH, asked.end)
        with connection.cursor() as cursor:
            cursor.execute(ROWS, [asked.tree.log, start, end])
            found = cursor.fetchall()
        if len(found) != end - start:
            raise Damaged(
                f"of the entries {start} to {end - 1} there are only {len(found)}: run `manage.py audit verify`"
            )
        for index, body, org in found:
            shown = asked.organisation in (None, org)
            yield Row(index, bytes(body) if shown else None, None if shown else leaf_hash(bytes(body)))
        progress(end - asked.first, asked.end - asked.first)
