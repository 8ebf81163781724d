from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from django.apps import AppConfig, apps
from django.core.management import CommandError
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy

APPEND_ONLY = (
    "claim",
    "codetry",
    "promptend",
    "proposal",
    "proposalend",
    "signal",
    "decisionkey",
    "evidence",
    "grant",
    "listcodeuse",
    "namesearch",
    "prompt",
    "refusal",
    "registeranswer",
    "spent",
    "staffchange",
    "staffchangeapproval",
)
LOCKED = ("grant", "prompt", "proposal")  # by those who finish, send or decide them, once


def install_guards(using: str, **_: Any) -> None:
    """Install the guards of every declared action once all apps have migrated."""
    from verification import guard

    try:
        guard.install(using)
    except guard.Altered as reason:
        raise CommandError(str(reason)) from None


def _rooms(config: AppConfig) -> list[str]:
    """Return the modules of an app that declare: actions.py, those named for what they act on, ways, page steps."""
    found = [each.name for each in iter_modules(getattr(config.module, "__path__", []))]
    return sorted(
        name for name in found if name in ("actions", "erasing", "page_steps", "ways") or name.endswith("_actions")
    )


class VerificationConfig(AppConfig):
    name = "verification"
    verbose_name = gettext_lazy("Verification")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Load every app's declarations and ways forward, so that both are whole before anything is asked."""
        from audit import append_only
        from verification import alarms, auditing, checks  # noqa: F401  (they register themselves)
        from verification.eid import checks as e_id_checks  # noqa: F401

        append_only.protect(*(f"verification_{table}" for table in APPEND_ONLY))
        append_only.lock_rows(*(f"verification_{table}" for table in LOCKED))
        for config in apps.get_app_configs():
            for room in _rooms(config):
                import_module(f"{config.name}.{room}")
        post_migrate.connect(install_guards, sender=self, dispatch_uid="verification.guard")
