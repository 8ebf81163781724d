"""Where a broker tells us that somebody has answered (OpenID CIBA Core 1.0, 10.2): a hint, after which we ask."""

from __future__ import annotations

import json
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from verification import push_rows

LARGEST: Final = 4096
LONGEST_ID: Final = 1024


@csrf_exempt  # no browser comes here: the bearer token proves who it is
@never_cache
@require_POST
def notify(request: HttpRequest, code: str) -> HttpResponse:
    """Answer 204 to a ping that bears the token of its request, 401 to any other, 400 or 413 to what is none."""
    if _length(request) > LARGEST:
        return HttpResponse(status=413)
    named = _named(request.body)
    if named is None:
        return HttpResponse(status=400)
    bearer = request.headers.get("Authorization", "")[:LARGEST]
    if not push_rows.ping(code, authorization=bearer, auth_req_id=named, at=timezone.now()):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    return HttpResponse(status=204)


def _length(request: HttpRequest) -> int:
    """Return how long the body says it is; without a length the server reads none of it."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    return int(length) if length.isascii() and length.isdigit() else LARGEST + 1


def _named(body: bytes) -> str | None:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    named = found.get("auth_req_id") if isinstance(found, dict) else None
    return named if isinstance(named, str) and 0 < len(named) <= LONGEST_ID else None
