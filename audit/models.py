"""The log's rows. An Entry holds no foreign key: it survives what it describes."""

from typing import Any, NoReturn

from django.db import models
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


protect(Entry._meta.db_table)
