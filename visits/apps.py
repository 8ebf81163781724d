from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

APPEND_ONLY = ("visitevent", "checklistitem", "itemconfirmed", "itemaccepted", "identitytry")


class VisitsConfig(AppConfig):
    name = "visits"
    verbose_name = _("Visits")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from audit import append_only
        from visits import checks  # noqa: F401 - registers them

        append_only.protect(*(f"visits_{table}" for table in APPEND_ONLY))
        append_only.lock_rows("visits_visit")  # by the clerk who receives it
