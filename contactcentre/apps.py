from django.apps import AppConfig


class ContactCentreConfig(AppConfig):
    name = "contactcentre"
    default_auto_field = "django.db.models.BigAutoField"
