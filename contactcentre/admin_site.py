"""The staff's site: nobody comes in without his second factor."""

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django_otp.admin import OTPAdminSite


class ContactCentreAdminSite(OTPAdminSite):  # type: ignore[misc]  # django-otp has no types
    """Ask for the password and the one-time code, and show pages only to sessions that gave both."""

    site_title = _("Contact centre")
    site_header = _("Contact centre")
    index_title = _("Today")
    enable_nav_sidebar = False

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)

    def has_permission(self, request: HttpRequest) -> bool:
        """Allow active staff whose session has passed the second factor."""
        user = request.user
        verified = getattr(user, "is_verified", lambda: False)  # put there by OTPMiddleware
        return bool(user.is_active and getattr(user, "is_staff", False) and verified())
