"""What waits for a second person: listed for those who may decide, read by them, approved or rejected."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from verification import deciding, proposals, registers
from verification.api import receipts
from verification.api.attempts import ANSWERS, IDEMPOTENCY_KEY, GrantSerializer, decide, problem
from verification.api.base import Endpoint
from verification.api.catalogue import LevelField, SchemaField
from verification.api.problems import Problem
from verification.gate import OfProposal
from verification.levels import Level
from verification.models import Proposal, ProposalEnd, Staff

PAGE = 200
ID = OpenApiParameter("id", OpenApiTypes.UUID, OpenApiParameter.PATH, description="The proposal.")


class WaitingSerializer(serializers.Serializer[Any]):
    """One proposal that this person may decide. `asked_by` is a pseudonym."""

    proposal = serializers.UUIDField()
    action = serializers.CharField()
    asked_by = serializers.UUIDField()
    asked_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    held = LevelField()


class WaitingPageSerializer(serializers.Serializer[Any]):
    """What waits, the oldest first."""

    results = WaitingSerializer(many=True)


class BriefSerializer(WaitingSerializer):
    """One proposal with exactly what was asked, the proof then, and what counts now."""

    parameters = SchemaField(allow_null=True)
    evidence = serializers.ListField(child=serializers.CharField())
    holds = serializers.ListField(child=serializers.CharField())
    signals = serializers.ListField(child=serializers.CharField())


class ReasonSerializer(serializers.Serializer[Any]):
    """Why it is rejected, for the one who asked."""

    because = serializers.CharField(min_length=5, max_length=200)


class EndSerializer(serializers.Serializer[Any]):
    """How a proposal ended."""

    proposal = serializers.UUIDField()
    outcome = serializers.ChoiceField(choices=ProposalEnd.Outcome.choices)


class Deciding(Endpoint):
    """Open to those who decide as second person."""

    roles = frozenset({Staff.Role.SUPERVISOR})

    def found(self, public_id: UUID) -> Proposal:
        """Return a proposal of this person's organisation, or raise Http404."""
        mine = Proposal.objects.filter(organisation_id=self.by.organisation_id, public_id=public_id)
        if (found := mine.first()) is None:
            raise Http404
        return found


class Proposals(Deciding):
    """What waits for this person."""

    @extend_schema(operation_id="proposal_list", tags=["proposals"], responses=WaitingPageSerializer)
    def get(self, request: Request) -> Response:
        """List what this person may decide now."""
        return Response({"results": [_row(each) for each in proposals.waiting_for(self.by, self.at)[:PAGE]]})


class OneProposal(Deciding):
    """One proposal; that it was read is written into the log."""

    @extend_schema(
        operation_id="proposal_read", tags=["proposals"], parameters=[ID],
        responses={200: BriefSerializer, (403, "application/problem+json"): problem("Not this person's to decide.")},
    )  # fmt: skip
    def get(self, request: Request, id: UUID) -> Response:
        """Show what was asked and what counts now."""
        self.found(id)
        try:
            brief = deciding.brief(id, by=self.by, at=self.at)
        except proposals.NotYours:
            raise Problem("not-allowed") from None
        return Response(
            {
                **_row(brief.proposal),
                "parameters": _parameters(brief.proposal),
                "evidence": [seen.kind for seen in brief.evidence],
                "holds": brief.holds,
                "signals": brief.signals,
            }
        )


class Approving(Deciding):
    """A second person's yes. The gate asks every rule once more."""

    weighty = True

    @extend_schema(
        operation_id="proposal_approve", tags=["proposals"], request=None, parameters=[ID, IDEMPOTENCY_KEY],
        responses={
            200: GrantSerializer,
            **ANSWERS,
            (403, "application/problem+json"): problem("Refused, as an attempt is, not open to this role, or step-up."),
        },
    )  # fmt: skip
    def post(self, request: Request, id: UUID) -> Response:
        """Carry out what was proposed. Granted, it has been done when this returns."""
        found = self.found(id)
        registers.ask_again(found, by=self.by, at=self.at)
        decided = decide(self, found.action, OfProposal(found.public_id, self.by), str(found.public_id))
        return Response(
            {"grant": decided.grant.public_id, "result": decided.result, "receipt": receipts.of(decided.grant, self)}
        )


class Rejecting(Deciding):
    """A second person's no."""

    @extend_schema(
        operation_id="proposal_reject", tags=["proposals"], request=ReasonSerializer, parameters=[ID],
        responses={
            200: EndSerializer,
            (403, "application/problem+json"): problem("Not this person's to decide."),
            (409, "application/problem+json"): problem("Decided already, or run out."),
        },
    )  # fmt: skip
    def post(self, request: Request, id: UUID) -> Response:
        """Reject what was proposed, with a reason for the one who asked."""
        found, said = self.found(id), ReasonSerializer(data=request.data)
        said.is_valid(raise_exception=True)
        try:
            end = proposals.reject(found.public_id, by=self.by, because=said.validated_data["because"], at=self.at)
        except proposals.NotYours:
            raise Problem("not-allowed") from None
        except proposals.Decided:
            raise Problem("decided") from None
        return Response({"proposal": found.public_id, "outcome": end.outcome})


def _row(each: Proposal) -> dict[str, Any]:
    return {
        "proposal": each.public_id,
        "action": each.action,
        "asked_by": each.asked_by.pseudonym if each.asked_by else None,
        "asked_at": each.decided_at,
        "expires_at": each.expires_at,
        "held": Level(each.held).name,
    }


def _parameters(proposal: Proposal) -> dict[str, Any] | None:
    try:
        return proposals.parameters_of(proposal)
    except proposals.Lost:
        return None
