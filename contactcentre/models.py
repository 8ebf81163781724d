"""What belongs to the installation as a whole."""

from django.db import models

from audit.append_only import protect


class Mark(models.Model):
    """What this database was made for, written once when it is created and never altered."""

    demo = models.BooleanField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="only_one_mark")]

    def __str__(self) -> str:
        return "demo" if self.demo else "real"


class Milestone(models.Model):
    """One-time work on this database that was begun or finished, so that no start repeats it or trusts half of it."""

    code = models.CharField(max_length=40, unique=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.code


protect(Milestone._meta.db_table, Mark._meta.db_table)
