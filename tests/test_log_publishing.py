"""What is signed was committed, goes on from all that was published before, and is given to every sink."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import transaction
from joserfc.jwk import OKPKey

from audit import checks, log_keys, merkle, mirror, notes, publishing, sequencing, sinks
from audit.models import Entry, Leaf, SignedCheckpoint, SigningKey, Sink, Tree
from audit.tiles import joined
from contactcentre.environment import Environment
from tests.databases import Template, pointed_at
from tests.test_log_sequencer import all_of_it, write

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


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


def test_the_copy_is_the_same_log(folder: Path, copy: Path) -> None:
    published(300)
    published(2)
    files = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    assert files == {path.relative_to(copy) for path in copy.rglob("*") if path.is_file()}
    assert all((folder / path).read_bytes() == (copy / path).read_bytes() for path in files)


def set_back(folder: Path, size: int) -> None:
    """Let a folder hold a checkpoint of another tree with so many leaves, as after a restore."""
    text = notes.checkpoint_text("testserver/log", size, bytes(32))
    (folder / "checkpoint").write_text(notes.sign(text, *log_keys.signers("testserver/log")))


@pytest.mark.parametrize(("size", "because"), [(3, "another root at 3"), (9, "9 leaves, the database only 7")])
def test_a_published_checkpoint_that_we_do_not_go_on_from_stops_signing(
    folder: Path, copy: Path, size: int, because: str, caplog: pytest.LogCaptureFixture
) -> None:
    published(5)
    good = (copy / "checkpoint").read_text()
    set_back(copy, size)
    assert publish(2) is None
    assert because in the_tree().stopped_because
    assert Entry.objects.filter(kind="alarm.log_stopped").count() == 1
    assert len([line for line in caplog.messages if "log.stopped" in line]) == 1
    assert publish(1) is None
    assert (SignedCheckpoint.objects.count(), Entry.objects.filter(kind="alarm.log_stopped").count()) == (1, 1)
    call_command("log", "resume")
    set_back(copy, 2)
    assert publish() is None, "looking again found it again"
    (copy / "checkpoint").write_text(good)
    call_command("log", "resume")
    assert published(1).size == the_tree().size


def test_a_backup_of_yesterday_signs_nothing(folder: Path, template_database: Template) -> None:
    published(3)
    with pointed_at(template_database.clone()):
        assert publish(2) is None, "shorter than what was published"
        assert "only 2" in the_tree().stopped_because
        call_command("log", "resume")
        assert publish(5) is None, "as long, and other entries"
        assert "another root" in the_tree().stopped_because
        assert not SignedCheckpoint.objects.exists()


def test_a_new_log_begins_with_the_last_note_of_the_old_one(
    folder: Path, copy: Path, template_database: Template
) -> None:
    published(3)
    last = (folder / "checkpoint").read_text()
    with pointed_at(template_database.clone()):
        assert publish(2) is None
        call_command("log", "open", "--origin", "testserver/log2", "--because", "restored", stdout=StringIO())
        signed = published(1)
        tree = the_tree()
        assert (tree.log, tree.origin, tree.follows) == (2, "testserver/log2", last)
        assert signed.size == Entry.objects.count() == Leaf.objects.count() == 5, "two, the alarm, the opening, one"
        first = Entry.objects.get(pk=Leaf.objects.get(leaf_index=0).entry_id)
        assert json.loads(bytes(first.body))["facts"]["follows"] == last
        for place in (folder, copy):
            opened = notes.open_checkpoint((place / "checkpoint").read_text(), vkeys())
            assert (opened.origin, opened.root) == ("testserver/log2", root_of(place, 5))
            (aside,) = place.glob("before-*")
            assert (aside / "checkpoint").read_text() == last
        with pytest.raises(CommandError, match="names a log already"):
            call_command("log", "open", "--origin", "testserver/log", "--because", "again")


def test_a_log_that_nobody_has_seen_is_not_opened_anew(folder: Path) -> None:
    with pytest.raises(CommandError, match="isn't open yet"):
        call_command("log", "open", "--origin", "testserver/log2", "--because", "no reason")
    write(1)
    all_of_it()
    with pytest.raises(CommandError, match="never published"):
        call_command("log", "open", "--origin", "testserver/log2", "--because", "no reason")


def test_a_sink_that_fails_is_tried_again_and_holds_up_nobody(folder: Path, copy: Path) -> None:
    copy.rmdir()
    copy.write_text("in the way")
    assert published(1).size == 1
    row = Sink.objects.get(name=f"dir:{copy}")
    assert (row.attempts, row.size, row.failure[:18]) == (1, 0, "NotADirectoryError")
    assert (folder / "checkpoint").exists()
    copy.unlink()
    assert published(1, at=row.due_at - timedelta(seconds=1)).size == 2
    assert not copy.exists(), "not before it is due"
    published(at=row.due_at)
    assert (copy / "checkpoint").read_text() == (folder / "checkpoint").read_text()
    assert Sink.objects.get(name=f"dir:{copy}").failure == ""


def test_a_sink_that_has_lost_its_files_is_begun_anew_by_a_person_only(folder: Path, copy: Path) -> None:
    published(2)
    shutil.rmtree(copy)
    published(1)
    assert "has lost its checkpoint" in Sink.objects.get(name=f"dir:{copy}").failure
    assert not copy.exists()
    call_command("log", "anew", f"dir:{copy}")
    published(1, at=AT + timedelta(hours=1))
    assert root_of(copy, 4) == bytes(the_tree().root)


def test_a_mailbox_is_given_a_note_now_and_then(folder: Path, settings: Any) -> None:
    settings.LOG_SINKS, settings.LOG_MAIL_MINUTES = ["mail:auditor@example.org"], 30
    first = published(1)
    published(1, at=AT + timedelta(minutes=29))
    assert [(sent.to, sent.body) for sent in mail.outbox] == [(["auditor@example.org"], first.note)]
    later = published(1, at=AT + timedelta(minutes=30))
    assert [sent.body for sent in mail.outbox] == [first.note, later.note]
    published(at=AT + timedelta(hours=2))
    assert len(mail.outbox) == 2, "nothing new, no mail"


def test_a_mail_that_could_not_be_sent_is_sent_later(folder: Path, settings: Any) -> None:
    settings.LOG_SINKS, working = ["mail:auditor@example.org"], settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"  # to a port of ours where nobody answers
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    published(1)
    assert "refused" in Sink.objects.get(name="mail:auditor@example.org").failure
    settings.EMAIL_BACKEND = working
    published(at=AT + timedelta(minutes=1))
    assert len(mail.outbox) == 1


def test_what_was_mailed_is_compared_too(folder: Path, settings: Any, template_database: Template) -> None:
    settings.LOG_SINKS = ["mail:auditor@example.org"]
    published(3)
    shutil.rmtree(folder)
    with pointed_at(template_database.clone()):
        assert publish(1) is None
        assert "mail:auditor@example.org holds a checkpoint of 3" in the_tree().stopped_because


def test_a_run_that_was_killed_after_signing_is_gone_on_with(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as during:
        during.setattr(mirror, "put", killed)
        with pytest.raises(KeyboardInterrupt):
            publish(3)
    signed = SignedCheckpoint.objects.get()
    assert not (folder / "checkpoint").exists()
    assert published() == signed
    assert (folder / "checkpoint").read_text() == signed.note


def test_a_new_key_is_introduced_by_the_old_one(folder: Path, settings: Any) -> None:
    old_key, (old,) = settings.LOG_KEY, (published(1) and vkeys())
    settings.LOG_KEY, settings.LOG_OLD_KEYS = OKPKey.generate_key("Ed25519"), [old_key]
    published(1)
    new, _ = vkeys()
    entry = json.loads(bytes(Entry.objects.get(kind="log.key_rotated").body))["facts"]
    assert (entry["old"], entry["new"]) == (old, new)
    assert notes.open_note(entry["note"], [old]) == log_keys.statement("testserver/log", new)
    both = published().note
    assert notes.open_checkpoint(both, [old]) == notes.open_checkpoint(both, [new])
    settings.LOG_OLD_KEYS = []
    alone = published(1).note
    assert notes.open_checkpoint(alone, [new]).size == the_tree().size
    with pytest.raises(notes.NotSigned):
        notes.open_checkpoint(alone, [old])
    assert SigningKey.objects.count() == 2


def test_a_key_that_nobody_introduces_signs_nothing(folder: Path, settings: Any) -> None:
    published(1)
    settings.LOG_KEY = OKPKey.generate_key("Ed25519")
    assert publish(1) is None
    assert "LOG_OLD_KEYS" in the_tree().stopped_because


def test_without_a_key_the_log_is_numbered_and_not_signed(folder: Path, settings: Any) -> None:
    settings.LOG_KEY = None
    assert publish(2) is None
    assert (the_tree().size, SignedCheckpoint.objects.count(), folder.exists()) == (2, 0, False)


def test_the_command_shows_where_the_log_stands(folder: Path, copy: Path) -> None:
    signed, said, keys = published(2), StringIO(), StringIO()
    call_command("log", "status", stdout=said)
    shown = json.loads(said.getvalue())
    assert (shown["origin"], shown["size"], shown["signed"], shown["stopped"]) == ("testserver/log", 2, 2, "")
    assert set(shown["sinks"]) == {"files", f"dir:{copy}"}
    call_command("log", "vkey", stdout=keys)
    assert notes.open_checkpoint(signed.note, keys.getvalue().split()).size == 2


def test_the_command_makes_a_key_that_the_setting_takes() -> None:
    made = [StringIO(), StringIO()]
    for said in made:
        call_command("log", "key", stdout=said)
    first, second = (Environment({"LOG_KEY": said.getvalue()}).signing_key("LOG_KEY", help="a key") for said in made)
    assert first
    assert second
    assert first.thumbprint() != second.thumbprint()


@pytest.mark.parametrize("given", ["dir:relative", "ftp:x", "mail:nobody", "dir"])
def test_a_sink_that_cannot_be_meant_stops_the_start(settings: Any, given: str) -> None:
    settings.LOG_SINKS = [given]
    with pytest.raises(sinks.BadSink, match="LOG_SINKS"):
        sinks.all_of_them()
    assert [found.id for found in checks.the_log_can_be_published()] == ["audit.E002"]


def test_an_origin_that_can_name_no_key_stops_the_start(settings: Any) -> None:
    assert checks.the_log_can_be_published() == []
    settings.LOG_ORIGIN = "two words"
    assert [found.id for found in checks.the_log_can_be_published()] == ["audit.E002"]


@pytest.mark.parametrize(
    ("database", "sequencer", "key", "warned"),
    [
        ("postgresql://app@h/d", "postgresql://seq@h/d", True, ["audit.W002"]),
        ("postgresql://app@h/d", "", True, ["audit.W002"]),
        ("postgresql://seq@h/d", "postgresql://seq@h/d", True, []),
        ("postgresql://app@h/d", "postgresql://seq@h/d", False, []),
        ("postgresql://app@h/d", "", False, ["audit.W003"]),
        ("sqlite:////d", "", True, []),
    ],
)
def test_the_key_is_the_log_workers_alone(
    settings: Any, database: str, sequencer: str, key: bool, warned: list[str]
) -> None:
    settings.DATABASE_URL, settings.SEQUENCER_DATABASE_URL = database, sequencer
    settings.LOG_KEY = settings.LOG_KEY if key else None
    assert [found.id for found in checks.the_key_stands_apart()] == warned
