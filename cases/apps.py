from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CasesConfig(AppConfig):
    name = "cases"
    verbose_name = _("Cases")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from audit import append_only
        from cases import alarms  # noqa: F401 - registers itself

        append_only.lock_rows("cases_callback")  # by who takes the call upon himself
