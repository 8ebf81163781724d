"""Sign what is committed, and let others have it. What was signed can't be unsaid, so look twice before signing.

Before each signing the last note of every sink is compared with our tree. If one isn't a beginning of it, the database
was set back, or replaced, or altered: nothing is signed any more until an operator opens a new log whose first leaf
holds the old one's last note (docs/log.md). Ed25519 is deterministic: signed again after a crash it is the same note.
"""

from collections.abc import Mapping
from datetime import datetime

import structlog
from django.db import transaction

from audit import log_keys, merkle, notes, sinks
from audit.log import record
from audit.models import Checkpoint, SignedCheckpoint, Tree
from audit.tiles import Damaged, Tiles

log = structlog.get_logger(__name__)


class Fork(Exception):
    """Tell why our tree can't be a continuation of what others hold; the message is one line."""


def publish(*, at: datetime) -> SignedCheckpoint | None:
    """Sign the newest committed checkpoint and hand it to every sink that is due; return it, or None if there is none.

    Never call it inside a transaction: what could still be rolled back must not be signed. None, too, where no LOG_KEY
    is held and after publishing was stopped.
    """
    held = _held(at)  # asked before the tree is read: what was published by then, we must have
    tree, checkpoint = _committed()
    present = log_keys.signers(tree.origin) if tree else []
    if tree is None or checkpoint is None or not present or tree.stopped_because:
        return None
    try:
        compare(tree, checkpoint, held)
        log_keys.introduce(tree, present, at=at)
    except (Fork, Damaged, log_keys.NotIntroduced) as reason:
        stop(tree, str(reason), at=at)
        return None
    signed = _signed(tree, checkpoint, present, at)
    for taker in sinks.all_of_them():
        if not sinks.hand_over(taker, tree, signed.note, signed.size, at=at):
            log.warning("log.sink_failed", sink=taker.name)
    return signed


def latest(log_number: int) -> SignedCheckpoint | None:
    """Give a log's largest signed checkpoint."""
    return SignedCheckpoint.of_every_log.filter(log=log_number).order_by("-size").first()


def compare(tree: Tree, checkpoint: Checkpoint, held: Mapping[str, str]) -> None:
    """Raise Fork unless every note held, by the name of who holds it, says a beginning of the tree."""
    tiles, signed = Tiles(tree.log), SignedCheckpoint.of_every_log.filter(log=tree.log, size=checkpoint.size).first()
    if signed is None and merkle.root(tiles.read, checkpoint.size) != bytes(checkpoint.root):
        raise Fork(f"the tiles aren't those of the checkpoint at {checkpoint.size}")
    for where, note in held.items():
        if signed is None or note != signed.note:
            _is_beginning(tree, tiles, note, where)


def stop(tree: Tree, because: str, *, at: datetime) -> None:
    """Stop signing until an operator acts: say so in the tree's row, in the log itself and in one line of the logs."""
    with transaction.atomic():
        stopped = Tree.objects.filter(log=tree.log, stopped_because="").update(stopped_at=at, stopped_because=because)
        if stopped:
            record(
                kind="alarm.log_stopped", actor="system:log", subject="log", at=at, outcome="failed",
                purpose="Checkpoints are signed no more until somebody has looked", facts={"because": because},
            )  # fmt: skip
    log.error("log.stopped", origin=tree.origin, because=because)


def _held(at: datetime) -> dict[str, str]:
    """Ask every sink, and our own table, for the last note. A sink that can't tell is noted as failing."""
    held = {}
    for taker in sinks.all_of_them():
        try:
            note = sinks.last_given(taker)
        except OSError as error:
            sinks.failed_to_tell(taker, error, at=at)
            continue
        if note is not None:
            held[taker.name] = note
    tree = Tree.current()
    if tree is not None and (newest := latest(tree.log)) is not None:
        held["the database"] = newest.note
    return held


def _committed() -> tuple[Tree | None, Checkpoint | None]:
    with transaction.atomic(durable=True):
        tree = Tree.current()
        newest = Checkpoint.of_every_log.filter(log=tree.log).order_by("-size").first() if tree else None
        return tree, newest


def _is_beginning(tree: Tree, tiles: Tiles, note: str, where: str) -> None:
    try:
        held = sinks.checkpoint_of(note)
    except notes.NoCheckpoint:
        raise Fork(f"{where} holds no checkpoint but something else") from None
    if held.origin != tree.origin:
        _is_of_the_log_before(tree, held, where)
    elif held.size > tree.size:
        raise Fork(f"{where} holds a checkpoint of {held.size} leaves, the database only {tree.size}")
    elif merkle.root(tiles.read, held.size) != held.root:
        raise Fork(f"{where} holds another root at {held.size} leaves than the database")


def _is_of_the_log_before(tree: Tree, held: sinks.NoteSays, where: str) -> None:
    followed = sinks.checkpoint_of(tree.follows) if tree.follows else None
    if followed is None or held.origin != followed.origin or held.size > followed.size:
        raise Fork(f"{where} holds a checkpoint of {held.origin}, which this log doesn't follow")


def _signed(tree: Tree, checkpoint: Checkpoint, present: list[notes.Signer], at: datetime) -> SignedCheckpoint:
    """Sign a checkpoint, once."""
    text = notes.checkpoint_text(tree.origin, checkpoint.size, bytes(checkpoint.root))
    signed, _ = SignedCheckpoint.of_every_log.get_or_create(
        log=tree.log, size=checkpoint.size, defaults={"note": notes.sign(text, *present), "signed_at": at}
    )
    return signed
