from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate


class ContactCentreConfig(AppConfig):
    """Mark a new database as demo or real, once, and migrate none of the other kind."""

    name = "contactcentre"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from contactcentre.demo_lock import mark_new_database
        from contactcentre.first_start import refuse_to_migrate

        pre_migrate.connect(refuse_to_migrate, sender=self, dispatch_uid="refuse_to_migrate")
        post_migrate.connect(mark_new_database, sender=self, dispatch_uid="mark_new_database")
