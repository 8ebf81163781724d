"""An exported period is proven, without us, to be all that was logged in it; whoever alters the file is found out."""

import csv
import io
import json
import os
import shlex
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from audit import exporting, log_keys, offline, standalone
from audit.models import Entry, SignedCheckpoint, Tree
from audit.proof_files import write_cells
from audit.tiles import Damaged
from tests.logs import AT, disarm, grow, tamper, uid_of
from tests.test_log_proofs import verdicts
from tests.test_log_verify import entry_of, update

ROOT = Path(standalone.__file__).parent.parent
FIRST, END = 37, 290


@pytest.fixture
def tree(db: None, tmp_path: Path, settings: Any) -> Tree:
    """Make a log of 300 entries in two tiles; those from 37 to 289 were taken in on the 10th of November."""
    settings.DATA_DIR = tmp_path / "var"
    made = grow(300, data_dir=tmp_path / "var")
    disarm()
    first, last = entry_of(FIRST).pk, entry_of(END - 1).pk
    tamper("UPDATE audit_entry SET at = '2026-11-09 21:00:00.5+00:00' WHERE id < %s", first)
    tamper("UPDATE audit_entry SET at = '2026-11-10 09:00:00.5+00:00' WHERE id BETWEEN %s AND %s", first, last)
    return made


@pytest.fixture
def vkey(tree: Tree) -> str:
    return log_keys.vkeys(tree)[0]


@pytest.fixture
def exported(tree: Tree, tmp_path: Path) -> Path:
    call_command("audit", "export", "--since", "2026-11-10", "--until", "2026-11-11", str(tmp_path / "period.zip"))
    return tmp_path / "period.zip"


def test_a_period_is_exported_with_all_of_its_entries_and_proven_to_both_verifiers(
    exported: Path, vkey: str, tmp_path: Path
) -> None:
    assert verdicts(exported, vkey)
    assert offline.verify(exported, [vkey])[1:] == (FIRST, END, 0)
    with zipfile.ZipFile(exported) as packed:
        assert set(packed.namelist()) == {"entries.jsonl", "entries.csv", "proof.json", "checkpoint", "README.txt"}
        lines = [json.loads(line) for line in packed.read("entries.jsonl").splitlines()]
        table = list(csv.DictReader(io.StringIO(packed.read("entries.csv").decode("utf-8-sig"), newline="")))
        packed.extractall(tmp_path / "unpacked")
    assert [line["index"] for line in lines] == list(range(FIRST, END))
    assert lines[0]["entry"]["uid"] == table[0]["uid"] == str(uid_of(FIRST))
    assert table[0]["purpose"] == lines[0]["entry"]["purpose"]
    assert offline.verify(tmp_path / "unpacked", [vkey])[1:] == (FIRST, END, 0)
    assert list(exported.parent.glob(".*")) == []
    assert exported.stat().st_mode & 0o077 == 0


def test_the_export_is_an_entry_of_the_log_with_its_purpose(tree: Tree, tmp_path: Path) -> None:
    call_command("audit", "export", "--since", "2026-11-10", "--purpose", "Yearly audit", str(tmp_path / "a.zip"))
    entry = Entry.objects.get(kind="audit.exported")
    said = json.loads(bytes(entry.body))
    assert (said["purpose"], said["subject"], said["actor"]) == ("Yearly audit", "log", "system:audit_export")
    assert (said["facts"]["first"], said["facts"]["end"], said["facts"]["size"]) == (FIRST, 300, 300)


