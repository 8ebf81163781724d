"""Asking the gate, and saying what it decided. The gate writes the one entry that each attempt leaves."""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from verification.api import receipts
from verification.api.base import EVERYONE, Endpoint
from verification.api.catalogue import LANGUAGES, LevelField, SchemaField, TextSerializer, by_language
from verification.api.problems import Problem
from verification.decisions import OfProposal, Origin
from verification.declarations import declared
from verification.gate import Decision, Granted, Live, Malformed, Proposed, Refused, Unavailable, attempt
from verification.levels import Level
from verification.models import DecisionKey, Refusal
from verification.reasons import Reason, to_staff
from verification.ways import by_code

_UNPRINTABLE = re.compile(r"[^!-~]")
_KEY = re.compile(r"[!-~]{1,200}")
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key", str, OpenApiParameter.HEADER,
    description="The same key with the same request gets the first decision again, and nothing is done twice.",
)  # fmt: skip


class ErrorsField(serializers.DictField):
    """Sentences by the name of the parameter."""

    child = serializers.ListField(child=serializers.CharField())


class ProblemSerializer(serializers.Serializer[Any]):
    """A problem (RFC 9457)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    errors = ErrorsField(required=False)  # type: ignore[assignment]  # DRF takes declared fields off the class


class WaySerializer(serializers.Serializer[Any]):
    """One thing that the caller can do next; `action` starts it."""

    code = serializers.CharField()
    label = TextSerializer()  # type: ignore[assignment]  # DRF takes declared fields off the class
    say = TextSerializer()
    action = serializers.CharField(allow_blank=True)


class RefusalSerializer(ProblemSerializer):
    """The gate's no: what was held, what was needed, the ways forward, and the words to say."""

    action = serializers.CharField()
    reason = serializers.ChoiceField(choices=Reason.choices)
    held = LevelField()
    required = LevelField()  # type: ignore[assignment]  # DRF takes declared fields off the class
    ways_forward = WaySerializer(many=True)
    say = TextSerializer()
    refusal = serializers.UUIDField()


class GrantSerializer(serializers.Serializer[Any]):
    """The gate's yes, and what came of it."""

    grant = serializers.UUIDField()
    result = SchemaField()
    receipt = serializers.CharField(
        allow_null=True,
        help_text="Signed, for the system of record (docs/receipts.md); null for what can still be stopped.",
    )


class ProposedSerializer(serializers.Serializer[Any]):
    """What waits for a second person, and until when."""

    proposal = serializers.UUIDField()
    expires_at = serializers.DateTimeField()


def problem(description: str) -> OpenApiResponse:
    """Describe an answer that is a problem."""
    return OpenApiResponse(ProblemSerializer, description)


ANSWERS: dict[Any, Any] = {
    (400, "application/problem+json"): problem("The parameters could not be read; `errors` by field."),
    (403, "application/problem+json"): OpenApiResponse(RefusalSerializer, "Refused, an undeclared action included."),
    (422, "application/problem+json"): problem("The Idempotency-Key was used for something else."),
    (503, "application/problem+json"): problem("Nothing could be written, so nothing was done."),
}


class Attempts(Endpoint):
    """An attempt at one action in one contact. Open to every role: the gate decides, and writes down who asked."""

    roles = EVERYONE

    @extend_schema(
        operation_id="action_attempt",
        tags=["actions"],
        request={"application/json": OpenApiTypes.OBJECT},
        parameters=[
            OpenApiParameter("id", OpenApiTypes.UUID, OpenApiParameter.PATH, description="The interaction."),
            IDEMPOTENCY_KEY,
        ],
        responses={
            200: GrantSerializer,
            202: OpenApiResponse(ProposedSerializer, "Everything is in order; a second person decides."),
            **ANSWERS,
        },
    )
    def post(self, request: Request, id: UUID, action: str) -> Response:
        """Ask the gate. Granted, the action has been carried out when this returns."""
        decided = ask(self, action, id, request.data)
        if isinstance(decided, Proposed):
            return proposed(decided)
        return Response(
            {"grant": decided.grant.public_id, "result": decided.result, "receipt": receipts.of(decided.grant, self)}
        )


