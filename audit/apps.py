from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _

from audit import append_only


def reinstall_guards(using: str, **_: Any) -> None:
    """Install every append-only guard that is missing, once all apps have migrated."""
    append_only.install(connections[using])


def lift_guards(using: str, **_: Any) -> None:
    """Let the migrations alter what a guard names; it is put back as soon as they are through."""
    append_only.lift_for_migrations(connections[using])


class AuditConfig(AppConfig):
    name = "audit"
    verbose_name = _("Audit log")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from audit import checks, erasure, questions  # noqa: F401 - they register themselves

        autodiscover_modules("retention")
        pre_migrate.connect(lift_guards, sender=self, dispatch_uid="audit.append_only")
        post_migrate.connect(reinstall_guards, sender=self, dispatch_uid="audit.append_only")
