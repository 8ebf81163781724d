from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ContactCentreConfig(AppConfig):
    """Mark a new database as demo or real, once."""

    name = "contactcentre"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from contactcentre.demo_lock import mark_new_database

        post_migrate.connect(mark_new_database, sender=self, dispatch_uid="mark_new_database")
