from django.apps import AppConfig


class IvrConfig(AppConfig):
    name = "ivr"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let verification ask its question on our keypads."""
        from ivr.redirects import Telephone
        from verification import separating

        separating.connect(Telephone())
