"""Changes of an account that need two people: proposed by one administrator, approved by another."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from verification.models.staff import Staff

GOOD_FOR = timedelta(hours=24)


class StaffChange(models.Model):
    """What one administrator proposes to do to another's account. Never altered; an approval is a row of its own."""

    class Kind(models.TextChoices):
        ROLE = "ROLE", _("new role")
        RESET = "RESET", _("new password and code app")

    staff = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="changes", verbose_name=_("staff member"))
    kind = models.CharField(_("change"), max_length=5, choices=Kind.choices)
    role_was = models.CharField(_("role"), max_length=16, choices=Staff.Role.choices)
    role = models.CharField(_("new role"), max_length=16, choices=Staff.Role.choices, blank=True)
    because = models.CharField(_("reason"), max_length=200)
    proposed_at = models.DateTimeField(_("proposed"))
    proposed_by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+", verbose_name=_("proposed by"))

    class Meta:
        verbose_name = _("change of an account")
        verbose_name_plural = _("changes of accounts")
        constraints = [
            models.CheckConstraint(condition=~Q(staff=F("proposed_by")), name="staff_change_of_another"),
            models.CheckConstraint(
                condition=(Q(kind="ROLE") & ~Q(role="") & ~Q(role=F("role_was"))) | Q(kind="RESET", role=""),
                name="staff_change_says_what",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.staff}: {self.get_role_display() if self.role else self.get_kind_display()}"

    @property
    def approval(self) -> StaffChangeApproval | None:
        return StaffChangeApproval.objects.filter(change=self).select_related("approved_by").first()

    def open(self, at: datetime) -> bool:
        """Tell whether it still waits: nobody has approved it, its day isn't over, and the role is what it was."""
        return self.approval is None and at - self.proposed_at < GOOD_FOR and self.staff.role == self.role_was

    def may_be_approved_by(self, by: Staff, at: datetime) -> bool:
        """Tell whether `by` is another administrator, neither proposer nor concerned, with a seasoned account."""
        return (
            by.pk not in (self.proposed_by_id, self.staff_id)
            and by.role == Staff.Role.ADMINISTRATOR
            and by.is_active
            and by.organisation_id == self.staff.organisation_id
            and by.seasoned(at)
        )


class StaffChangeApproval(models.Model):
    """The second administrator's yes, in the transaction that carried the change out. Once a change."""

    change = models.OneToOneField(StaffChange, on_delete=models.PROTECT, related_name="+")
    approved_at = models.DateTimeField()
    approved_by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"approval of {self.change_id}"
