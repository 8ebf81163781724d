"""What the API answers when it cannot do what was asked: problem+json (RFC 9457), for everything that can go wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import structlog
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions
from rest_framework.response import Response

log = structlog.get_logger(__name__)
MEDIA_TYPE = "application/problem+json"
TYPES_AT = "/api/v1/problems/"


@dataclass(frozen=True)
class Kind:
    """One kind of problem: its HTTP status and the sentence that names it."""

    status: int
    title: Promise


KINDS: Final[dict[str, Kind]] = {
    "malformed": Kind(400, _("Something in the request could not be read.")),
    "unauthenticated": Kind(401, _("Please log in first.")),
    "not-allowed": Kind(403, _("This is not open to your role.")),
    "step-up": Kind(403, _("For this, please give your second factor again: POST /api/v1/tokens/current/.")),
    "not-serving": Kind(403, _("You do not serve this contact.")),
    "refused": Kind(403, _("This cannot be done now; there are other ways.")),
    "not-found": Kind(404, _("There is nothing here.")),
    "method": Kind(405, _("This address does not take that method.")),
    "not-acceptable": Kind(406, _("The answer is JSON, which the request does not accept.")),
    "decided": Kind(409, _("This has been decided already, or nobody decided in time.")),
    "declined": Kind(
        409, _("This person has said that he did not call. Nothing more is asked of him in this contact.")
    ),
    "ended": Kind(409, _("This contact is over.")),
    "taken": Kind(409, _("A colleague serves this contact already.")),
    "no-claim": Kind(409, _("Nobody was named in this contact yet, or not who speaks.")),
    "no-register": Kind(409, _("No register of authorizations is connected here.")),
    "not-proven": Kind(409, _("Who acts for another has not proved himself as far as this asks for.")),
    "no-road": Kind(409, _("This road is not open here, or not for this action.")),
    "waiting": Kind(409, _("A request is waiting for this person already.")),
    "unanswered": Kind(409, _("A question is neither answered nor declined.")),
    "too-large": Kind(413, _("The request is too large.")),
    "media-type": Kind(415, _("Please send JSON.")),
    "key-reused": Kind(422, _("This Idempotency-Key was used for something else.")),
    "too-many": Kind(429, _("This has been done as often as it may be for now.")),
    "failed": Kind(500, _("Something went wrong on our side; nothing was changed by halves.")),
    "unavailable": Kind(503, _("Nothing could be written just now, so nothing was done. Please try again.")),
}


class Problem(exceptions.APIException):
    """Answer with a problem of this kind; `more` are its further members."""

    def __init__(self, code: str, *, detail: str = "", **more: Any) -> None:
        super().__init__()
        self.code, self.said, self.more = code, detail, more
        self.status_code = KINDS[code].status


_STANDARD: Final[tuple[tuple[type[Exception], str], ...]] = (
    (exceptions.ParseError, "malformed"),
    (exceptions.ValidationError, "malformed"),
    (exceptions.NotAuthenticated, "unauthenticated"),
    (exceptions.AuthenticationFailed, "unauthenticated"),
    (exceptions.PermissionDenied, "not-allowed"),
    (PermissionDenied, "not-allowed"),
    (exceptions.NotFound, "not-found"),
    (Http404, "not-found"),
    (exceptions.MethodNotAllowed, "method"),
    (exceptions.NotAcceptable, "not-acceptable"),
    (exceptions.UnsupportedMediaType, "media-type"),
    (exceptions.Throttled, "too-many"),
)


def answer(error: Exception, context: dict[str, Any]) -> Response:
    """Turn whatever was raised into a problem. What nobody foresaw is logged by its type and tells nothing."""
    problem = error if isinstance(error, Problem) else _standard(error)
    if problem.code == "failed":
        log.error("api.failed", view=type(context.get("view")).__name__, error=type(error).__name__)
    response = Response(_body(problem), status=problem.status_code, content_type=MEDIA_TYPE)
    if problem.status_code == 401:
        response["WWW-Authenticate"] = "Token"
    return response


def _standard(error: Exception) -> Problem:
    code = next((code for kind, code in _STANDARD if isinstance(error, kind)), "failed")
    if isinstance(error, exceptions.ValidationError):
        return Problem(code, errors=_by_field(error.detail))
    if isinstance(error, exceptions.ParseError):
        return Problem(code, detail=str(error.detail))
    return Problem(code)


def _by_field(detail: Any) -> dict[str, list[str]]:
    """Flatten DRF's errors: whole-body ones stand under "body", those of nested fields under their outer field."""
    if not isinstance(detail, dict):
        return {"body": [str(sentence) for sentence in detail]}
    errors = {}
    for name, said in detail.items():
        sentences = said.values() if isinstance(said, dict) else said
        errors["body" if name == "non_field_errors" else str(name)] = [
            str(one) for some in sentences for one in (some if isinstance(some, list) else [some])
        ]
    return errors


def _body(problem: Problem) -> dict[str, Any]:
    kind = KINDS[problem.code]
    title = str(kind.title)
    return {
        "type": f"{TYPES_AT}{problem.code}/",
        "title": title,
        "status": kind.status,
        "detail": problem.said or title,
        **problem.more,
    }


def described(code: str) -> dict[str, Any]:
    """Describe one kind of problem for whoever follows its type. Raises Problem when there is no such kind."""
    if code not in KINDS:
        raise Problem("not-found")
    return {"type": f"{TYPES_AT}{code}/", "title": str(KINDS[code].title), "status": KINDS[code].status}
