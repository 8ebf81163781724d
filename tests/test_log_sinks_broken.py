"""A sink that is broken, by chance or on purpose, neither ends the signing unheard nor stays broken unheard."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from audit import clock, publishing, questions, sinks, tasks
from audit.models import Checkpoint, Tree
from tests.logs import AT, disarm, fill, grow, sequence


@pytest.fixture
def tree(db: None, tmp_path: Path, settings: Any) -> Tree:
    """Make a signed log of twenty entries, with a copy in another folder."""
    (tmp_path / "copy").mkdir()
    settings.LOG_SINKS = [f"dir:{tmp_path / 'copy'}"]
    return grow(20, data_dir=tmp_path / "var")


def grown(*, by: int = 5, at: datetime = AT) -> Tree:
    size = Tree.objects.get().size
    fill(size, size + by)
    sequence()
    publishing.publish(at=at)
    return Tree.objects.get()


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"", b"x\n"])
def test_a_copy_that_holds_something_else_than_a_checkpoint_stops_the_log_aloud(
    tree: Tree, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "copy" / "checkpoint").write_bytes(content)
    assert "something else" in grown().stopped_because
    assert questions.stopped(AT) == 1


def test_a_sink_that_fails_for_long_is_an_alarm_and_one_that_is_no_longer_wanted_is_not(
    tree: Tree, tmp_path: Path, settings: Any
) -> None:
    (tmp_path / "copy").rename(tmp_path / "unmounted")
    for hours in range(questions.TRIES):
        assert questions.failing_sinks(AT) == 0
        grown(at=AT + timedelta(hours=hours))
    assert questions.failing_sinks(AT) == 1
    settings.LOG_SINKS = []
    assert questions.failing_sinks(AT) == 0


def test_a_checkpoint_that_nobody_signs_is_an_alarm(tree: Tree) -> None:
    assert questions.unsigned_for(AT) == 0
    fill(20, 22)
    sequence()
    assert questions.unsigned_for(AT) <= 5
    fill(22, 23)
    sequence()
    disarm()
    Checkpoint.objects.filter(size=22).update(made_at=clock.of_database() - timedelta(hours=1))
    assert 3_500 < questions.unsigned_for(AT) < 3_700


def test_a_log_that_is_not_signed_at_all_waits_for_no_signature(db: None, settings: Any) -> None:
    settings.LOG_KEY = None
    fill(0, 2)
    sequence()
    assert Checkpoint.objects.exists()
    assert questions.unsigned_for(AT) == 0


def test_files_that_were_put_aside_in_part_when_a_run_was_killed_are_gone_on_with(
    tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, steps = tmp_path / "var" / "log", iter(range(9))
    rename = Path.rename

    def killed(self: Path, target: Path) -> Path:
        if next(steps) == 1:
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", killed)
    with pytest.raises(KeyboardInterrupt):
        sinks._put_aside(folder, tree.origin)
    monkeypatch.undo()
    sinks._put_aside(folder, tree.origin)
    (aside,) = folder.glob("before-*")
    assert {part.name for part in aside.iterdir()} == {"tile", "checkpoint"}
    assert {part.name for part in folder.iterdir()} == {aside.name}


def test_nothing_is_let_go_by_a_clock_that_runs_ahead(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    swept: list[datetime] = []
    monkeypatch.setattr(tasks.retention, "sweep", lambda at: swept.append(at) or {})
    monkeypatch.setattr(tasks.erasure, "sweep", lambda at: swept.append(at) or 0)
    now = datetime.now(UTC)
    for ahead in (timedelta(days=6 * 365), -timedelta(minutes=2)):
        monkeypatch.setattr(tasks.timezone, "now", lambda ahead=ahead: now + ahead)
        tasks.let_go()
        assert questions.clocks_apart(AT) > 100
    assert swept == []
    monkeypatch.setattr(tasks.timezone, "now", lambda: datetime.now(UTC))
    tasks.let_go()
    assert len(swept) == 2
    assert questions.clocks_apart(AT) < 30
