"""Asking the caller of a contact to prove himself on his own device, and how far he has come."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from verification import prompt_states, prompts
from verification.api.attempts import problem
from verification.api.base import SERVING, Endpoint
from verification.api.catalogue import SchemaField
from verification.api.interactions import ID, served_by
from verification.api.problems import Problem
from verification.interactions import Ended
from verification.models import Customer, Prompt
from verification.prompt_states import STATES, Standing

PROBLEMS = {"SERVING": "not-serving", "CLAIM": "no-claim", "ACTION": "no-road", "ROAD": "no-road", "OPEN": "waiting",
            "CAP": "too-many", "DECLINED": "declined"}  # fmt: skip


class AskingSerializer(serializers.Serializer[Any]):
    """By which road, and what he should approve: without an action only his identity is asked for.

    `speaker` is one of several who are heard, as noting his claim has told; without it, the first.
    """

    road = serializers.ChoiceField(choices=Prompt.Road.choices)
    speaker = serializers.UUIDField(required=False)
    action = serializers.CharField(max_length=60, allow_blank=True, default="")
    parameters = SchemaField(default=dict, help_text="As for the action itself; approved are exactly these.")


class PromptSerializer(serializers.Serializer[Any]):
    """One request. `words` are read aloud while it waits, in `language`; the same whether or not he is a customer."""

    prompt = serializers.UUIDField()
    road = serializers.ChoiceField(choices=Prompt.Road.choices)
    action = serializers.CharField(allow_blank=True)
    state = serializers.ChoiceField(choices=STATES)
    reason = serializers.CharField(allow_blank=True)
    words = serializers.ListField(child=serializers.CharField())
    language = serializers.ChoiceField(choices=Customer.Language.choices)
    asked_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()


class PromptsSerializer(serializers.Serializer[Any]):
    """The requests of one contact, the newest first."""

    results = PromptSerializer(many=True)


def described(standing: Standing) -> dict[str, Any]:
    """Describe one request as it stands; its words are told only as long as they are of use."""
    prompt = standing.prompt
    language, pair = prompts.words_of(prompt)
    return {
        "prompt": str(prompt.public_id),
        "road": prompt.road,
        "action": prompt.action,
        "state": standing.state,
        "reason": standing.reason,
        "words": list(pair) if standing.waiting else [],
        "language": language,
        "asked_at": prompt.asked_at,
        "expires_at": prompt.expires_at,
    }


class Prompts(Endpoint):
    """The requests of one contact. Only who serves it asks and sees them."""

    roles = SERVING

    @extend_schema(
        operation_id="prompt_list", tags=["interactions"], parameters=[ID], responses={200: PromptsSerializer}
    )
    def get(self, request: Request, id: UUID) -> Response:
        """List the requests with their states."""
        return Response({"results": [described(each) for each in prompt_states.of(served_by(self.by, id))]})

    @extend_schema(
        operation_id="prompt_ask",
        tags=["interactions"],
        parameters=[ID],
        request=AskingSerializer,
        responses={
            201: PromptSerializer,
            (400, "application/problem+json"): problem("The action's parameters could not be read."),
            (409, "application/problem+json"): problem(
                "The contact is over, nobody was named, one is waiting, or he says that he did not call."
            ),
            (429, "application/problem+json"): problem("Too many requests were sent."),
        },
    )
    def post(self, request: Request, id: UUID) -> Response:
        """Send one. The answer is the same whether or not there is such a customer or a contact to write to."""
        served_by(self.by, id)
        asked = AskingSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        made = self._ask(id, asked.validated_data)
        return Response(described(prompt_states.standing(made)), status=status.HTTP_201_CREATED)

    def _ask(self, id: UUID, said: Any) -> Prompt:
        parameters = said["parameters"]
        if not isinstance(parameters, dict):
            raise Problem("malformed", errors={"parameters": ["?"]})
        try:
            return prompts.ask(
                id, road=said["road"], action=said["action"], parameters=parameters, by=self.by, at=self.at,
                speaker=said.get("speaker"),
            )  # fmt: skip
        except prompts.BadParameters as unread:
            raise Problem("malformed", errors=unread.errors) from unread
        except prompts.NotAsked as stop:
            raise Problem(PROBLEMS[stop.code]) from stop
        except Ended as error:
            raise Problem("ended") from error