def test_without_the_entry_no_byte_is_written(tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(exporting, "record", refuse)
    with pytest.raises(CommandError, match="disk full"):
        call_command("audit", "export", "--since", "2026-11-10", str(tmp_path / "a.zip"))
    assert list(tmp_path.glob("*.zip")) + list(tmp_path.glob(".*")) == []


def test_only_json_lines_when_asked_for_them_and_progress_is_told(
    tree: Tree, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("audit", "export", "--since", "2026-11-10", "--format", "jsonl", str(tmp_path / "a.zip"))
    assert "263 of 263 entries" in capsys.readouterr().err
    with zipfile.ZipFile(tmp_path / "a.zip") as packed:
        assert "entries.csv" not in packed.namelist()


def test_of_other_organisations_only_the_hash_leaves_the_house_and_nothing_can_be_left_out(
    tree: Tree, vkey: str, tmp_path: Path
) -> None:
    file = tmp_path / "own.zip"
    call_command("audit", "export", "--since", "2026-11-10", "--organisation", "o-1", str(file))
    assert verdicts(file, vkey)
    assert offline.verify(file, [vkey]).withheld == 131
    with zipfile.ZipFile(file) as packed:
        content = packed.read("entries.jsonl") + packed.read("entries.csv")
    assert b'"org":"o-1"' in content
    assert b"o-0" not in content


def test_what_is_there_is_never_overwritten_and_a_half_file_never_stays(tree: Tree, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_text("mine")
    with pytest.raises(CommandError, match="there already"):
        call_command("audit", "export", "--since", "2026-11-10", str(tmp_path / "a.zip"))
    assert (tmp_path / "a.zip").read_text() == "mine"
    update("body", b'{"v":2}', 100)()
    asked = exporting.stretch(since=AT - timedelta(days=30), until=AT + timedelta(days=3650))
    with pytest.raises(Damaged, match="isn't what was signed"):
        exporting.export(tmp_path / "b.zip", asked, actor="system:test", purpose="Test", at=AT)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "var"]


def test_a_period_without_entries_and_a_day_that_is_none_are_refused_in_words(tree: Tree, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no entry of that period"):
        call_command("audit", "export", "--since", "2020-01-01", "--until", "2020-02-01", str(tmp_path / "a.zip"))
    for day in ("yesterday", "2026-02-31", "2026-13-01T00:00"):
        with pytest.raises(CommandError, match="--since"):
            call_command("audit", "export", "--since", day, str(tmp_path / "a.zip"))


def repacked(source: Path, changes: dict[str, Callable[[bytes], bytes]]) -> Path:
    """Pack an export anew, with some parts altered; an empty part is left out."""
    target = source.with_name("forged.zip")
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            if content := changes.get(name, lambda same: same)(old.read(name)):
                new.writestr(name, content)
    return target


def lines(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[bytes], bytes]:
    return lambda content: b"".join(change(content.splitlines(keepends=True)))


def proof(**changes: Any) -> Callable[[bytes], bytes]:
    return lambda content: json.dumps(json.loads(content) | changes).encode()


FORGED: dict[str, dict[str, Callable[[bytes], bytes]]] = {
    "an entry altered": {"entries.jsonl": lambda c: c.replace(b"refused", b"granted", 1)},
    "an entry dropped": {"entries.jsonl": lines(lambda all_: all_[:5] + all_[6:])},
    "the last dropped": {"entries.jsonl": lines(lambda all_: all_[:-1])},
    "the last dropped, carefully": {"entries.jsonl": lines(lambda all_: all_[:-1]), "proof.json": proof(end=END - 1)},
    "two exchanged": {"entries.jsonl": lines(lambda all_: [all_[1], all_[0], *all_[2:]])},
    "one twice": {"entries.jsonl": lines(lambda all_: [all_[0], *all_])},
    "a line that is no entry": {"entries.jsonl": lines(lambda all_: [*all_, b"{}\n"])},
    "no last line end": {"entries.jsonl": lambda c: c[:-1]},
    "an index altered": {"entries.jsonl": lambda c: c.replace(b'"index":40,', b'"index":41,')},
    "more said than was logged": {"entries.jsonl": lambda c: c.replace(b'},"index"', b'},"x":1,"index"').replace(
        b'"v":1}}', b'"v":1},"entry":{}}', 1)},
    "spaces put in": {"entries.jsonl": lambda c: c.replace(b'"v":1}', b'"v": 1}', 1)},
    "the stretch moved": {"proof.json": proof(first=FIRST + 1, end=END + 1)},
    "no hashes around": {"proof.json": proof(outside=[])},
    "a number that is none": {"proof.json": proof(first=True)},
    "another size": {"proof.json": proof(size=301)},
    "no proof": {"proof.json": lambda _: b""},
    "no checkpoint": {"checkpoint": lambda _: b""},
    "no entries": {"entries.jsonl": lambda _: b"", "entries.csv": lambda _: b""},
    "the checkpoint altered": {"checkpoint": lambda c: c.replace(b"\n300\n", b"\n301\n")},
}  # fmt: skip


def test_every_forgery_is_found_by_both_verifiers(exported: Path, vkey: str) -> None:
    assert verdicts(repacked(exported, {}), vkey)
    for name, changes in FORGED.items():
        assert not verdicts(repacked(exported, changes), vkey), name
    with zipfile.ZipFile(exported, "a") as packed, pytest.warns(UserWarning, match="Duplicate"):
        packed.writestr("checkpoint", "x")
    assert not verdicts(exported, vkey)


def test_a_table_that_says_something_else_than_its_entries_is_found(exported: Path, vkey: str) -> None:
    for old, new in (
        (b"refused,o-1", b"granted,o-1"),
        (b"s-2,", b"s-3,"),
        (b"\r\n38,", b"\r\n39,"),
        (b"index,leaf", b"index,hash"),
        (b'""kind"": ""gate.granted""', b'""kind"": ""gate.refused""'),
    ):
        forged = repacked(exported, {"entries.csv": lambda c, old=old, new=new: c.replace(old, new, 1)})  # type: ignore[misc]
        with pytest.raises(offline.NotProven):
            offline.verify(forged, [vkey])


def test_no_cell_of_the_table_runs_as_a_formula() -> None:
    from audit.canonical import canonical
    from audit.proof_files import Row

    entry = canonical({"purpose": "=HYPERLINK(1)", "actor": "+1", "org": "@x", "subject": "-1", "facts": {}})
    cells = write_cells(Row(5, entry, None))
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))] == []
    assert "'=HYPERLINK(1)" in cells


