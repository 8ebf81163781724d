"""Cases through the API: opened with the customer's questions, looked at, closed once each is answered or declined."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from cases.models import Case
from verification.api.attempts import ANSWERS, IDEMPOTENCY_KEY, GrantSerializer, ask, problem, proposed
from verification.api.base import SERVING, Endpoint
from verification.api.interactions import served_by
from verification.api.problems import Problem
from verification.gate import Proposed
from verification.masking import standing
from verification.models import Interaction, Staff

ID = OpenApiParameter("id", OpenApiTypes.UUID, OpenApiParameter.PATH, description="The case.")


class WhichInteraction(serializers.Serializer[Any]):
    """The contact in which it is asked."""

    interaction = serializers.UUIDField()


class ClosingSerializer(serializers.Serializer[Any]):
    """The contact in which it is closed; without it, the one that it was opened in."""

    interaction = serializers.UUIDField(required=False)


class NewCaseSerializer(serializers.Serializer[Any]):
    """The contact, and the customer's questions in his own words."""

    interaction = serializers.UUIDField()
    questions = serializers.ListField(child=serializers.CharField(max_length=2000), min_length=1, max_length=20)


class OpenedSerializer(GrantSerializer):
    """The grant, and the case."""

    id = serializers.UUIDField()


class QuestionSerializer(serializers.Serializer[Any]):
    """Where one question stands; its words are not repeated."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=["WAITING", "ANSWERED", "DECLINED"])


class CaseSerializer(serializers.Serializer[Any]):
    """Where a case stands."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=Case.State.choices)
    opened_at = serializers.DateTimeField()
    questions = QuestionSerializer(many=True)


class Cases(Endpoint):
    """Opening a case."""

    roles = SERVING

    @extend_schema(
        operation_id="case_open",
        tags=["cases"],
        request=NewCaseSerializer,
        parameters=[IDEMPOTENCY_KEY],
        responses={201: OpenedSerializer, **ANSWERS},
    )
    def post(self, request: Request) -> Response:
        """Open a case with its questions: the action open_case, asked of the gate."""
        body = request.data if isinstance(request.data, dict) else {}
        which = _interaction(body)
        granted = ask(self, "open_case", which, {"questions": _questions(body.get("questions"))})
        if isinstance(granted, Proposed):
            return proposed(granted)
        opened = {"id": granted.result["case"], "grant": granted.grant.public_id, "result": granted.result}
        return Response(opened, status=status.HTTP_201_CREATED)


def _interaction(body: dict[str, Any]) -> UUID:
    asked = WhichInteraction(data=body)
    asked.is_valid(raise_exception=True)
    which: UUID = asked.validated_data["interaction"]
    return which


def _questions(given: Any) -> Any:
    """Return a list of texts as the action's form takes it, one a line; anything else as a list, which it refuses."""
    if isinstance(given, list) and all(isinstance(one, str) for one in given):
        return "\n".join(" ".join(one.splitlines()) for one in given)
    return given if isinstance(given, list) else [given]


class OneCase(Endpoint):
    """One case."""

    roles = SERVING

    @extend_schema(
        operation_id="case_show",
        tags=["cases"],
        parameters=[ID, OpenApiParameter("interaction", OpenApiTypes.UUID, required=True)],
        responses={200: CaseSerializer, (404, "application/problem+json"): problem("No such case in this contact.")},
    )
    def get(self, request: Request, id: UUID) -> Response:
        """Show where a case of this very contact stands. Cases of earlier contacts are told by tell_case_state."""
        contact = served_by(self.by, _interaction(request.query_params.dict()))
        claim, _held = standing(contact, self.at)
        case = Case.objects.filter(public_id=id, interaction=contact).first()
        if case is None or case.customer_id != (claim.customer_id if claim else None):
            raise Http404
        return Response(_shown(case))


def _shown(case: Case) -> dict[str, Any]:
    questions = case.questions.select_related("answer")
    return {
        "id": case.public_id,
        "state": case.state,
        "opened_at": case.opened_at,
        "questions": [{"id": question.public_id, "state": _state(question)} for question in questions],
    }


def _state(question: Any) -> str:
    answer = getattr(question, "answer", None)
    if answer is None:
        return "WAITING"
    return "DECLINED" if answer.declined else "ANSWERED"


class Closing(Endpoint):
    """Closing a case."""

    roles = SERVING

    @extend_schema(
        operation_id="case_close",
        tags=["cases"],
        request=ClosingSerializer,
        parameters=[ID, IDEMPOTENCY_KEY],
        responses={
            200: OpenApiResponse(GrantSerializer),
            (404, "application/problem+json"): problem("No such case."),
            (409, "application/problem+json"): problem("A question is neither answered nor declined."),
            **ANSWERS,
        },
    )
    def post(self, request: Request, id: UUID) -> Response:
        """Close it through the gate; 409 while a question is neither answered nor declined."""
        case = Case.objects.filter(public_id=id, organisation_id=self.by.organisation_id).first()
        if case is None:
            raise Http404
        body = request.data if isinstance(request.data, dict) else {}
        which = _interaction({"interaction": case.interaction.public_id, **body})
        if which == case.interaction.public_id and _is_his(which, self.by) and case.unanswered().exists():
            raise Problem("unanswered")
        granted = ask(self, "close_case", which, {"case": str(case.public_id)})
        if isinstance(granted, Proposed):
            return proposed(granted)
        return Response({"grant": granted.grant.public_id, "result": granted.result})


def _is_his(which: UUID, by: Staff) -> bool:
    """Tell whether the asker serves this live contact; to anybody else the gate answers, and writes it down."""
    return Interaction.objects.filter(public_id=which, served_by=by, ended_at=None).exists()
