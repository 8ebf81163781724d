"""Puts our admin site in the place of Django's. Not in apps.py: importing AdminConfig there registers it twice."""

from django.contrib.admin.apps import AdminConfig


class ContactCentreAdminConfig(AdminConfig):
    """Serve the staff's pages; the second factors' own pages stay out, since they show seeds."""

    default_site = "contactcentre.admin_site.ContactCentreAdminSite"

    def ready(self) -> None:
        super().ready()
        from django.contrib import admin
        from django.contrib.auth.models import Group
        from django_otp.plugins.otp_totp.models import TOTPDevice
        from django_otp_webauthn.models import WebAuthnAttestation, WebAuthnCredential

        # Group too: a role is what it is, no permissions are handed out by rows.
        for model in (TOTPDevice, WebAuthnAttestation, WebAuthnCredential, Group):
            if admin.site.is_registered(model):
                admin.site.unregister(model)
