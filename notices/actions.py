"""What can happen to a message: it is sent for, delivered, tried again, given up."""

import logging
from datetime import datetime, timedelta
from uuid import UUID

from celery import signature
from django.db import connection, transaction
from django.db.models import QuerySet

from audit.keys import Unreadable
from audit.log import NotInTransaction, record
from notices import delivery
from notices.contents import Contents, seal
from notices.models import MOST_ATTEMPTS, Notice

logger = logging.getLogger(__name__)

ACTOR = "system:notices"
BUNDLE = timedelta(minutes=2)
LEASE = timedelta(seconds=60)
FIRST_WAIT = timedelta(seconds=15)
LONGEST_WAIT = timedelta(hours=1)


def send(  # noqa: PLR0913 - what a message is made of
    *,
    subject: str,
    channel: str,
    address: str,
    language: str,
    title: str,
    text: str,
    about: str,
    reference: UUID | None = None,
    at: datetime,
    organisation: str = "",
) -> Notice:
    """Queue one message in the caller's transaction; it leaves after the commit.

    Of the messages with the same reference to the same address, the first leaves at once; later ones wait two
    minutes and are bundled into one. A message that somebody is waiting for on the line (a link, a code) is sent
    with no reference, and never waits. That it was sent is seen by staff of `organisation` only. Raises
    NotInTransaction outside a transaction, ValueError for a channel, address or text that can't be sent.
    """
    if not connection.in_atomic_block:
        raise NotInTransaction("a message is queued in the transaction of what it tells")
    if channel not in Notice.Channel.values or not address.strip() or not text.strip():
        raise ValueError(f"no message can be sent by {channel!r} without an address and a text")
    # A line break in the title would begin another header of the mail.
    contents = Contents(address=address, title=" ".join(title.split()), text=text)
    notice = Notice(
        subject=subject, channel=channel, language=language, about=about, reference=reference, created_at=at, due_at=at,
        organisation=organisation,
    )  # fmt: skip
    notice.contents = seal(contents, subject=subject, message=notice.public_id, at=at)
    waiting = _bundle(notice, contents, at)
    _tell("notice.queued", waiting or notice, at, "queued", bundled=waiting is not None, address=address, about=about)
    if waiting is not None:
        return waiting
    notice.save(force_insert=True)
    if notice.due_at <= at:
        _dispatch_on_commit(notice.pk)
    return notice


def deliver(notice_id: int, *, at: datetime) -> None:
    """Deliver one message that is due, once, however many workers try; does nothing when it isn't due."""
    notice = _claim(notice_id, at)
    if notice is None:
        return
    try:
        delivery.deliver(notice)
    except delivery.NotDelivered as failure:
        _put_off(notice, failure.code, at)
    else:
        _finish(notice, "notice.sent", "ok", at, state=Notice.State.SENT, sent_at=at, last_error="")


def due(*, at: datetime, limit: int = 100) -> list[int]:
    """List the ids of messages whose next step is due, the longest due first; a killed worker's are among them."""
    rows = Notice.objects.filter(state__in=Notice.OPEN, due_at__lte=at).order_by("due_at")
    return list(rows.values_list("pk", flat=True)[:limit])


def dispatch(notice_id: int) -> None:
    """Hint to a worker that a message may be due."""
    signature("notices.tasks.deliver", kwargs={"notice_id": notice_id}).apply_async()


def _dispatch_on_commit(notice_id: int) -> None:
    # A function and no partial: Django logs the name of a robust hook that fails, and a partial has none.
    def hint() -> None:
        dispatch(notice_id)

    transaction.on_commit(hint, robust=True)  # a broker that is away must not undo what was committed


def _bundle(notice: Notice, contents: Contents, at: datetime) -> Notice | None:
    """Append to a message of the same bundle that hasn't been tried yet; else let a later one of it wait."""
    if notice.reference is None:
        return None
    rows = Notice.objects.filter(reference=notice.reference, subject=notice.subject, channel=notice.channel)
    found = [sibling for sibling in rows if _address_of(sibling) == contents.address]
    untried = (Notice.State.PENDING, 0, notice.language)
    waiting = _locked([each.pk for each in found if (each.state, each.attempts, each.language) == untried])
    if waiting is None:
        notice.due_at += BUNDLE if found else timedelta()
        return None
    first = waiting.opened()
    longer = first._replace(text=f"{first.text}\n\n{contents.title}\n{contents.text}")
    waiting.contents = seal(longer, subject=waiting.subject, message=waiting.public_id, at=at)
    waiting.save(update_fields=["contents"])
    return waiting


def _address_of(notice: Notice) -> str | None:
    try:
        return notice.opened().address
    except Unreadable:  # its recipient was erased since, and it bundles with nothing
        return None


def _locked(ids: list[int]) -> Notice | None:
    """Lock the first of these messages that still hasn't been tried; asks nothing when there are none."""
    if not ids:
        return None
    untried = Notice.objects.filter(pk__in=ids, state=Notice.State.PENDING, attempts=0)
    return untried.select_for_update().order_by("pk").first()


def _claim(notice_id: int, at: datetime) -> Notice | None:
    with transaction.atomic():
        rows = Notice.objects.select_for_update().filter(pk=notice_id, state__in=Notice.OPEN, due_at__lte=at)
        notice = rows.first()
        if notice is None:
            return None
        if notice.attempts >= MOST_ATTEMPTS:  # each of its workers was lost in the middle
            _finish(notice, "notice.failed", "failed", at, state=Notice.State.FAILED, last_error="WORKER_LOST")
            return None
        notice.state, notice.due_at = Notice.State.SENDING, at + LEASE
        notice.attempts += 1
        notice.save(update_fields=["state", "due_at", "attempts"])
        return notice


def _put_off(notice: Notice, code: str, at: datetime) -> None:
    if notice.attempts >= MOST_ATTEMPTS:
        _finish(notice, "notice.failed", "failed", at, state=Notice.State.FAILED, last_error=code)
        return
    wait = min(FIRST_WAIT * 2**notice.attempts, LONGEST_WAIT)
    _mine(notice).update(state=Notice.State.PENDING, due_at=at + wait, last_error=code)
    logger.warning("notice %s not delivered (%s), attempt %s", notice.public_id, code, notice.attempts)


def _finish(notice: Notice, kind: str, outcome: str, at: datetime, **changes: object) -> None:
    with transaction.atomic():
        if not _mine(notice).update(**changes):
            return  # our lease ran out, and another worker has it
        _tell(kind, notice, at, outcome, attempts=notice.attempts, error=str(changes["last_error"]))
    if outcome == "failed":
        logger.error("notice %s given up after %s attempts", notice.public_id, notice.attempts)


def _mine(notice: Notice) -> QuerySet[Notice]:
    return Notice.objects.filter(pk=notice.pk, state=Notice.State.SENDING, attempts=notice.attempts)


def _tell(
    kind: str, notice: Notice, at: datetime, outcome: str, *, address: str = "", **facts: str | int | bool
) -> None:
    facts = {"notice": str(notice.public_id), "channel": notice.channel, "language": notice.language, **facts}
    if notice.reference is not None:
        facts["reference"] = str(notice.reference)
    record(
        kind=kind, actor=ACTOR, subject=notice.subject, at=at, outcome=outcome, facts=facts,
        purpose="To send you a message about your matter", personal={"address": address} if address else None,
        organisation=notice.organisation,
    )  # fmt: skip
