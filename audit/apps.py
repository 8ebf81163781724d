from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _

from audit import append_only


def reinstall_guards(using: str, **_: Any) -> None:
    """Install every append-only guard that is missing, once all apps have migrated."""
    append_only.install(connections[using])


class AuditConfig(AppConfig):
    name = "audit"
    verbose_name = _("Audit log")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from audit import checks, erasure, questions  # noqa: F401 - they register themselves

        autodiscover_modules("retention")
        post_migrate.connect(reinstall_guards, sender=self, dispatch_uid="audit.append_only")
