"""A contact centre that verifies first: settings, URL map, Celery app, admin site, `up` and `demo`."""

from contactcentre.celery import app as celery_app

__all__ = ["celery_app"]
