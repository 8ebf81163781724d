"""The house's addresses, and the bare view's."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from twilio.request_validator import RequestValidator

from benchmarks.models import BareTurn

TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response><Say language="en-GB">Press a key.</Say></Response>'


@csrf_exempt
def bare(request: HttpRequest) -> HttpResponse:
    """Check the signature with the provider's own library, insert one row, answer a constant."""
    from django.conf import settings

    address = settings.PUBLIC_URL + request.get_full_path()
    signature = request.headers.get("X-Twilio-Signature", "")
    if not RequestValidator(settings.TWILIO_AUTH_TOKEN).validate(address, request.POST, signature):
        return HttpResponse(status=403)
    BareTurn.objects.create(call_sid=request.POST["CallSid"], digits=request.POST["Digits"], at=timezone.now())
    return HttpResponse(TWIML, content_type="text/xml")


urlpatterns = [path("bare/", bare), path("", include("contactcentre.urls"))]
