"""What must not be lost is looked for again and again: every sweep of ours is in beat's schedule."""

from celery import current_app
from django.conf import settings


def test_every_sweep_and_reminder_of_ours_is_scheduled() -> None:
    current_app.loader.import_default_modules()
    apps = tuple(f"{app}.tasks." for app in settings.INSTALLED_APPS if "." not in app)
    again = (".sweep", ".remind", ".sequence", ".let_go")
    repeated = {name for name in current_app.tasks if name.startswith(apps) and name.endswith(again)}
    assert {"cases.tasks.sweep", "notices.tasks.sweep", "visits.tasks.sweep", "visits.tasks.remind"} <= repeated
    assert {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()} == repeated
