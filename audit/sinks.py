"""Who is given our checkpoints: our own files under DATA_DIR/log, copies in other folders, auditors' mailboxes.

Each remembers outside the database the last note that it was given, so that a database which was set back is found
out. How far each is, what failed and when it is due again stands in its row; every run of the publisher looks at all.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.core.mail import EmailMessage

from audit import mirror
from audit.models import Sink, Tree
from audit.notes import NoCheckpoint, parse_checkpoint
from audit.tiles import Damaged

LONGEST_PAUSE = timedelta(minutes=10)
OWN = "files"


class Gone(OSError):
    """Tell that a sink was given checkpoints and shows none: another disk, an unmounted folder, or somebody's hand."""


class BadSink(ValueError):
    """Refuse a line of LOG_SINKS that can't be meant."""


class Taker(Protocol):
    """Say what every kind of sink can do."""

    @property
    def name(self) -> str:
        """Return the line of LOG_SINKS."""

    @property
    def pause(self) -> timedelta:
        """Return the shortest time between two notes."""

    def last(self) -> str | None:
        """Return the last note it was given, None when there was none. Raises OSError."""

    def give(self, tree: Tree, note: str, size: int) -> None:
        """Give it a note. Raises OSError."""


@dataclass(frozen=True)
class Folder:
    """A folder that holds the whole log as static files."""

    name: str
    path: Path
    pause: timedelta = timedelta(0)

    def last(self) -> str | None:
        """Return the note in the folder."""
        return _content(self.path / "checkpoint")

    def give(self, tree: Tree, note: str, size: int) -> None:
        """Write what has come since the folder's own checkpoint, then the note; begin a new log's files afresh."""
        before, standing = 0, self.last()
        if standing is not None:
            of = checkpoint_of(standing)
            if of.origin == tree.origin:
                before = of.size
            else:
                _put_aside(self.path, of.origin)
        mirror.write(self.path, tree.log, note, before=before, size=size)


@dataclass(frozen=True)
class Mailbox:
    """An auditor's mailbox. We can't read it, so the last note sent is kept in a file of DATA_DIR."""

    name: str
    address: str
    pause: timedelta

    def last(self) -> str | None:
        """Return the last note that was sent."""
        return _content(self._kept)

    def give(self, tree: Tree, note: str, size: int) -> None:
        """Send a note: the mail's text is the note and nothing else."""
        EmailMessage(f"{tree.origin} {size}", note, to=[self.address]).send()
        mirror.put(self._kept, note.encode())

    @property
    def _kept(self) -> Path:
        return Path(settings.DATA_DIR) / "log-sent" / sha256(self.name.encode()).hexdigest()[:16]


def all_of_them() -> list[Taker]:
    """Give our own files first, then what LOG_SINKS names. Raises BadSink."""
    return [Folder(OWN, Path(settings.DATA_DIR) / "log"), *map(_of, settings.LOG_SINKS)]


def last_given(taker: Taker) -> str | None:
    """Return the last note that a sink was given. Raises Gone when our row says that there was one, or OSError."""
    note = taker.last()
    if note is None and taker.name != OWN and Sink.objects.filter(name=taker.name, size__gt=0).exists():
        raise Gone(f"{taker.name} has lost its checkpoint")
    return note


def checkpoint_of(note: str) -> "NoteSays":
    """Read a note's checkpoint without asking who signed it. Raises NoCheckpoint."""
    text = note.partition("\n\n")[0] + "\n"
    origin, size, root = parse_checkpoint(text)
    return NoteSays(origin, size, root)


@dataclass(frozen=True)
class NoteSays:
    """What a checkpoint says, whoever signed it."""

    origin: str
    size: int
    root: bytes


def hand_over(taker: Taker, tree: Tree, note: str, size: int, *, at: datetime) -> bool:
    """Give a note to a sink that is due; note in its row what came of it. False when it failed."""
    row, _ = Sink.objects.get_or_create(name=taker.name, defaults={"due_at": at})
    if row.due_at > at or ((row.log, row.size) == (tree.log, size) and not row.failure):
        return True
    try:
        last_given(taker)
        taker.give(tree, note, size)
    except (OSError, NoCheckpoint, Damaged) as error:
        _failed(row, error, at)
        return False
    row.log, row.size, row.given_at, row.due_at = tree.log, size, at, at + taker.pause
    row.attempts, row.failure = 0, ""
    row.save()
    return True


def failed_to_tell(taker: Taker, error: Exception, *, at: datetime) -> None:
    """Note that a sink couldn't be asked what it was last given."""
    row, _ = Sink.objects.get_or_create(name=taker.name, defaults={"due_at": at})
    if row.due_at <= at:
        _failed(row, error, at)


def _failed(row: Sink, error: Exception, at: datetime) -> None:
    row.attempts += 1
    row.due_at = at + min(timedelta(seconds=2 ** min(row.attempts, 16)), LONGEST_PAUSE)
    row.failure = f"{type(error).__name__}: {error}"[:500]
    row.save()


def _of(given: str) -> Taker:
    kind, _, where = given.partition(":")
    if kind == "dir" and where.startswith("/"):
        return Folder(given, Path(where))
    if kind == "mail" and where.count("@") == 1:
        return Mailbox(given, where, timedelta(minutes=settings.LOG_MAIL_MINUTES))
    raise BadSink(f"LOG_SINKS: {given!r} is neither dir:/path nor mail:address")


def _content(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")  # what is no text is no checkpoint either
    except FileNotFoundError:
        return None


def _put_aside(folder: Path, origin: str) -> None:
    """Move an earlier log's files out of the way, under their origin's mark; go on where a killed run ended."""
    aside = folder / f"before-{sha256(origin.encode()).hexdigest()[:16]}"
    aside.mkdir(exist_ok=True)
    for part in ("tile", "checkpoint"):  # the checkpoint last: it tells that there is something to move
        if (folder / part).exists() and not (aside / part).exists():
            (folder / part).rename(aside / part)
