"""Puts our admin site in the place of Django's. Not in apps.py: importing AdminConfig there registers it twice."""

from django.contrib.admin.apps import AdminConfig


class ContactCentreAdminConfig(AdminConfig):
    """Serve the staff's pages; the second factors' own pages stay out, since they show seeds."""

    default_site = "contactcentre.admin_site.ContactCentreAdminSite"

    def ready(self) -> None:
        super().ready()
        from django.contrib import admin
        from django_otp.plugins.otp_totp.models import TOTPDevice

        if admin.site.is_registered(TOTPDevice):
            admin.site.unregister(TOTPDevice)