def ask(endpoint: Endpoint, action: str, interaction: UUID, parameters: Any) -> Granted | Proposed:
    """Ask the gate for who bears the token. Raises Problem for a refusal and for what can't be judged."""
    name = _UNPRINTABLE.sub("?", action)
    return _asked(endpoint, name, Live(interaction, endpoint.by), str(interaction), _by_name(parameters))


def decide(endpoint: Endpoint, action: str, origin: OfProposal, about: str) -> Granted:
    """Ask the gate to carry out what was proposed. Raises Problem for a refusal."""
    decided = _asked(endpoint, action, origin, about, {})
    if isinstance(decided, Proposed):
        raise Problem("failed")
    return decided


def _asked(endpoint: Endpoint, name: str, origin: Origin, about: str, raw: dict[str, Any]) -> Granted | Proposed:
    key = _key(endpoint, name, about, raw)
    try:
        decision = attempt(name, origin=origin, parameters=raw, at=endpoint.at, key=key)
    except Unavailable as error:
        raise Problem("unavailable") from error
    return _granted(decision, endpoint)


def proposed(decided: Proposed) -> Response:
    """Answer that a second person decides, and until when."""
    waits = decided.proposal
    return Response({"proposal": waits.public_id, "expires_at": waits.expires_at}, status=202)


def _granted(decision: Decision, endpoint: Endpoint) -> Granted | Proposed:
    match decision:
        case Granted() | Proposed():
            return decision
        case Malformed(errors):
            raise Problem("malformed", errors=errors)
        case Refused(refusal):
            raise Problem("refused", detail=to_staff(refusal.reason), **_told(refusal, endpoint))


def _by_name(parameters: Any) -> dict[str, Any]:
    """Return parameters by name. What is no object is a parameter that no action knows, so the gate judges it too.

    Names go into the log, so they are cut to what a name can be; a name that had to be cut is unknown anyway.
    """
    if not isinstance(parameters, Mapping):
        return {"(body)": parameters}
    return {_UNPRINTABLE.sub("?", str(name))[:60]: value for name, value in parameters.items()}


def _key(endpoint: Endpoint, action: str, about: str, raw: Mapping[str, Any]) -> str:
    """Return the gate's key for this request, the token's owner's own, or "". Raises Problem for one used otherwise."""
    given = endpoint.request.headers.get("Idempotency-Key")
    if given is None:
        return ""
    if not _KEY.fullmatch(given):
        raise Problem("malformed", errors={"Idempotency-Key": [_("1 to 200 printable characters.")]})
    owner = f"api:{_hash([str(endpoint.by.pseudonym), given])}:"
    key = owner + _hash([action, about, raw])
    if DecisionKey.objects.filter(key__startswith=owner).exclude(key=key).exists():
        raise Problem("key-reused")
    return key


def _hash(parts: list[Any]) -> str:
    """Return a keyed hash: the plain one of an address or a sum is found by trying."""
    return hmac.new(settings.FIELD_KEY, json.dumps(parts, sort_keys=True).encode(), sha256).hexdigest()[:48]


def _told(refusal: Refusal, endpoint: Endpoint) -> dict[str, Any]:
    """Return the members of a refusal. The level, and what raised the bar, are told only to who serves the contact."""
    contact, action = refusal.interaction, declared(refusal.action)
    serving = contact is not None and contact.served_by_id == endpoint.by.pk
    usual = action.required if action else Level.HIGH
    return {
        "action": refusal.action,
        "reason": refusal.reason,
        "held": Level(refusal.held if serving else Level.NONE).name,
        "required": Level(refusal.required if serving else usual).name,
        "ways_forward": [_way(code) for code in refusal.ways],
        "say": {language: refusal.said.get(language, "") for language in LANGUAGES},
        "refusal": str(refusal.public_id),
    }


def _way(code: str) -> dict[str, Any]:
    way = by_code(code)
    if way is None:
        return {"code": code, "label": by_language(code), "say": by_language(""), "action": ""}
    return {"code": code, "label": by_language(way.label), "say": by_language(way.say), "action": way.action}
