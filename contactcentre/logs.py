"""What is written to stdout: one JSON object a line, without bodies, query strings or tokens."""

import logging
import re
import time
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

from contactcentre.metrics import REQUESTS, SECONDS

TOKEN = re.compile(r"/(c|v|admin/set-up|ivr/[^/\s]+/(?:turn|wait|question))/[^/?\s\"']+")
QUERY = re.compile(r"\?[^\s\"']*")
SHARED: list[structlog.typing.Processor] = [
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def formatter() -> logging.Formatter:
    """Return the formatter that turns every record, ours or a library's, into one line of JSON."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )


def redacted(text: str) -> str:
    """Return text without query strings and the tokens of /c/, /v/, /admin/set-up/ and telephone addresses."""
    return QUERY.sub("?-", TOKEN.sub(r"/\1/-", text))


class WithoutTokens(logging.Filter):
    """Redact the message of every record: Django's own warnings name the path, and a path may hold a token."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.msg, str):
            record.msg, record.args = redacted(record.getMessage()), ()
        return True


structlog.configure(
    processors=[structlog.stdlib.filter_by_level, *SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)
log = structlog.stdlib.get_logger("contactcentre.requests")


class RequestLogMiddleware:
    """Log one line a request: method, route (never the path), status, milliseconds."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = self.get_response(request)
        route = request.resolver_match.route if request.resolver_match else "-"
        seconds = time.perf_counter() - began
        REQUESTS.labels(request.method, route, response.status_code).inc()
        SECONDS.labels(route).observe(seconds)
        if route not in ("healthz", "readyz", "metrics", "-"):
            log.info(
                "request", method=request.method, route=route, status=response.status_code, ms=round(seconds * 1000, 1)
            )
        return response
