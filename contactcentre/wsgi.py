"""The WSGI application that gunicorn and waitress serve. It is refused on a database of the other world."""

import os

from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application


def _checked() -> WSGIHandler:
    """Set Django up; however this is started, a demo's known secrets never meet a real database."""
    made = get_wsgi_application()
    from contactcentre import demo_lock

    demo_lock.check()
    return made


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "contactcentre.settings")
application = _checked()