def alone(*command: str) -> "subprocess.CompletedProcess[str]":
    """Run a program as an auditor would: with an empty environment, in another folder."""
    return subprocess.run([sys.executable, *command], env={}, cwd="/", capture_output=True, text=True, check=False)


def test_an_export_is_verified_with_an_empty_environment_in_three_ways(exported: Path, vkey: str) -> None:
    manage, file = str(ROOT / "manage.py"), str(exported)
    for command in (
        [manage, "audit", "verify-export", file, "--vkey", vkey],
        [str(ROOT / "audit" / "standalone.py"), file, vkey],
    ):
        done = alone(*command)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        assert done.stdout.startswith("PROVEN: entries 37 to 289, all 253, of the 300 of testserver/log")
    forged = str(repacked(exported, FORGED["two exchanged"]))
    for command in (
        [manage, "audit", "verify-export", forged, "--vkey", vkey],
        [str(ROOT / "audit" / "standalone.py"), forged, vkey],
    ):
        done = alone(*command)
        assert done.returncode == 1
        assert done.stderr.startswith("NOT PROVEN: ")


def test_verifying_says_when_the_key_came_with_the_file_and_when_there_is_none(
    exported: Path, vkey: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert offline.main([str(exported)]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "The key came with the file. Compare it with the one that you were given by another way:", vkey,
    ]  # fmt: skip
    assert offline.main([str(repacked(exported, {"proof.json": proof(vkeys=[])}))]) == 2
    assert "can't vouch for itself" in capsys.readouterr().err
    assert offline.main([str(exported), "--vkey", vkey[:-2]]) == 2
    assert offline.main([str(tmp_path / "none.zip"), "--vkey", vkey]) == 2
    (tmp_path / "broken.zip").write_bytes(exported.read_bytes()[: os.path.getsize(exported) - 40])
    assert offline.main([str(tmp_path / "broken.zip"), "--vkey", vkey]) == 1
    with pytest.raises(SystemExit) as ended:
        call_command("audit", "verify-export", str(exported), "--vkey", vkey)
    assert ended.value.code == 0


def test_every_command_of_the_page_for_auditors_does_what_it_says(
    tree: Tree, vkey: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (ROOT / "docs" / "verify.md").read_text()
    shown = [shlex.split(line) for line in page.splitlines() if line.startswith(("    manage.py", "    python3"))]
    shown += [["manage.py", "log", "vkey"]] * ("      manage.py log vkey" in page)
    (uid,) = {word for words in shown for word in words if word.count("-") == 4 and len(word) == 36}
    (key,) = {word for words in shown for word in words if word.startswith("example.org/log+")}
    monkeypatch.chdir(tmp_path)
    Path("kept.checkpoint").write_text(SignedCheckpoint.objects.get().note)
    said = [run([{uid: str(uid_of(40)), key: vkey}.get(word, word) for word in words], capsys) for words in shown]
    beginnings = (
        "",
        "PROVEN: entry 40",
        "november.zip: entries 0 to 299",
        "PROVEN: ",
        "PROVEN: ",
        "300 entries of",
        vkey,
    )
    assert [text.startswith(beginning) for text, beginning in zip(said, beginnings, strict=True)] == [True] * 7
    assert "GOOD" in said[5]


def run(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Run one command as the page shows it, and return what it prints."""
    program, *arguments = words
    if program == "python3":
        return standalone.main(*arguments[1:])
    into = Path(arguments[-1]) if ">" in arguments else None
    code: object = 0
    try:
        call_command(*arguments[: arguments.index(">")] if into else arguments)
    except SystemExit as ended:  # verify-export ends the program
        code = ended.code
    assert code == 0
    said = capsys.readouterr().out
    if into:
        into.write_text(said)
    return "" if into else said
