"""Tokens of the API: what a member of the staff gets for his password and his second factor, for an hour."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

from verification.models.staff import Staff


class StaffToken(models.Model):
    """One token, kept as its hash only. Void after its hour, once revoked, and once role or password has changed."""

    staff = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="tokens")
    digest = models.CharField(max_length=64, unique=True)  # SHA-256 of 256 random bits: nothing to guess, so no salt
    role = models.CharField(_("role"), max_length=16, choices=Staff.Role.choices)
    password_mark = models.CharField(max_length=64)  # Django's session hash: changes when the password does
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(expires_at__gt=models.F("issued_at")), name="token_ends_later")
        ]

    def __str__(self) -> str:
        return f"token {self.pk}"

    def good(self, at: datetime) -> bool:
        """Tell whether the token still speaks for its owner, in the role that it was given for."""
        staff = self.staff
        return (
            self.revoked_at is None
            and self.issued_at <= at < self.expires_at
            and staff.is_active
            and staff.is_staff
            and staff.role == self.role
            and staff.get_session_auth_hash() == self.password_mark
        )
