"""The log's rows. An Entry holds no foreign key: it survives what it describes."""

from datetime import datetime, timedelta
from typing import Any, ClassVar, NoReturn
from uuid import uuid4

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from audit.append_only import protect


class AppendOnlyError(Exception):
    """Refuse to write an Entry except through audit.log.record."""


class EntryQuerySet(models.QuerySet["Entry"]):
    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise AppendOnlyError("entries are written by audit.log.record and never changed")

    create = update = delete = bulk_create = bulk_update = _refuse
    get_or_create = update_or_create = _refuse


class Entry(models.Model):
    """Hold one line of the log in its stored form.

    `body` is the canonical JSON (RFC 8785) that is hashed; kind, subject_ref, actor, outcome and org are copies
    out of it for queries. `at` is the database's clock, the application's is in the body. On PostgreSQL the table also
    has `xid` (xid8), which only the sequencer reads, so the model leaves it out.
    """

    id = models.BigAutoField(primary_key=True)
    epoch = models.IntegerField(editable=False)
    at = models.DateTimeField(_("at"), editable=False)
    uid = models.UUIDField(_("receipt"), unique=True, editable=False)
    kind = models.TextField(_("kind"), editable=False)
    subject_ref = models.TextField(_("subject"), editable=False)
    actor = models.TextField(_("actor"), editable=False)
    outcome = models.TextField(_("outcome"), editable=False)
    org = models.TextField(_("organisation"), default="", editable=False)
    body = models.BinaryField(editable=False)
    payload_ct = models.BinaryField(null=True, editable=False)

    objects = EntryQuerySet.as_manager()

    class Meta:
        db_table = "audit_entry"
        verbose_name = _("entry")
        verbose_name_plural = _("entries")

    def __str__(self) -> str:
        return f"{self.kind} {self.uid}"

    def save(self, *_: Any, **__: Any) -> NoReturn:
        raise AppendOnlyError("entries are written by audit.log.record")

    def delete(self, *_: Any, **__: Any) -> NoReturn:
        raise AppendOnlyError("entries are never deleted; erase the subject's key instead")


class SubjectKey(models.Model):
    """Hold the random key of one subject, wrapped under FIELD_KEY. To delete the row is to erase the subject."""

    subject_ref = models.TextField(primary_key=True)
    wrapped = models.BinaryField()
    commitment = models.BinaryField()
    created_at = models.DateTimeField()

    class Meta:
        db_table = "audit_subject_key"

    def __str__(self) -> str:
        return self.subject_ref


class Tree(models.Model):
    """Hold where one log's Merkle tree stands: how much is in it, and after which entry to go on.

    The rows are numbered; the newest is the log that grows. There is a second one only after an operator opened a new
    log under a new origin (docs/log.md), since the old one could no longer be continued honestly. Only the sequencer
    changes size, root and the cursor (last_epoch, last_xid, last_id), holding the row's lock.
    """

    log = models.IntegerField(primary_key=True)
    origin = models.TextField()
    size = models.BigIntegerField(default=0)
    root = models.BinaryField()
    last_epoch = models.IntegerField(default=0)
    last_xid = models.BigIntegerField(default=0)
    last_id = models.BigIntegerField(default=0)
    cluster = models.TextField(default="")  # whose transaction numbers last_xid is one of; "" on SQLite
    follows = models.TextField(default="")  # the last note of the log before, "" for the first
    stopped_at = models.DateTimeField(null=True)
    stopped_because = models.TextField(default="")

    class Meta:
        db_table = "audit_tree"

    def __str__(self) -> str:
        return f"{self.origin} ({self.size})"

    @classmethod
    def current(cls) -> "Tree | None":
        """Give the log that grows, or None before the sequencer's first run."""
        return cls.objects.order_by("-log").first()


class OfTheLogManager(models.Manager[models.Model]):
    """Give only the rows of the log that grows."""

    def get_queryset(self) -> models.QuerySet[models.Model]:
        newest = Tree.objects.order_by("-log").values("log")[:1]
        return super().get_queryset().filter(log=models.Subquery(newest))


