"""The Celery app; its broker and schedule stand in the settings."""

import os

from celery import Celery
from celery.signals import worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "contactcentre.settings")

app = Celery("contactcentre")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
def refuse_wrong_world(**_: object) -> None:
    """End a worker before its first task when DEMO and the database don't agree."""
    from contactcentre import demo_lock

    try:
        demo_lock.check()
    except demo_lock.WrongWorld as reason:
        raise SystemExit(str(reason)) from None  # Celery only logs an exception of a receiver
