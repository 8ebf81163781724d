"""Which address is answered by which app."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.generic import RedirectView

from audit.web import NUMBER
from cases.pages import own_copy
from contactcentre import health
from verification.api.bundles import Bundles
from verification.api.notify import notify
from verification.api.receipts import Keys
from verification.web import caller

handler400 = "contactcentre.errors.bad_request"
handler403 = "contactcentre.errors.forbidden"
handler404 = "contactcentre.errors.not_found"
handler500 = "contactcentre.errors.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("healthz", health.alive),
    path("readyz", health.ready),
    path("metrics", health.metrics),
    path("i18n/", include("django.conf.urls.i18n")),
    path("ivr/", include("ivr.urls")),
    path("c/call/copy/", own_copy.own_copy, name="own_copy"),
    path("c/", include("verification.web.urls")),
    path("e-id/<slug:code>/return/", caller.returned, name="e_id_return"),
    path("e-id/<slug:code>/notify/", notify),
    path("v/", include("visits.urls")),
    path(".well-known/receipts/jwks.json", Keys.as_view(schema=None)),
    re_path(rf"^log/tile/entries/{NUMBER}$", Bundles.as_view()),
    path("log/", include("audit.web")),
    path("api/v1/", include("contactcentre.api")),
]