class Leaf(models.Model):
    """Say which entry is which leaf. `objects` are those of the log that grows, `of_every_log` all."""

    pk = models.CompositePrimaryKey("log", "leaf_index")
    log = models.IntegerField()
    leaf_index = models.BigIntegerField()
    entry = models.ForeignKey(Entry, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+")

    objects: ClassVar[models.Manager["Leaf"]] = OfTheLogManager()  # type: ignore[assignment]
    of_every_log: ClassVar[models.Manager["Leaf"]] = models.Manager()

    class Meta:
        db_table = "audit_leaf"
        constraints = [models.UniqueConstraint(fields=["entry", "log"], name="audit_leaf_entry")]

    def __str__(self) -> str:
        return f"{self.leaf_index}: {self.entry_id}"


class Tile(models.Model):
    """Hold up to 256 hashes of 32 bytes, side by side: those of complete subtrees of 256**level leaves each."""

    pk = models.CompositePrimaryKey("log", "level", "n")
    log = models.IntegerField()
    level = models.IntegerField()
    n = models.BigIntegerField()
    hashes = models.BinaryField()

    objects: ClassVar[models.Manager["Tile"]] = OfTheLogManager()  # type: ignore[assignment]
    of_every_log: ClassVar[models.Manager["Tile"]] = models.Manager()

    class Meta:
        db_table = "audit_tile"

    def __str__(self) -> str:
        return f"tile/{self.level}/{self.n}"


class Checkpoint(models.Model):
    """Hold the root of the tree at one size, committed together with the leaves; not signed yet."""

    pk = models.CompositePrimaryKey("log", "size")
    log = models.IntegerField()
    size = models.BigIntegerField()
    root = models.BinaryField()
    made_at = models.DateTimeField(db_default=Now())

    objects: ClassVar[models.Manager["Checkpoint"]] = OfTheLogManager()  # type: ignore[assignment]
    of_every_log: ClassVar[models.Manager["Checkpoint"]] = models.Manager()

    class Meta:
        db_table = "audit_checkpoint"

    def __str__(self) -> str:
        return str(self.size)


class SignedCheckpoint(models.Model):
    """Hold the signed note of a committed checkpoint. Signing changes no row: it adds this one."""

    pk = models.CompositePrimaryKey("log", "size")
    log = models.IntegerField()
    size = models.BigIntegerField()
    note = models.TextField()
    signed_at = models.DateTimeField()

    objects: ClassVar[models.Manager["SignedCheckpoint"]] = OfTheLogManager()  # type: ignore[assignment]
    of_every_log: ClassVar[models.Manager["SignedCheckpoint"]] = models.Manager()

    class Meta:
        db_table = "audit_signed_checkpoint"

    def __str__(self) -> str:
        return str(self.size)


class SigningKey(models.Model):
    """Name a public key with which a log's checkpoints are signed, and from which size on."""

    pk = models.CompositePrimaryKey("log", "vkey")
    log = models.IntegerField()
    vkey = models.TextField()
    since = models.BigIntegerField()
    first_used_at = models.DateTimeField()

    objects: ClassVar[models.Manager["SigningKey"]] = OfTheLogManager()  # type: ignore[assignment]
    of_every_log: ClassVar[models.Manager["SigningKey"]] = models.Manager()

    class Meta:
        db_table = "audit_signing_key"

    def __str__(self) -> str:
        return self.vkey


class Sink(models.Model):
    """Hold how far one sink has been given our checkpoints; what it holds itself is asked of it before each signing."""

    name = models.TextField(primary_key=True)  # as in LOG_SINKS
    log = models.IntegerField(default=0)
    size = models.BigIntegerField(default=0)
    given_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField()
    attempts = models.IntegerField(default=0)
    failure = models.TextField(default="")

    class Meta:
        db_table = "audit_sink"

    def __str__(self) -> str:
        return self.name


class Flood(models.Model):
    """Count what came to a door unsigned from one source in one minute; told once in one Entry a minute."""

    pk = models.CompositePrimaryKey("minute", "door", "source")
    minute = models.DateTimeField()
    door = models.TextField()
    source = models.TextField()  # a keyed hash, "" for all that came when the minute's sources were too many
    count = models.BigIntegerField()
    told = models.BooleanField(default=False)

    class Meta:
        db_table = "audit_flood"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["minute"], condition=models.Q(told=False), name="audit_flood_untold")
        ]

    def __str__(self) -> str:
        return f"{self.door} {self.count}"


class Alarm(models.Model):
    """Hold what one standing question was answered last, and since when the answer has been an alarm."""

    code = models.TextField(primary_key=True)
    value = models.BigIntegerField()
    began_at = models.DateTimeField(null=True)
    watched_at = models.DateTimeField()

    class Meta:
        db_table = "audit_alarm"
        verbose_name = _("alarm")
        verbose_name_plural = _("alarms")

    def __str__(self) -> str:
        return self.code


class Compared(models.Model):
    """Hold the moment up to which every committed entry was found to have its leaf. One row."""

    until = models.DateTimeField()

    class Meta:
        db_table = "audit_compared"

    def __str__(self) -> str:
        return str(self.until)


class Export(models.Model):
    """Hold a period of the log that an auditor asked for, how far its writing has come, and until when it is kept."""

    class State(models.TextChoices):
        ASKED = "ASKED", _("waiting to be written")
        WRITING = "WRITING", _("being written")
        READY = "READY", _("ready to be fetched")
        EMPTY = "EMPTY", _("nothing of that period is signed")
        FAILED = "FAILED", _("could not be written")
        VOID = "VOID", _("thrown away")

    public_id = models.UUIDField(unique=True, default=uuid4, editable=False)
    organisation = models.TextField()
    asked_by = models.TextField()  # the actor, as the log has him
    purpose = models.TextField()
    since = models.DateTimeField()
    until = models.DateTimeField()
    with_csv = models.BooleanField(default=True)
    state = models.TextField(choices=State.choices, default=State.ASKED)
    done = models.BigIntegerField(default=0)
    of = models.BigIntegerField(default=0)
    size = models.BigIntegerField(default=0)  # of the file, in bytes
    attempts = models.IntegerField(default=0)
    asked_at = models.DateTimeField()
    due_at = models.DateTimeField()
    void_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "audit_export"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["due_at"], name="audit_export_due", condition=models.Q(
                state__in=["ASKED", "WRITING", "READY"])),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.public_id} ({self.state})"

    @property
    def per_cent(self) -> int:
        """Tell how much of it is written."""
        return min(100, self.done * 100 // self.of) if self.of else 0

    @property
    def last_day(self) -> datetime:
        """Return a moment of the last day of the period, which ends before `until`."""
        return self.until - timedelta(microseconds=1)

    @property
    def going_on(self) -> bool:
        return self.state in (self.State.ASKED, self.State.WRITING)


protect(*(of._meta.db_table for of in (Entry, Leaf, Checkpoint, SignedCheckpoint, SigningKey)))
