"""What somebody inside tries against the evidence itself: to invent, to poison, to destroy by the means of erasure."""

from __future__ import annotations

import json
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import DatabaseError, transaction

from audit import erasure, keys, log_keys, offline, questions
from audit.log import _insert
from audit.models import Compared, SubjectKey, Tree
from tests.logs import AT, disarm, fill, grow, publish, sequence, tamper, uid_of
from tests.test_log_entries import write
from tests.test_log_export import verdicts
from tests.test_log_tail import an_entry
from tests.test_log_verify import verified


@pytest.fixture
def tree(db: None, tmp_path: Path, settings: Any) -> Tree:
    """Make a log of forty entries, signed."""
    settings.DATA_DIR = tmp_path / "var"
    return grow(40, data_dir=tmp_path / "var")


def invented(tree: Tree, *, log: int, leaf_index: int) -> None:
    """Do as a superuser: put in an entry behind the cursor, and a leaf for it where nobody counts."""
    disarm()
    fill(900, 901, kind="gate.granted")
    tamper("UPDATE audit_tree SET last_id = (SELECT max(id) FROM audit_entry)")
    tamper(
        "INSERT INTO audit_leaf (log, leaf_index, entry_id) SELECT %s, %s, max(id) FROM audit_entry", log, leaf_index
    )


def test_an_invented_entry_with_a_leaf_before_the_first_is_found(tree: Tree) -> None:
    invented(tree, log=tree.log, leaf_index=-1)
    assert any(str(uid_of(900)) in found.sentence for found in verified(tree).findings)


# Each is valid JSON for the database, so that whoever writes with the application's rights can put it in for ever.
POISON = {
    "written with blanks": b'{"facts": {}, "kind": "gate.granted"}',
    "one name twice": b'{"kind":"gate.granted","kind":"gate.refused"}',
    "no object": b"[]",
    "nested deeply": b'{"facts":' + b"[" * 995 + b"]" * 995 + b"}",
    "a huge number": b'{"facts":' + b"9" * 5_000 + b"}",
    "a float": b'{"facts":1.50}',
}


@pytest.fixture(params=POISON)
def poisoned(tree: Tree, request: pytest.FixtureRequest) -> Tree:
    _insert(uuid4(), ["gate.granted", "s-1", "staff:a", "granted", "o-1"], POISON[request.param], None)
    fill(41, 44)
    made = sequence()
    publish()
    return made


def test_an_entry_that_none_of_us_wrote_hides_no_other_from_whoever_verifies(poisoned: Tree) -> None:
    (found,) = verified(poisoned).findings
    assert found.sentence.startswith("entry 40: ")


def test_an_entry_that_none_of_us_wrote_keeps_no_other_from_being_exported(poisoned: Tree, tmp_path: Path) -> None:
    call_command("audit", "export", "--since", "2020-01-01", str(tmp_path / "all.zip"))
    vkey = log_keys.vkeys(poisoned)[0]
    assert verdicts(tmp_path / "all.zip", vkey)
    assert offline.verify(tmp_path / "all.zip", [vkey]).withheld == 1
    with zipfile.ZipFile(tmp_path / "all.zip") as packed:
        assert json.loads(packed.read("proof.json"))["not_ours"] == [40]


def test_no_key_is_destroyed_without_an_entry_about_it(db: None) -> None:
    write(subject="s-9")
    write(subject="s-8")
    with pytest.raises(DatabaseError), transaction.atomic():
        keys.erase("s-9")
    with pytest.raises(DatabaseError), transaction.atomic():
        SubjectKey.objects.all().delete()
    with transaction.atomic():
        erasure.erase(subject="s-9", actor="system:test", purpose="A test", at=AT)
    assert set(SubjectKey.objects.values_list("subject_ref", flat=True)) == {"s-8"}


def test_an_erasure_of_before_is_no_leave_to_destroy_the_next_key(live_database: str) -> None:
    with transaction.atomic():
        erasure.erase(subject="s-9", actor="system:test", purpose="A test", at=AT)
    with transaction.atomic():
        write(subject="s-9")
    with pytest.raises(DatabaseError), transaction.atomic():
        keys.erase("s-9")


def test_a_comparison_that_is_said_to_have_come_farther_than_now_begins_again(db: None) -> None:
    an_entry(timedelta(hours=1))
    Compared.objects.create(until=AT + timedelta(days=3_000))
    assert questions.without_leaf(AT) == 1
