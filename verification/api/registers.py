"""Asking a national register of authorizations about those who act for another in a contact."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from verification import registers
from verification.api.attempts import problem
from verification.api.base import SERVING, Endpoint
from verification.api.interactions import ID, served_by
from verification.api.problems import Problem
from verification.models import RegisterAnswer

PROBLEMS = {"NONE": "no-register", "CLAIM": "no-claim", "LEVEL": "not-proven", "ACTION": "no-road"}


class RegisterAskingSerializer(serializers.Serializer[Any]):
    """The action about which the register is asked; a yes counts for it alone, and for ten minutes."""

    action = serializers.CharField(max_length=60)


class RegisterAnswerSerializer(serializers.Serializer[Any]):
    """What the register said of one speaker; `until` is the right's own end, where it has one."""

    speaker = serializers.UUIDField()
    answer = serializers.ChoiceField(choices=RegisterAnswer.Said.choices)
    until = serializers.DateTimeField(allow_null=True)


class RegisterAnswersSerializer(serializers.Serializer[Any]):
    """One answer for every speaker who acts for another and is proven as far as the action asks."""

    answers = RegisterAnswerSerializer(many=True)


class Registers(Endpoint):
    """Asking the register; afterwards the action is asked for once more, and the gate judges as always."""

    roles = SERVING

    @extend_schema(
        operation_id="register_ask",
        tags=["interactions"],
        parameters=[ID],
        request=RegisterAskingSerializer,
        responses={
            200: RegisterAnswersSerializer,
            (409, "application/problem+json"): problem(
                "There is no register, nobody acts for another, who does isn't proven yet, or the action knows no "
                "representative."
            ),
        },
    )
    def post(self, request: Request, id: UUID) -> Response:
        """Ask it. Nobody who isn't proven is asked about: a register is nobody's directory."""
        served_by(self.by, id)
        asked = RegisterAskingSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        try:
            told = registers.ask(id, asked.validated_data["action"], by=self.by, at=self.at)
        except registers.CannotAsk as stop:
            raise Problem(PROBLEMS[stop.code]) from stop
        return Response({"answers": [_described(each) for each in told]})


def _described(answer: RegisterAnswer) -> dict[str, Any]:
    return {"speaker": str(answer.claim.speaker.public_id), "answer": answer.said, "until": answer.until}
