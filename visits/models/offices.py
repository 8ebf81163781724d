"""Offices: where they are, when they are open, and at which hours the desk can do more than look at papers."""

from __future__ import annotations

import uuid
from zoneinfo import ZoneInfo

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from verification.models import Organisation
from visits import hours


class Office(models.Model):
    """One place with a door and one or more desks. Wall-clock times of its rows are those of its `zone`."""

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="offices")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=80)
    street = models.CharField(_("street address"), max_length=120)
    town = models.CharField(_("town"), max_length=60)
    zone = models.CharField(_("time zone"), max_length=40, default="Europe/Helsinki")
    country = models.CharField(_("country of the public holidays"), max_length=2, default="FI")
    subdivision = models.CharField(_("region of the public holidays"), max_length=6, blank=True)
    lunch_from = models.TimeField(_("lunch from"), null=True, blank=True)
    lunch_to = models.TimeField(_("lunch to"), null=True, blank=True)
    desks = models.PositiveSmallIntegerField(_("desks"), default=1, validators=[MinValueValidator(1)])
    slot_minutes = models.PositiveSmallIntegerField(
        _("minutes a visit"), default=30, validators=[MinValueValidator(5), MaxValueValidator(240)]
    )
    step_free = models.BooleanField(_("step-free entrance"), default=False)
    phone = models.CharField(_("phone"), max_length=32, blank=True)
    chip_reader = models.CharField(
        _("address of the chip reader"),
        max_length=120,
        blank=True,
        help_text=_("Empty when the office has none: then nobody is sent here because of a chip."),
    )

    class Meta:
        verbose_name = _("office")
        verbose_name_plural = _("offices")
        ordering = ["town", "name"]
        constraints = [
            models.CheckConstraint(condition=Q(desks__gte=1, slot_minutes__gte=5), name="office_has_desk_and_slots"),
            models.CheckConstraint(
                condition=Q(lunch_from__isnull=True, lunch_to__isnull=True)
                | Q(lunch_from__isnull=False, lunch_to__isnull=False),
                name="office_lunch_begins_and_ends",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}, {self.town}"

    @property
    def tz(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    @property
    def address(self) -> str:
        return f"{self.name}, {self.street}, {self.town}"

    def _has(self, row: AbilityHours) -> bool:
        """Tell whether the desk can do it: hours at which chips are read mean nothing while no reader is configured."""
        return row.ability != AbilityHours.Ability.CHIP or bool(self.chip_reader)

    def calendar(self) -> hours.OfficeHours:
        """Return the whole calendar as the pure rules read it."""
        lunch = (hours.Span(self.lunch_from, self.lunch_to),) if self.lunch_from and self.lunch_to else ()
        return hours.OfficeHours(
            weekly=tuple(row.hours for row in self.weekly.all()),
            exceptions=tuple(row.day for row in self.exceptions.all()),
            lunch=lunch,
            abilities=tuple(row.hours for row in self.abilities.all() if self._has(row)),
            country=self.country,
            subdivision=self.subdivision or None,
        )


class Weekday(models.IntegerChoices):
    MONDAY = 0, _("Monday")
    TUESDAY = 1, _("Tuesday")
    WEDNESDAY = 2, _("Wednesday")
    THURSDAY = 3, _("Thursday")
    FRIDAY = 4, _("Friday")
    SATURDAY = 5, _("Saturday")
    SUNDAY = 6, _("Sunday")


class OfficeHours(models.Model):
    """A stretch of every week in which the office is open."""

    office = models.ForeignKey(Office, on_delete=models.CASCADE, related_name="weekly")
    weekday = models.PositiveSmallIntegerField(_("weekday"), choices=Weekday.choices)
    opens = models.TimeField(_("opens"))
    closes = models.TimeField(_("closes"))

    class Meta:
        verbose_name = _("opening hours")
        verbose_name_plural = _("opening hours")
        ordering = ["weekday", "opens"]
        constraints = [
            models.CheckConstraint(condition=Q(opens__lt=F("closes"), weekday__lte=6), name="office_opens_then_closes")
        ]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {self.opens:%H:%M}-{self.closes:%H:%M}"

    @property
    def hours(self) -> hours.WeeklyHours:
        return hours.WeeklyHours(self.weekday, self.opens, self.closes)


class OfficeException(models.Model):
    """One date with hours of its own; without hours the office is closed on it."""

    office = models.ForeignKey(Office, on_delete=models.CASCADE, related_name="exceptions")
    on = models.DateField(_("date"))
    opens = models.TimeField(_("opens"), null=True, blank=True)
    closes = models.TimeField(_("closes"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=80, blank=True)

    class Meta:
        verbose_name = _("exceptional day")
        verbose_name_plural = _("exceptional days")
        ordering = ["on"]
        constraints = [
            models.UniqueConstraint(fields=["office", "on"], name="one_exception_a_day"),
            models.CheckConstraint(
                condition=Q(opens__isnull=True, closes__isnull=True) | Q(opens__lt=F("closes")),
                name="exception_opens_then_closes",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.on:%Y-%m-%d}"

    @property
    def day(self) -> hours.ExceptionalDay:
        spans = (hours.Span(self.opens, self.closes),) if self.opens and self.closes else ()
        return hours.ExceptionalDay(self.on, spans, self.reason)


class AbilityHours(models.Model):
    """A stretch of every week in which the desk has a second clerk, or can read a chip."""

    class Ability(models.TextChoices):
        SECOND_CLERK = hours.Ability.SECOND_CLERK.value, _("second clerk")
        CHIP = hours.Ability.CHIP.value, _("chip reader")

    office = models.ForeignKey(Office, on_delete=models.CASCADE, related_name="abilities")
    ability = models.CharField(_("ability"), max_length=12, choices=Ability.choices)
    weekday = models.PositiveSmallIntegerField(_("weekday"), choices=Weekday.choices)
    opens = models.TimeField(_("from"))
    closes = models.TimeField(_("to"))

    class Meta:
        verbose_name = _("what the desk can do")
        verbose_name_plural = _("what the desk can do")
        ordering = ["weekday", "opens"]
        constraints = [
            models.CheckConstraint(condition=Q(opens__lt=F("closes"), weekday__lte=6), name="ability_begins_then_ends")
        ]

    def __str__(self) -> str:
        return f"{self.get_ability_display()} {self.get_weekday_display()}"

    @property
    def hours(self) -> hours.AbilityHours:
        return hours.AbilityHours(self.weekday, self.opens, self.closes, hours.Ability(self.ability))
