"""What a supervisor and a monitoring system ask: is the process alive, may it serve, what has it done."""

from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from contactcentre import readiness
from contactcentre.proxies import client_address


@require_safe
@never_cache
def alive(_: HttpRequest) -> HttpResponse:
    """Answer 200 as long as requests are answered at all; the database is not asked."""
    return JsonResponse({"alive": True})


@require_safe
@never_cache
def ready(_: HttpRequest) -> HttpResponse:
    """Answer 200 when the database answers, is migrated and guarded, else 503 with the reason."""
    try:
        readiness.check()
    except readiness.NotReady as reason:
        return JsonResponse({"ready": False, "reason": str(reason)}, status=503)
    return JsonResponse({"ready": True})


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer in Prometheus' text format, to programs on this machine only (a scraper elsewhere comes by the proxy)."""
    if client_address(request) not in ("127.0.0.1", "::1"):
        return HttpResponseForbidden()
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)
