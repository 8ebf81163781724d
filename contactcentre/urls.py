"""Which address is answered by which app."""

from importlib.util import find_spec

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from contactcentre import health

APPS = [("ivr/", "ivr.urls"), ("v/", "visits.urls"), ("c/", "verification.urls"), ("api/v1/", "contactcentre.api")]

handler400 = "contactcentre.errors.bad_request"
handler403 = "contactcentre.errors.forbidden"
handler404 = "contactcentre.errors.not_found"
handler500 = "contactcentre.errors.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("healthz", health.alive),
    path("readyz", health.ready),
    path("metrics", health.metrics),
    path("i18n/", include("django.conf.urls.i18n")),
    *(path(prefix, include(module)) for prefix, module in APPS if find_spec(module)),
]
